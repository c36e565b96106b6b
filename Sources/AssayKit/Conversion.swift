import Bytes
import Executor
import Formats
import Frontends
import IR
import Kernels
import Passes
import Tensors
import Verification

/// A conversion: what to read, what to write, and what must hold before the result appears.
public struct Conversion: Sendable {
  /// A model folder, or a weight file with its configuration beside it.
  public var source: String
  /// The file to write; its extension says what.
  public var target: String
  /// The type weights are stored in: F32, F16 or BF16.
  public var dataType = DataType.float32
  /// Golden cases, or folders of them, to check and embed.
  public var goldens: [String] = []
  /// The system, where the files cannot tell.
  public var system: String?
  /// How many threads run the golden cases.
  public var threads = defaultThreads

  /// Creates a conversion.
  public init(source: String, target: String) {
    self.source = source
    self.target = target
  }

  /// What wrote an artifact.
  public static let tool = "assay 0.1.0"

  /// What a conversion did. `isPublished` is false where a golden case failed: then no file was written.
  public struct Report: Sendable {
    /// The file asked for.
    public let target: String
    /// Whether it is there now.
    public let isPublished: Bool
    /// Its length in bytes.
    public let bytes: Int
    /// Its digest.
    public let digest: Digest
    /// What it holds.
    public let artifact: Artifact
    /// Lines about constants that were folded, cast or arranged in panels.
    public let changes: [String]
    /// What narrowing lost, by constant.
    public let losses: [(name: String, counts: CastCounts)]
    /// Outcomes of the golden cases.
    public let cases: [CaseResult]
    /// Choices that were made, a line each.
    public let notes: [String]
  }

  /// Reads, folds, casts, arranges, writes to a nameless file, reads that back, judges it, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: (Double) -> Void = { _ in }) throws -> Report {
    guard target.hasSuffix(".assay") else {
      throw Failure("\(target): conversion writes .assay; other extensions are not supported yet")
    }
    let files = try inFile(source) { try ModelFiles.open(source) }
    let sources = Background { () throws(FormatError) in
      try files.weightFiles.map { (name) throws(FormatError) in
        let view = try ByteRegion.mapping(joinPath(files.folder, name)).view
        return Metadata.SourceFile(name: name, bytes: view.count, digest: .of(view))
      }
    }
    let imported = try inFile(source) {
      try ImportedModel(files, system: system.map(ModelSystem.named))
    }
    let cases = try goldens.flatMap(GoldenFolder.cases)
    var graph = imported.graph
    let narrowed = try CastWeights.narrowingDoubles.cast(&graph)
    var changes = narrowed.report.changes + (try FoldConstants().run(on: &graph).changes)
    let cast = try CastWeights(to: dataType).cast(&graph)
    changes += cast.report.changes
    changes += try ArrangePanels().run(on: &graph).changes
    let embedded = try EmbeddedGoldens.embedding(cases, rate: imported.preprocessing.sampleRate)
    let artifact = Artifact(
      metadata: Metadata(
        system: imported.system.rawValue, preprocessing: imported.preprocessing, labels: imported.labels,
        license: imported.license, sources: try sources.wait(), dataType: dataType, tool: Conversion.tool,
        ignored: imported.ignored),
      graph: graph, goldens: embedded.documents, goldenTensors: embedded.tensors)

    return try inFile(target) {
      let writer = try FileWriter(target)
      try artifact.write(to: writer) { progress($0 * 0.7) }
      let file = try ArtifactFile(writer.readBack())
      try file.checkDigest()
      progress(0.9)
      let results = try judge(file, cases)
      let holds = results.allSatisfy(\.holds)
      if holds { try writer.publish() }
      progress(1)
      return Report(
        target: target, isPublished: holds, bytes: writer.count, digest: file.digest, artifact: file.artifact,
        changes: changes, losses: narrowed.losses + cast.losses, cases: results, notes: imported.notes)
    }
  }

  /// Runs the given cases on what was written, as it reads back.
  private func judge(_ file: ArtifactFile, _ cases: [GoldenCase]) throws -> [CaseResult] {
    guard !cases.isEmpty else { return [] }
    let model = try Model(target, file)
    return try Judge(model, threads: threads).results(EmbeddedGoldens.cases(file.artifact))
  }
}

extension Conversion.Report {
  /// Parameters, in numbers.
  public var parameters: Int { artifact.graph.parameterCount }

  /// The report as a document.
  public var json: JSON {
    [
      "output": JSON(target), "published": JSON(isPublished), "bytes": JSON(bytes), "sha256": JSON(digest.description),
      "system": JSON(artifact.metadata.system), "dtype": JSON(artifact.metadata.dataType.rawValue),
      "tensors": JSON(artifact.graph.constants.count), "parameters": JSON(parameters),
      "changed": JSON(changes),
      "ignored": JSON(
        artifact.metadata.ignored.map { ["tensor": JSON($0.tensor), "reason": JSON($0.reason)] }),
      "losses": JSON(
        losses.map {
          ["tensor": JSON($0.name), "overflowed": JSON($0.counts.overflowed), "flushed": JSON($0.counts.flushed)]
        }),
      "cases": JSON(cases.map(\.json)), "notes": JSON(notes),
    ]
  }
}

/// The types a conversion may store weights in, by the command line's words.
public enum WeightType: String, CaseIterable, Sendable {
  case f32, f16, bf16

  /// The element type.
  public var dataType: DataType {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    }
  }
}
