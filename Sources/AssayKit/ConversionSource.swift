import Bytes
import Executor
import Formats
import Frontends
import IR
import Kernels
import Passes
import Tensors

/// What a conversion starts from: a model's files or an artifact, its graph folded, its weights of the type asked for.
struct ConversionSource {
  /// What was read.
  let origin: Model.Origin
  /// What kind of model it is.
  let system: ModelSystem
  /// The graph as it is written.
  var graph: Graph
  /// What is written beside it; the digests of files are not known yet.
  let metadata: Metadata
  /// What became of each source tensor.
  let accounting: Accounting
  /// What was done to bring the graph into canonical form; an artifact's is in it.
  let canonical: PassReport
  /// What narrowing lost, by constant.
  let losses: [(name: String, counts: CastCounts)]
  /// Choices that were made, a line each.
  let notes: [String]

  private let digests: Background<[Digest]>?

  /// Opens what `conversion` names.
  init(_ conversion: Conversion) throws {
    let source = conversion.source
    if fileKind(source) == .file {
      let region = try inFile(source) { try ByteRegion.mapping(source) }
      if FileFormat.of(region) == .assay {
        guard conversion.target.hasSuffix(".onnx") else {
          throw Failure("\(source): this is an artifact already; it converts to .onnx, not to another .assay")
        }
        self = try inFile(source) { try ConversionSource(conversion, ArtifactFile(region)) }
        return
      }
    }
    try self.init(conversion, inFile(source) { try ModelFolder.open(source) })
  }

  private init(_ conversion: Conversion, _ folder: ModelFolder) throws {
    let (source, files) = (conversion.source, folder.files)
    let regions = try files.names.map { name in
      try inFile(source) { try ByteRegion.mapping(joinPath(files.folder, name)) }
    }
    digests = Background { () throws(FormatError) in regions.map { Digest.of($0.view) } }
    let imported = try inFile(source) {
      try ImportedModel(folder, system: conversion.system.map(ModelSystem.named), evaluating: Executor.elements)
    }
    let preprocessing = try inFile(source) {
      try imported.preprocessing.normalizing(conversion.normalizing, imported.system)
    }
    let license = try Metadata.License.stating(conversion.license, by: "--license", over: imported.license)
    let computed = try imported.computed(threads: conversion.threads)
    var graph = computed.graph
    canonical = computed.canonical
    let cast = try CastWeights(to: conversion.dataType).cast(&graph, threads: conversion.threads)
    let entries = files.weights.entries
    let ignored = imported.ignored + ConversionSource.absorbed(entries, from: imported.graph, by: graph)
    accounting = Accounting(entries, graph, ignored: ignored)
    if let name = accounting.unaccounted.first {
      throw Failure("\(source): the tensor \"\(name)\" is neither used nor ignored by a rule")
    }
    let unknown = Digest.of(ByteRegion(copying: []).view)
    metadata = Metadata(
      system: imported.system.rawValue, preprocessing: preprocessing, labels: imported.labels, license: license,
      sources: zip(files.names, regions).map { .init(name: $0, bytes: $1.count, digest: unknown) },
      recipe: cast.report.changes.isEmpty ? [] : [.cast(conversion.dataType)], ignored: ignored,
      tool: Conversion.tool)
    (origin, system, self.graph) = (.source(imported), imported.system, graph)
    (losses, notes) = (computed.losses + cast.losses, imported.notes + computed.notes)
  }

  /// Source tensors that stand in operators now: lengths, axes, numbers such as the epsilon of a norm.
  private static func absorbed(
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

  /// An artifact is read whole here, so that no damage goes on into another file.
  private init(_ conversion: Conversion, _ file: ArtifactFile) throws {
    try file.checkIntegrity(threads: conversion.threads)
    let model = try Model(conversion.source, file, conversion.system.map(ModelSystem.named))
    var (graph, metadata) = (model.graph, file.artifact.metadata)
    metadata.preprocessing = try metadata.preprocessing.normalizing(conversion.normalizing, model.system)
    metadata.license = try .stating(conversion.license, by: "--license", over: metadata.license)
    let cast = try CastWeights(to: conversion.dataType).cast(&graph, threads: conversion.threads)
    if !cast.report.changes.isEmpty { metadata.recipe.append(.cast(conversion.dataType)) }
    accounting = Accounting(of: model.graph, in: graph, file: splitPath(conversion.source).name)
    (origin, system, self.graph, self.metadata) = (model.origin, model.system, graph, metadata)
    (losses, notes, digests) = (cast.losses, model.notes, nil)
    canonical = PassReport(pass: Canonicalize.name)
  }

  /// Waits for the files' digests; nil where the metadata has them already.
  func knownDigests() throws(FormatError) -> [Digest]? { try digests?.wait() }
}
