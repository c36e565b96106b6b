import Bytes
import Formats
import Frontends
import IR
import Tensors

/// A PyTorch checkpoint's containers and plain data as they are after a pruning.
///
/// Containers keep their nesting and order, keys of layers get other numbers, and what states how many layers there are is
/// brought up to date: numbers under `encoder_layers`, `depth` and `prenet_depth` where fairseq keeps a model's
/// configuration, and the versions of modules (`_metadata`) in a state dict.
struct PrunedTree {
  private let root: PyTorchValue

  /// Makes the tree, and adds to the plan what of the source is in no tree and what is rewritten.
  init(
    _ files: ModelFiles, _ layers: CheckpointLayers, _ selection: LayerSelection, _ plan: inout PrunePlan
  ) throws(FormatError) {
    var edit = TreeEdit(layers, selection)
    let names = Dictionary(plan.renamings.map { (Name($0.source), $0.name) }) { first, _ in first }
    guard let checkpoint = files.weights as? PyTorchCheckpoint else {
      root = .stateDict(plan.inOrder(of: files.weights.entries))
      let leftOut = try (files.weights as? ShardedCheckpoint)?.withoutTensors() ?? []
      plan.leftOut += leftOut.map { PrunePlan.LeftOut($0.name, $0.reason) }
      return
    }
    let tree = try checkpoint.tree()
    plan.leftOut += tree.leftOut.map { PrunePlan.LeftOut($0.name, $0.reason) }
    plan.leftOut += TreeEdit.optimizers(tree.root).map {
      PrunePlan.LeftOut($0, "what the optimizer keeps beside its tensors: it belongs to all layers together")
    }
    let edited = edit.value(edit.withoutOptimizer(tree.root), at: [])
    root = try edited.renamingTensors { (name) throws(FormatError) in names[Name(name)] }
    plan.rewritten += edit.rewritten
  }

  /// Writes the tree with the tensors of `source`, those that are cut in the place of its own.
  func write(
    from source: SlicedSource, to file: FileWriter, progress: @escaping @Sendable (Double) -> Void
  ) throws(FormatError) {
    var writer = PyTorchWriter(root, from: source.source)
    for name in source.slices.keys { writer.replacements[name.text] = try source.tensor(name.text) }
    _ = try writer.write(to: file, progress: progress)
  }
}

extension PrunePlan {
  /// The result's tensors in the order of the source's.
  fileprivate func inOrder(of entries: [TensorEntry]) -> [(name: String, source: String)] {
    let names = Dictionary(renamings.map { (Name($0.source), $0.name) }) { first, _ in first }
    return entries.compactMap { entry in names[Name(entry.name)].map { ($0, entry.name) } }
  }
}

/// Changes to a tree's plain data.
private struct TreeEdit {
  let layers: CheckpointLayers
  let selection: LayerSelection
  private(set) var rewritten: [PrunePlan.Rewritten] = []

  init(_ layers: CheckpointLayers, _ selection: LayerSelection) { (self.layers, self.selection) = (layers, selection) }

  /// The keys under which a tree holds what an optimizer keeps of each parameter.
  static func optimizers(_ root: PyTorchValue) -> [String] {
    let items: [PyTorchValue.Item] =
      switch root {
      case .dict(let items), .orderedDict(let items, _): items
      default: []
      }
    return items.compactMap(optimizer)
  }

  /// The key of what an optimizer keeps; nil for anything else.
  private static func optimizer(_ item: PyTorchValue.Item) -> String? {
    guard case .string(let key) = item.key, CheckpointLayers.isOptimizer(key), item.value.holdsTensor else {
      return nil
    }
    return key
  }

  /// The tree without what an optimizer keeps of each parameter. What is said of it in plain data stays: fairseq asks for
  /// its history.
  func withoutOptimizer(_ root: PyTorchValue) -> PyTorchValue {
    root.mappingItems { items in items.filter { TreeEdit.optimizer($0) == nil } }
  }

  /// A value under a path of keys.
  mutating func value(_ value: PyTorchValue, at path: [String]) -> PyTorchValue {
    switch value {
    case .dict(let items): return .dict(edited(items, at: path))
    case .orderedDict(let items, let attributes):
      return .orderedDict(edited(items, at: path), attributes: renamed(attributes, under: path))
    case .int(let number): return .int(count(number, at: path))
    default: return value
    }
  }

  private mutating func edited(_ items: [PyTorchValue.Item], at path: [String]) -> [PyTorchValue.Item] {
    items.map { item in
      guard case .string(let key) = item.key else { return item }
      return PyTorchValue.Item(item.key, value(item.value, at: path + [key]))
    }
  }

  /// Where fairseq, and programs that took it over, keep the configuration of a model.
  private static let homes = [
    ["cfg", "model"], ["cfg", "model", "w2v_args", "model"], ["cfg", "model", "w2v_args"], ["args"], ["model_cfg"],
  ]

  /// A number at a place where a number of layers stands, as it is afterwards.
  private mutating func count(_ number: Int, at path: [String]) -> Int {
    let rows = TreeEdit.homes.filter { path.starts(with: $0) }.compactMap { row(of: Array(path[$0.count...])) }
    guard let (before, after) = rows.first, number == before, after != before else { return number }
    rewritten.append(.init(path.joined(separator: "."), step: "\(before) -> \(after)"))
    return after
  }

  /// The layers, before and after, that a key of a configuration counts.
  private func row(of path: [String]) -> (Int, Int)? {
    switch (layers.family, path) {
    case (.wav2vec2, ["encoder_layers"]): layers.counts(selection).last.map { ($0.before, $0.after) }
    case (.data2vec2, ["depth"]): layers.blockCount(isPrenet: false, selection)
    case (.data2vec2, ["modalities", "audio", "prenet_depth"]): layers.blockCount(isPrenet: true, selection)
    default: nil
    }
  }

  /// A state dict's own attributes with its modules called as they are afterwards.
  private func renamed(_ attributes: [PyTorchValue.Item], under path: [String]) -> [PyTorchValue.Item] {
    let prefix = path.map { $0 + "." }.joined()
    return attributes.map { item in
      guard case .string("_metadata") = item.key else { return item }
      return PyTorchValue.Item(
        item.key,
        item.value.mappingItems { modules in
          modules.compactMap { module in
            guard case .string(let name) = module.key else { return module }
            return layers.renamed(prefix + name, keeping: selection).map {
              PyTorchValue.Item(.string(String($0.utf8.dropFirst(prefix.utf8.count))!), module.value)
            }
          }
        })
    }
  }
}

extension PyTorchValue {
  /// The same dict with other items; any other value as it is.
  fileprivate func mappingItems(_ transform: ([Item]) -> [Item]) -> PyTorchValue {
    switch self {
    case .dict(let items): .dict(transform(items))
    case .orderedDict(let items, let attributes): .orderedDict(transform(items), attributes: attributes)
    default: self
    }
  }
}
