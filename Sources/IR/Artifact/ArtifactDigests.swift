import Bytes
import Dispatch
import Tensors

/// The digests of an artifact that is being written, computed on two other threads.
///
/// One follows the stored bytes: SHA-256 of the file, CRC-32 of each tensor. The other goes through the tensors' logical
/// elements, which are the source's own bytes and need not wait for what is written.
final class ArtifactDigests: Sendable {
  private let storedQueue = DispatchQueue(label: "assay.stored")
  private nonisolated(unsafe) var hasher = DigestHasher()  // these three are touched on their queue only
  private nonisolated(unsafe) var crc: UInt32 = 0
  private nonisolated(unsafe) var crcs: [UInt32] = []

  private let logicalQueue = DispatchQueue(label: "assay.logical")
  private nonisolated(unsafe) var digests: [Digest] = []  // touched on its queue only

  /// How many pieces may wait to be hashed: what limits the writer's memory.
  private let room = DispatchSemaphore(value: 16)

  /// Starts with the tensors' logical elements.
  init(_ tensors: [Constant.Storage]) {
    logicalQueue.async { self.digests = tensors.map(\.digest) }
  }

  /// Follows bytes that belong to no tensor.
  func add(_ bytes: [UInt8]) { storedQueue.async { self.hasher.update(bytes) } }

  /// Follows bytes of the current tensor; waits while too many of them are not hashed yet.
  func add(_ piece: ByteView) {
    room.wait()
    storedQueue.async {
      self.hasher.update(piece)
      self.crc = piece.withUnsafeBytes { crc32($0, seed: self.crc) }
      self.room.signal()
    }
  }

  /// The current tensor is whole, the next one begins.
  func finishTensor() {
    storedQueue.async {
      self.crcs.append(self.crc)
      self.crc = 0
    }
  }

  /// Each tensor's digests.
  func records() -> [ArtifactFooter.Record] {
    let crcs = storedQueue.sync { self.crcs }
    let digests = logicalQueue.sync { self.digests }
    return zip(crcs, digests).map { ArtifactFooter.Record(crc: $0, digest: $1) }
  }

  /// SHA-256 of all bytes.
  func finish() -> Digest { storedQueue.sync { hasher.finish() } }
}
