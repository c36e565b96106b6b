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
  /// The weights' licence, where the files state none.
  public var license: String?
  /// Whether recordings are brought to zero mean and unit variance; only ONNX files leave that open.
  public var normalizing = false
  /// How many threads convert and run the golden cases.
  public var threads = defaultThreads

  /// Creates a conversion.
  public init(source: String, target: String) {
    self.source = source
    self.target = target
  }

  /// What wrote an artifact.
  public static let tool = "assay 0.1.0"

  /// Reads, folds, casts, arranges, writes to a nameless file, reads that back, judges it, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> ConversionReport {
    guard target.hasSuffix(".assay") else {
      throw Failure("\(target): conversion writes .assay; other extensions are not supported yet")
    }
    let folder = try inFile(source) { try ModelFolder.open(source) }
    let files = folder.files
    let writer = try inFile(target) { try FileWriter(target) }
    let regions = try files.names.map { name in
      try inFile(source) { try ByteRegion.mapping(joinPath(files.folder, name)) }
    }
    let digests = Background { () throws(FormatError) in regions.map { Digest.of($0.view) } }
    let imported = try inFile(source) {
      try ImportedModel(folder, system: system.map(ModelSystem.named), evaluating: Executor.elements)
    }
    let preprocessing = try inFile(source) { try imported.preprocessing.normalizing(normalizing, imported.system) }
    let license = try Metadata.License.stating(license, by: "--license", over: imported.license)
    let cases = try goldens.flatMap { try GoldenFolder.cases($0) }
    let (graph, recipe, losses, canonical) = try prepared(imported.graph)
    let ignored = imported.ignored + absorbed(files.weights.entries, from: imported.graph, by: graph)
    let accounting = Accounting(files.weights.entries, graph, ignored: ignored)
    if let name = accounting.unaccounted.first {
      throw Failure("\(source): the tensor \"\(name)\" is neither used nor ignored by a rule")
    }
    try check(cases, imported.system, graph)
    let embedded = try EmbeddedGoldens.embedding(cases, rate: imported.preprocessing.sampleRate)
    let unknown = Digest.of(ByteRegion(copying: []).view)
    let artifact = Artifact(
      metadata: Metadata(
        system: imported.system.rawValue, preprocessing: preprocessing, labels: imported.labels,
        license: license,
        sources: zip(files.names, regions).map { .init(name: $0, bytes: $1.count, digest: unknown) },
        recipe: recipe, ignored: ignored, tool: Conversion.tool),
      graph: graph, goldens: embedded.documents, goldenTensors: embedded.tensors)

    return try inFile(target) {
      // The process may end before the last one that holds the writer lets go of it.
      defer { writer.abandon() }
      try artifact.write(
        to: writer, threads: threads, digests: { () throws(FormatError) in try digests.wait() },
        progress: { progress($0 * 0.7) })
      // The disk works while the file is read back and judged.
      let stored = Background { () throws(FormatError) in try writer.sync() }
      let file = try ArtifactFile(writer.readBack())
      try file.check(holds: artifact, threads: threads)
      progress(0.9)
      let results = try judge(file, cases)
      try stored.wait()
      let holds = results.allSatisfy(\.holds)
      if holds { try writer.publish() }
      progress(1)
      return ConversionReport(
        target: target, isPublished: holds, bytes: writer.count, root: file.root, artifact: file.artifact,
        dataType: dataType, accounting: accounting, canonical: canonical, losses: losses, cases: results,
        notes: imported.notes)
    }
  }

  /// The graph as it is stored, what was done to it as a whole, and what narrowing lost.
  private func prepared(_ source: Graph) throws -> (
    graph: Graph, recipe: [Metadata.Step], losses: [(name: String, counts: CastCounts)], canonical: PassReport
  ) {
    var graph = source
    let narrowed = try CastWeights.narrowingDoubles.cast(&graph, threads: threads)
    _ = try FoldConstants().run(on: &graph)
    let canonical = try Canonicalize().run(on: &graph)
    let cast = try CastWeights(to: dataType).cast(&graph, threads: threads)
    _ = try ArrangePanels().run(on: &graph)
    let recipe: [Metadata.Step] = cast.report.changes.isEmpty ? [] : [.cast(dataType)]
    return (graph, recipe, narrowed.losses + cast.losses, canonical)
  }

  /// Source tensors that stand in operators now: lengths, axes, numbers such as the epsilon of a norm.
  private func absorbed(
    _ entries: [TensorEntry], from source: Graph, by graph: Graph
  ) -> [Metadata.Ignored] {
    func tensors(_ graph: Graph) -> [String] {
      graph.constantOrder.flatMap { graph.constants[$0]!.provenance.sources.map(\.tensor) }
    }
    let kept = Set(tensors(graph).map { Name($0) })
    let listed = Set(entries.map { Name($0.name) })
    return tensors(source).filter { listed.contains(Name($0)) && !kept.contains(Name($0)) }.map {
      Metadata.Ignored(tensor: $0, reason: "is part of an operator now")
    }
  }

  /// Throws where cases cannot be embedded, before anything is written.
  private func check(_ cases: [GoldenCase], _ system: ModelSystem, _ graph: Graph) throws {
    let known = graph.valuesByName
    var names: Set<Name> = []
    for golden in cases {
      guard names.insert(Name(golden.name)).inserted else {
        throw Failure("two golden cases are called \"\(golden.name)\"; an artifact tells them apart by their names")
      }
      try golden.requireSystem(system, of: source)
      if let name = golden.expected.map(\.name).first(where: { known[Name($0)] == nil }) {
        throw Failure("the case \"\(golden.name)\" expects \"\(name)\", and \(source) has no value of this name")
      }
    }
  }

  /// Runs the given cases on what was written, as it reads back.
  private func judge(_ file: ArtifactFile, _ cases: [GoldenCase]) throws -> [CaseResult] {
    guard !cases.isEmpty else { return [] }
    let model = try Model(target, file)
    return try Judge(model, threads: threads).results(model.goldens)
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
