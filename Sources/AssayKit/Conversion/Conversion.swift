import Bytes
import Frontends
import IR
import Passes
import Tensors
import Verification

/// A conversion: what to read, what to write, and what must hold before the result appears.
public struct Conversion: Sendable {
  /// A model folder, a weight file with its configuration beside it, or for ONNX an artifact.
  public var source: String
  /// The file to write; its extension says what.
  public var target: String
  /// The type weights are stored in: F32, F16 or BF16.
  public var dataType = DataType.float32
  /// The layers that stay, or those that go; nil for all. An artifact can be the source of another one only then.
  var layers: LayerChoice?
  /// Whether weights are stored in the types they have, whatever `dataType` says.
  var keepsTypes = false
  /// Golden cases, or folders of them, to check and embed.
  public var goldens: [String] = []
  /// What the files cannot tell.
  public var options = SourceOptions()
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

  /// Why nothing is written to `target`.
  static func unknownExtension(_ target: String) -> Failure {
    let tensors = TensorConversion.torchExtensions.joined(separator: ", ")
    return Failure(
      "\(target): what to write is told by the extension: .assay and .onnx for a model, .safetensors, \(tensors) for "
        + "its tensors alone")
  }

  /// Reads, folds, casts, writes to a nameless file, reads that back, judges it, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> ConversionReport {
    guard target.hasSuffix(".assay") || target.hasSuffix(".onnx") else { throw Conversion.unknownExtension(target) }
    let writer = try inFile(target) { try FileWriter(target) }
    // The process may end before the last one that holds the writer lets go of it.
    defer { writer.abandon() }
    let opened = try ConversionSource(self)
    try WritePlace.check(target, isNoneOf: [source] + opened.files)
    return try run(opened, to: writer, proving: nil, progress: progress)
  }

  /// Writes what was read and prepared. Where there is something to `prove`, that is given the file as it reads back once
  /// every case holds, and the file is left to the caller to publish.
  func run(
    _ source: ConversionSource, to writer: FileWriter, proving prove: ((any TensorSource) throws -> Void)?,
    progress: @escaping @Sendable (Double) -> Void
  ) throws -> ConversionReport {
    let cases = try goldens.flatMap { try GoldenFolder.cases($0) }
    try check(cases, source.system, source.graph)
    return try inFile(target) {
      if target.hasSuffix(".onnx") {
        return try writeONNX(source, cases, to: writer, proving: prove, progress: progress)
      }
      return try writeArtifact(source, cases, to: writer, proving: prove, progress: progress)
    }
  }

  /// Arranges weights in panels and writes an artifact with the golden cases in it.
  private func writeArtifact(
    _ source: ConversionSource, _ cases: [GoldenCase], to writer: FileWriter,
    proving prove: ((any TensorSource) throws -> Void)?, progress: @escaping @Sendable (Double) -> Void
  ) throws -> ConversionReport {
    var graph = source.graph
    _ = try ArrangePanels().run(on: &graph)
    let embedded = try EmbeddedGoldens.embedding(cases, rate: source.metadata.preprocessing.sampleRate)
    let artifact = Artifact(
      metadata: source.metadata, graph: graph, goldens: embedded.documents, goldenTensors: embedded.tensors)
    try artifact.write(
      to: writer, threads: threads, digests: { () throws(FormatError) in try source.knownDigests() },
      progress: { progress($0 * 0.7) })
    // The disk works while the file is read back and judged.
    let stored = Background { () throws(FormatError) in try writer.sync() }
    let file = try ArtifactFile(writer.readBack())
    try file.check(holds: artifact, threads: threads)
    progress(0.9)
    let results = try judge(file, cases)
    try stored.wait()
    if results.allSatisfy(\.holds) { try prove?(file) }
    return try report(source, file.artifact, results, writer, root: file.root, publishing: prove == nil, progress)
  }

  /// Publishes the file if every case holds and it is to be; says what was done.
  func report(
    _ source: ConversionSource, _ written: Artifact, _ results: [CaseResult], _ writer: FileWriter, root: Digest?,
    publishing: Bool, _ progress: (Double) -> Void
  ) throws -> ConversionReport {
    let holds = results.allSatisfy(\.holds)
    if holds, publishing { try writer.publish() }
    progress(1)
    return ConversionReport(
      target: target, isPublished: holds && publishing, bytes: writer.count, root: root, artifact: written,
      dataType: dataType, accounting: source.accounting, canonical: source.canonical, losses: source.losses,
      cases: results, notes: source.notes)
  }

  /// Throws where cases cannot be judged or told apart, before anything is written.
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
