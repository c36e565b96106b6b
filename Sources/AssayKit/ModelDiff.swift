import Bytes
import Formats
import Frontends
import IR
import Tensors
import Verification

/// Two models, or files with tensors, weight by weight: the same or not, across formats, names, transposes and casts.
public struct ModelDiff: Sendable {
  /// What was compared of one side.
  public struct Operand: Sendable {
    /// Where it lies, as the user named it.
    public let path: String
    /// The contract's word for its format.
    public let format: FileFormat
    /// True where the model's constants were compared, false for the file's tensors.
    public let isModel: Bool
    /// How many of them there are.
    public let count: Int
    /// What holds numbers and could not be read as a tensor, with the reason.
    public let leftOut: [(name: String, reason: String)]
    /// Constants whose tensor the source file calls otherwise, as exporters do that lose names.
    public let lostNames: [LostName]
  }

  /// A weight and what its file calls it.
  public struct LostName: Sendable {
    /// The tensor's name in the source file.
    public let tensor: String
    /// The constant.
    public let weight: String
    /// What was done to the tensor.
    public let steps: [String]
  }

  /// The two sides.
  public let operands: Both<Operand>
  /// What became of each weight.
  public let weights: WeightDiff
  /// What a model's rules leave out. Two models leave it out before they are compared; beside a file that is no model it
  /// is matched, and left out where the file does not have it.
  public let ignored: [WeightDiff.Ignored]
  /// Choices that were made, a line each.
  public let notes: [String]

  /// Compares what lies at `a` with what lies at `b`: the constants of two models, or, where one of them is no model,
  /// the tensors of two files. Throws where one is damaged or cannot be read.
  public init(_ a: String, _ b: String, options: SourceOptions = SourceOptions(), threads: Int) throws {
    func opened(_ path: String) throws -> Opened {
      try Opened(path, options.forOne(at: path, of: [a, b]), threads)
    }
    var (first, second) = (try opened(a), try opened(b))
    let areModels = first.constants != nil && second.constants != nil
    // What one model leaves behind, a file beside it may still hold.
    let rules = first.rules.merging(second.rules) { mine, _ in mine }
    first.mark(rules)
    second.mark(rules)
    func weights(_ side: Opened) -> [Weight] { areModels ? side.constants ?? [] : side.tensors }
    func operand(_ side: Opened) -> Operand {
      Operand(
        path: side.path, format: side.content.format, isModel: areModels || side.isArtifact, count: weights(side).count,
        leftOut: areModels || side.isArtifact ? [] : side.content.leftOut,
        lostNames: areModels || side.isArtifact ? side.lostNames : [])
    }
    operands = Both(operand(first), operand(second))
    notes = [first, second].flatMap { $0.content.notes + (areModels ? [] : $0.refusal.map { [$0] } ?? []) }
    let diff = try inFile("\(a), \(b)") {
      try WeightDiff(
        weights(first), weights(second), merges: Both(first.isOfONNX, second.isOfONNX), threads: threads)
    }
    self.weights = diff
    ignored = areModels ? first.ignored(.a) + second.ignored(.b) : diff.ignored
  }

  /// True when every weight of both sides is accounted equal, and none could not be read.
  public var isSame: Bool { status == .holds }

  /// What the comparison comes to: something that differs weighs more than something that could not be compared.
  public var status: ExitStatus {
    guard weights.isSame else { return .differs }
    return operands.a.leftOut.isEmpty && operands.b.leftOut.isEmpty ? .holds : .failed
  }
}

/// One side: what its file holds, and the model that it makes, if it does.
private struct Opened {
  let path: String
  let content: Content
  /// The model's constants, folded; nil for what is no model.
  private(set) var constants: [Weight]?
  /// The file's tensors; an artifact's are its constants.
  private(set) var tensors: [Weight]
  /// What the model leaves out, and the rule.
  private(set) var rules: [Name: String] = [:]
  /// Constants whose tensor the source calls otherwise.
  private(set) var lostNames: [ModelDiff.LostName] = []
  /// Why it is no model.
  private(set) var refusal: String?

