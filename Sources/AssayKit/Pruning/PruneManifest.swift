import Bytes
import IR
import Tensors

/// The proof that lies beside a pruned model: which layers stayed, and that every kept tensor is the source's, bit for bit.
///
/// Digests are of contiguous, little-endian, row-major elements; those "after" are of the written file, read back.
public struct PruneManifest: Sendable {
  /// A file of the source.
  public struct SourceFile: Hashable, Sendable {
    /// Its name in the source's folder.
    public let name: String
    /// Its length.
    public let bytes: Int
    /// SHA-256 of the whole file.
    public let digest: Digest

    /// Creates the record.
    public init(name: String, bytes: Int, digest: Digest) {
      (self.name, self.bytes, self.digest) = (name, bytes, digest)
    }
  }

  /// A tensor's digests in the source and in the result.
  public struct Digests: Hashable, Sendable {
    /// Of the source's tensor, whole.
    public let before: Digest
    /// Of the result's.
    public let after: Digest

    /// Creates the pair.
    public init(before: Digest, after: Digest) { (self.before, self.after) = (before, after) }
  }

  /// What was done.
  public let plan: PrunePlan
  /// The files that were read.
  public let sources: [SourceFile]
  /// Of `plan.kept`, in its order.
  public let kept: [Digests]
  /// Of `plan.changed`, in its order.
  public let changed: [Digests]
  /// The written file's name, without folders, and its length.
  public let output: (name: String, bytes: Int)

  /// Creates a manifest; throws a failure that names the first kept tensor whose digests differ.
  public init(
    _ plan: PrunePlan, sources: [SourceFile], kept: [Digests], changed: [Digests], output: (name: String, bytes: Int)
  ) throws {
    precondition(kept.count == plan.kept.count && changed.count == plan.changed.count)
    if let wrong = kept.indices.first(where: { kept[$0].before != kept[$0].after }) {
      throw Failure(
        "\(output.name): the tensor \"\(plan.kept[wrong].entry.name)\" does not read back as the source's "
          + "\"\(plan.kept[wrong].source)\"; nothing was written")
    }
    (self.plan, self.sources, self.kept, self.changed, self.output) = (plan, sources, kept, changed, output)
  }

  /// What the manifest of the file at `path` is called; a folder's is `prune.json` inside it.
  public static func path(beside path: String) -> String { path + ".prune.json" }
  /// True for the first bytes of a manifest.
  static func starts(_ bytes: [UInt8]) -> Bool {
    var text = bytes.filter { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }[...]
    text = text.prefix(10)
    return text.elementsEqual("{\"prune\":1,".utf8.prefix(10))
  }

  /// What the manifest is called in a folder.
  public static let nameInFolder = "prune.json"

  /// The document; the same source and the same cut give the same bytes.
  public var json: JSON {
    JSON(
      members: [
        ("prune", 1), ("tool", JSON(Conversion.tool)), ("source", sourceJSON),
      ] + plan.members(kept, changed) + [("output", ["name": JSON(output.name), "bytes": JSON(output.bytes)])])
  }

  var sourceJSON: JSON {
    [
      "files": JSON(
        sources.map { ["name": JSON($0.name), "bytes": JSON($0.bytes), "sha256": JSON($0.digest.description)] })
    ]
  }

  /// The document as it is written: a member of a list on each line.
  public var text: String { json.lined(levels: 2) }
}

extension PrunePlan {
  /// The members that a plan and a manifest have; digests where there are any.
  func members(
    _ keptDigests: [PruneManifest.Digests]? = nil, _ changedDigests: [PruneManifest.Digests]? = nil
  ) -> [(String, JSON?)] {
    func members(_ entry: TensorEntry, from source: String) -> [(String, JSON?)] {
      [
        ("name", JSON(entry.name)), ("from", JSON(source)), ("dtype", JSON(entry.dataType.rawValue)),
        ("shape", JSON(entry.shape.dimensions)),
      ]
    }
    func members(_ digests: PruneManifest.Digests?) -> [(String, JSON?)] {
      guard let digests else { return [] }
      return [
        ("sha256_before", JSON(digests.before.description)), ("sha256_after", JSON(digests.after.description)),
      ]
    }
    return [
      ("layers", ["before": JSON(selection.count), "after": JSON(selection.kept.count)]),
      ("map", JSON(selection.kept.enumerated().map { ["from": JSON($1), "to": JSON($0)] })),
      (
        "kept",
        JSON(
          kept.enumerated().map { index, tensor in
            JSON(members: members(tensor.entry, from: tensor.source) + members(keptDigests?[index]))
          })
      ),
      (
        "changed",
        JSON(
          changed.enumerated().map { index, tensor in
            JSON(
              members: members(tensor.entry, from: tensor.source) + [("step", JSON(tensor.step))]
                + members(changedDigests?[index]))
          })
      ),
      (
        "dropped",
        JSON(
          dropped.map {
            [
              "name": JSON($0.entry.name), "dtype": JSON($0.entry.dataType.rawValue),
              "shape": JSON($0.entry.shape.dimensions), "bytes": JSON($0.entry.bytes),
              "layer": $0.layer.map { JSON($0) },
            ]
          })
      ),
      ("left_out", JSON(leftOut.map { ["name": JSON($0.name), "reason": JSON($0.reason)] })),
      ("rewritten", JSON(rewritten.map { ["name": JSON($0.name), "step": JSON($0.step)] })),
      ("copied", JSON(copied)), ("before", before.json), ("after", after.json),
    ]
  }
}
