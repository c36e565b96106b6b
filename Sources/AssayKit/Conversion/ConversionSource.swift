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
  /// The layers that were cut, if any were asked for.
  let cut: GraphCut?

  private let digests: Background<[Digest]>?

  /// Opens what `conversion` names.
  init(_ conversion: Conversion) throws {
    let source = conversion.source
    if fileKind(source) == .file {
      let region = try inFile(source) { try ByteRegion.mapping(source) }
      if FileFormat.of(region) == .assay {
        guard conversion.target.hasSuffix(".onnx") || conversion.layers != nil else {
          throw Failure("\(source): this is an artifact already; it converts to .onnx, not to another .assay")
        }
        self = try inFile(source) { try ConversionSource(conversion, ArtifactFile(region)) }
        return
      }
    }
    try self.init(conversion, inFile(source) { try ModelFolder.open(source) })
  }

  private init(_ conversion: Conversion, _ folder: ModelFolder) throws {
    let source = conversion.source
    let imported = try inFile(source) {
      try ImportedModel(folder, conversion.options, evaluating: Executor.elements)
    }
    let files = imported.files
    let regions = try files.places.map { place in try inFile(source) { try ByteRegion.mapping(place.path) } }
    digests = Background { () throws(FormatError) in regions.map { Digest.of($0.view) } }
    let preprocessing = try inFile(source) {
      try imported.preprocessing.normalizing(conversion.normalizing, imported.system)
    }
    let license = try Metadata.License.stating(conversion.license, by: "--license", over: imported.license)
    let computed = try imported.computed(threads: conversion.threads)
    var graph = computed.graph
    canonical = computed.canonical
    let entries = files.weights.entries
    var ignored = imported.ignored + ConversionSource.absorbed(entries, from: imported.graph, by: graph)
    let cut = try inFile(source) { try conversion.layers.map { try GraphCut($0, of: &graph, in: source) } }
    if let cut { ignored += cut.ignored(entries.map(\.name)) }
    let cast = try conversion.cast(&graph)
    accounting = Accounting(entries, graph, ignored: ignored)
    if let name = accounting.unaccounted.first {
      throw Failure("\(source): the tensor \"\(name)\" is neither used nor ignored by a rule")
    }
    let unknown = Digest.of(ByteRegion(copying: []).view)
    metadata = Metadata(
      system: imported.system.rawValue, preprocessing: preprocessing, labels: imported.labels, license: license,
      sources: zip(files.names, regions).map { .init(name: $0, bytes: $1.count, digest: unknown) },
      recipe: (cut.map { [$0.step] } ?? []) + (cast.report.changes.isEmpty ? [] : [.cast(conversion.dataType)]),
      ignored: ignored, tool: Conversion.tool)
    (origin, system, self.graph, self.cut) = (.source(imported), imported.system, graph, cut)
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
    let model = try Model(conversion.source, file, conversion.options)
    var (graph, metadata) = (model.graph, file.artifact.metadata)
    metadata.preprocessing = try metadata.preprocessing.normalizing(conversion.normalizing, model.system)
    metadata.license = try .stating(conversion.license, by: "--license", over: metadata.license)
    var notes = model.notes
    let file = splitPath(conversion.source).name
    let cut = try conversion.layers.map { layers in
      // Artifacts that were made of ONNX before have none.
      notes += graph.addLayerStates().map { [$0] } ?? []
      return try GraphCut(layers, of: &graph, in: conversion.source, after: metadata.recipe)
    }
    if let cut {
      metadata.recipe.append(cut.step)
      metadata.ignored += cut.ignored(cut.sources)
      metadata.tool = Conversion.tool
      if !model.goldens.isEmpty {
        notes.append(
          "golden cases of the source do not hold for fewer layers and stay behind: "
            + model.goldens.map(\.name).joined(separator: ", "))
      }
    }
    let cast = try conversion.cast(&graph)
    if !cast.report.changes.isEmpty { metadata.recipe.append(.cast(conversion.dataType)) }
    accounting =
      cut.map { Accounting($0, in: graph, file: file) } ?? Accounting(of: model.graph, in: graph, file: file)
    (origin, system, self.graph, self.metadata) = (model.origin, model.system, graph, metadata)
    (losses, self.notes, self.cut, digests) = (cast.losses, notes, cut, nil)
    canonical = PassReport(pass: Canonicalize.name)
  }

  /// The golden cases that an artifact carries and that do not hold any more.
  var leftCases: [String] {
    guard cut != nil, case .artifact(let file) = origin else { return [] }
    return file.artifact.goldens.compactMap { $0["name"]?.string }
  }

  /// Where the files lie that were read; none of an artifact but itself.
  var files: [String] {
    if case .source(let imported) = origin { imported.files.paths } else { [] }
  }

  /// Waits for the files' digests; nil where the metadata has them already.
  func knownDigests() throws(FormatError) -> [Digest]? { try digests?.wait() }
}

extension Conversion {
  /// Stores the weights of `graph` in the type asked for.
  fileprivate func cast(_ graph: inout Graph) throws -> (
    report: PassReport, losses: [(name: String, counts: CastCounts)]
  ) {
    guard !keepsTypes else { return (PassReport(pass: CastWeights.name), []) }
    return try CastWeights(to: dataType).cast(&graph, threads: threads)
  }
}
