import Bytes
import IR
import Tensors

/// The state dict of a plain `nn.Sequential` of linear layers, by its names and shapes: `0.weight`, `0.bias`, `3.weight`...
struct SequentialState {
  /// An `nn.Linear`.
  struct Layer: Hashable {
    /// Its place in the Sequential. What stands between two places has no weights.
    let number: Int
    let inputs: Int
    let outputs: Int
    let hasBias: Bool
  }

  /// What the names start with before the numbers.
  let prefix: String
  /// The layers, in the order of their numbers; at least one, each as wide as the one before it puts out.
  let layers: [Layer]

  var inputs: Int { layers[0].inputs }
  var outputs: Int { layers[layers.count - 1].outputs }

  /// True where there is room for a module without weights between a layer and the next one.
  func hasGap(after index: Int) -> Bool {
    index + 1 < layers.count && layers[index + 1].number > layers[index].number + 1
  }

  /// True where there is room between any two layers.
  var hasGaps: Bool { layers.indices.contains(where: hasGap) }

  /// What a module of a Sequential may call its tensors; only `weight` and `bias` are a linear layer's.
  private static let leaves = [
    weightLeaf, biasLeaf, Name("running_mean"), Name("running_var"), Name("num_batches_tracked"),
  ]
  private static let weightLeaf = Name("weight")
  private static let biasLeaf = Name("bias")
  /// A Sequential has fewer modules.
  private static let numberLimit = 1 << 16

  /// Reads the layers off; whatever is no chain of linear layers throws, by its name.
  init(_ entries: [TensorEntry]) throws(GraphError) {
    let parts = try SequentialState.parts(entries)
    prefix = parts.first?.prefix ?? ""
    var layers: [Layer] = []
    for (number, own) in Dictionary(grouping: parts, by: \.number).sorted(by: { $0.key < $1.key }) {
      let layer = try SequentialState.layer(number, own)
      if let before = layers.last, before.outputs != layer.inputs {
        throw GraphError(
          own[0].entry.name, "takes \(layer.inputs) numbers, and the layer \(before.number) gives \(before.outputs)")
      }
      layers.append(layer)
    }
    guard !layers.isEmpty else { throw GraphError("", "holds no tensors; " + SequentialState.needed) }
    self.layers = layers
  }

  /// True where the names are a Sequential's, and the first matrix takes `width` numbers: a head for an encoder of that
  /// width, though perhaps one with layers that cannot be read.
  static func looksLikeHead(_ entries: [TensorEntry], width: Int) -> Bool {
    guard let parts = try? parts(entries) else { return false }
    let matrices = parts.filter { $0.leaf == weightLeaf && $0.entry.shape.dimensions.count == 2 }
    return matrices.min { $0.number < $1.number }?.entry.shape[1] == width
  }

  /// A tensor and its name taken apart.
  private struct Part {
    let entry: TensorEntry
    let prefix: String
    let number: Int
    let leaf: Name
  }

  private static let needed =
    "a head is the state dict of an nn.Sequential: 0.weight [outputs, inputs], 0.bias [outputs], and so on"

  private static func parts(_ entries: [TensorEntry]) throws(GraphError) -> [Part] {
    var parts: [Part] = []
    for entry in entries where !TrainingState.isOfOptimizer(entry.name) {
      let words = entry.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard words.count >= 2, let number = Int(words[words.count - 2]), (0..<numberLimit).contains(number),
        Name(String(number)) == Name(words[words.count - 2]), leaves.contains(Name(words[words.count - 1]))
      else { throw GraphError(entry.name, "is no tensor of a head; " + needed) }
      let prefix = words.dropLast(2).map { $0 + "." }.joined()
      if let first = parts.first, Name(first.prefix) != Name(prefix) {
        throw GraphError(entry.name, "stands beside \(first.entry.name); " + needed)
      }
      parts.append(Part(entry: entry, prefix: prefix, number: number, leaf: Name(words[words.count - 1])))
    }
    return parts
  }

  private static func layer(_ number: Int, _ parts: [Part]) throws(GraphError) -> Layer {
    if let other = parts.first(where: { $0.leaf != weightLeaf && $0.leaf != biasLeaf }) {
      throw GraphError(other.entry.name, "belongs to a batch norm; linear layers are supported in a head")
    }
    guard let weight = parts.first(where: { $0.leaf == weightLeaf })?.entry else {
      throw GraphError(parts[0].entry.name, "has no weight beside it")
    }
    let shape = weight.shape.dimensions
    guard shape.count == 2 else {
      let what = shape.count == 1 ? ", as a norm's" : ""
      throw GraphError(weight.name, "has the shape \(weight.shape)\(what); linear layers are supported in a head")
    }
    guard shape[0] > 0, shape[1] > 0 else { throw GraphError(weight.name, "has the shape \(weight.shape)") }
    let bias = parts.first { $0.leaf == biasLeaf }?.entry
    if let bias, bias.shape.dimensions != [shape[0]] {
      throw GraphError(bias.name, "has the shape \(bias.shape); its layer has \(shape[0]) outputs")
    }
    return Layer(number: number, inputs: shape[1], outputs: shape[0], hasBias: bias != nil)
  }
}