  init(_ path: String, _ options: SourceOptions, _ threads: Int) throws {
    self.path = path
    content = try inFile(path) { try Content.at(path) }
    if let file = content.source as? ArtifactFile {
      if options.system != nil { _ = try Model.open(path, SourceOptions(system: options.system)) }
      // Once every byte is what was written, the footer's digests are those of the elements.
      try inFile(path) { try file.checkIntegrity(threads: threads) }
      let digests = Dictionary(zip(file.entries.map { Name($0.name) }, file.digests)) { first, _ in first }
      let own = Opened.constants(file.artifact.graph) { weight, _ in weight.digest = digests[Name(weight.name)] }
      (constants, tensors) = (own, own)
      // Layers that pruning dropped are found to be absent, or are not.
      rules = Opened.rules(file.artifact.metadata.ignored.filter { !GraphCut.isReason($0.reason) })
      let recipe = file.artifact.metadata.recipe
      let isPruned = recipe.contains { if case .prune = $0 { true } else { false } }
      if file.artifact.metadata.system == ModelSystem.onnx.rawValue {
        lostNames = Opened.lostNames(file.artifact.graph, isPruned: isPruned)
      }
      return
    }
    tensors = Opened.tensors(content.source)
    do {
      let model = try Model.open(path, options)
      if case .source(let imported) = model.origin {
        rules = Opened.rules(imported.ignored)
        // Its checksums were compared as the model was made.
        tensors = Opened.tensors(imported.files.weights)
      }
      let types = Dictionary(tensors.map { (Name($0.name), $0.entry.dataType) }) { first, _ in first }
      if model.system == .onnx { lostNames = Opened.lostNames(model.graph) }
      constants = Opened.constants(model.graph) { weight, provenance in
        let names = provenance.sources.map(\.tensor)
        if names.count > 1 { weight.parts = names }
        // Opening a model narrows doubles.
        if let type = names.first.flatMap({ types[Name($0)] }), type == .float64 { weight.storedType = type }
      }
    } catch {
      // Whoever names the system wants a model.
      if options.system != nil || options.concernsHead { throw error }
      refusal = "\(path) is compared tensor by tensor: \(Failure(path, error))"
    }
  }

  private static func tensors(_ source: any TensorSource) -> [Weight] {
    source.entries.map { Weight($0, of: source) }
  }

  /// Builders of checkpoints call constants as they mean to. A path in front is another prefix, not another name.
  private static func lostNames(_ graph: Graph, isPruned: Bool = false) -> [ModelDiff.LostName] {
    /// Layers that are counted anew have not lost their names.
    func compared(_ name: String) -> String {
      isPruned ? name.split(separator: ".").filter { Int($0) == nil }.joined(separator: ".") : name
    }
    return graph.constantOrder.compactMap { id in
      let (name, provenance) = (graph[id].name, graph.constants[id]!.provenance)
      guard provenance.sources.count == 1, let tensor = provenance.sources.first?.tensor,
        !compared(tensor).hasSuffix(compared(name)), !compared(name).hasSuffix(compared(tensor))
      else { return nil }
      return ModelDiff.LostName(tensor: tensor, weight: name, steps: provenance.steps)
    }
  }

  private static func rules(_ ignored: [Metadata.Ignored]) -> [Name: String] {
    Dictionary(ignored.map { (Name($0.tensor), $0.reason) }) { first, _ in first }
  }

  /// Notes at each tensor the rule that leaves out what is called so.
  mutating func mark(_ rules: [Name: String]) {
    for index in tensors.indices { tensors[index].ignored = rules[Name(tensors[index].name)] }
  }

  var isArtifact: Bool { content.source is ArtifactFile }

  /// True for an ONNX file, and for an artifact made of one.
  var isOfONNX: Bool {
    if let file = content.source as? ArtifactFile { return file.artifact.metadata.system == ModelSystem.onnx.rawValue }
    return content.format == .onnx
  }

  /// What the model's rules leave out.
  func ignored(_ side: Side) -> [WeightDiff.Ignored] {
    tensors.compactMap { weight in
      weight.ignored.map { WeightDiff.Ignored(side: side, name: weight.name, reason: $0) }
    }
  }

  /// The constants of a graph, each once, in the order of their use.
  private static func constants(_ graph: Graph, _ complete: (inout Weight, Provenance) -> Void) -> [Weight] {
    graph.constantOrder.map { id in
      let constant = graph.constants[id]!
      var weight = Weight(
        TensorEntry(name: graph[id].name, dataType: constant.dataType, shape: constant.shape)
      ) { () throws(FormatError) in constant.storage }
      weight.steps = constant.provenance.steps
      // Weight norm is the only thing that is folded of several tensors; its norms are taken for each tap, the last axis.
      if constant.provenance.sources.count > 1, let taps = constant.shape.dimensions.last, taps > 0 {
        weight.normSize = constant.count / taps
      }
      complete(&weight, constant.provenance)
      return weight
    }
  }
}
