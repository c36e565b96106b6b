import Bytes

/// Throws on a processor that lacks what this build was made for, before anything is computed.
public func requireProcessor() throws {
  #if ASSAY_FMA && os(Linux)
    // One processor's lines are enough: the file has a block of them for each.
    guard let head = readStart(of: "/proc/cpuinfo", count: 16384) else { return }
    let words = Set(head.split { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) })
    guard words.isSuperset(of: ["avx2", "fma"]) else {
      throw Failure(
        "this processor has no AVX2 and FMA, which this build uses; tools/demo makes a portable build on this machine")
    }
  #endif
}
