import Bytes
import Synchronization
import Tensors

/// Holds what was written against what was read, tensor by tensor.
struct PruneProof {
  private let plan: PrunePlan
  private let before: any TensorSource
  private let after: any TensorSource
  private let stated: [Name: Digest]
  private let threads: Int

  /// `stated` holds digests that the written file carries, and that were verified, by the tensors' names.
  init(
    _ plan: PrunePlan, before: any TensorSource, after: any TensorSource, stating stated: [Name: Digest] = [:],
    threads: Int
  ) {
    (self.plan, self.before, self.after, self.stated, self.threads) = (plan, before, after, stated, threads)
  }

  /// The digests of all tensors, each read again from both files and compared. Throws where names, types,
  /// shapes or, `inOrder`, the order are not those planned.
  func digests(
    inOrder: Bool
  ) throws(FormatError) -> (kept: [PruneManifest.Digests], changed: [PruneManifest.Digests]) {
    try checkEntries(inOrder: inOrder)
    return (
      try digests(plan.kept.map { ($0.entry.name, $0.source) }),
      try digests(plan.changed.map { ($0.entry.name, $0.source) })
    )
  }

  private func checkEntries(inOrder: Bool) throws(FormatError) {
    let planned = plan.kept.map(\.entry) + plan.changed.map(\.entry)
    let found = Dictionary(after.entries.map { (Name($0.name), $0) }) { first, _ in first }
    for entry in planned {
      guard let one = found[Name(entry.name)], one.dataType == entry.dataType, one.shape == entry.shape else {
        throw FormatError("proof", .digestMismatch("a tensor does not read back as planned"), place: [entry.name])
      }
    }
    guard after.entries.count == planned.count else {
      throw FormatError(
        "proof", .digestMismatch("\(after.entries.count) tensors were written in the place of \(planned.count)"))
    }
    guard inOrder else { return }
    let names = Dictionary(plan.renamings.map { (Name($0.source), $0.name) }) { first, _ in first }
    let order = before.entries.compactMap { names[Name($0.name)].map { Name($0) } }
    guard order == after.entries.map({ Name($0.name) }) else {
      throw FormatError("proof", .digestMismatch("the tensors are not in the source's order"))
    }
  }

  private func digests(
    _ tensors: [(name: String, source: String)]
  ) throws(FormatError) -> [PruneManifest.Digests] {
    let made = Mutex([PruneManifest.Digests?](repeating: nil, count: tensors.count))
    try inParallel(tensors.count, threads: threads) { [self] (number) throws(FormatError) in
      let (name, source) = tensors[number]
      let digests = try digests(before.tensor(source), name)
      made.withLock { $0[number] = digests }
    }
    return made.withLock { $0.compactMap { $0 } }
  }
  private func digests(_ read: Tensor, _ name: String) throws(FormatError) -> PruneManifest.Digests {
    let digest = read.digest
    if let stated = stated[Name(name)] { return PruneManifest.Digests(before: digest, after: stated) }
    let written = try after.tensor(name)
    // Equal bytes have equal digests; comparing them is much quicker than hashing both.
    let isEqual = read.bytes.hasSameBytes(as: written.bytes)
    return PruneManifest.Digests(before: digest, after: isEqual ? digest : written.digest)
  }
}
