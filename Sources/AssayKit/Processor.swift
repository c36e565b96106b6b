import Bytes

/// Throws on a processor that lacks what this build was made for, before anything is computed.
public func requireProcessor() throws {
  #if ASSAY_FMA && os(Linux)
    // One processor's lines are enough: the file has a block of them for each.
    guard let head = readStart(of: "/proc/cpuinfo", count: 16384) else { return }
    let words = Set(head.split { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) })
    var needed = ["avx2", "fma"]
    #if ASSAY_F16C
      needed.append("f16c")
    #endif
    #if ASSAY_AVX512
      needed += ["avx512f", "avx512vl", "avx512dq", "avx512bw"]
    #endif
    let missing = needed.filter { !words.contains($0) }
    guard missing.isEmpty else {
      throw Failure(
        "this processor lacks \(missing.joined(separator: ", ")), which this build uses; "
          + "tools/demo builds for the machine it runs on")
    }
  #endif
}
