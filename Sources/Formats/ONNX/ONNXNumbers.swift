import Bytes
import Tensors

/// The numbers that a graph's values hold from the start.
struct ONNXNumbers {
  private let file: ONNXFile
  private var stored: [Int: ONNXTensor] = [:]

  /// Looks at initializers and at what Constant nodes hold as a tensor.
  init(_ file: ONNXFile, _ flow: ONNXFlow) {
    self.file = file
    let fed = Set(file.model.graph.inputs.map { Name($0.name) })
    for tensor in file.model.graph.initializers {
      // Whoever runs the model may give another value to what is an input.
      if file.model.irVersion >= 4, fed.contains(Name(tensor.name)) { continue }
      if let value = flow.value(tensor.name) { stored[value] = tensor }
    }
    for (index, node) in file.model.graph.nodes.enumerated() where node.op == "Constant" && node.domain.isEmpty {
      guard let output = flow.outputs[index].first else { continue }
      for case .tensor(let tensor) in node.attributes.map(\.value) { stored[output] = tensor }
    }
  }

  /// The tensor that a value is; nil for one that is computed or fed.
  func tensor(_ value: Int) throws(FormatError) -> Tensor? {
    guard let tensor = stored[value], tensor.dataType != nil else { return nil }
    return try file.tensor(tensor)
  }

  /// More integers than this are no axes and no shape.
  private static let integerLimit = 64

  /// The integers that a value is; nil for one that is computed, fed, or of another type.
  func integers(_ value: Int) throws(FormatError) -> [Int]? {
    guard let tensor = stored[value], try tensor.entry().shape.count <= ONNXNumbers.integerLimit else { return nil }
    return try tensor.dataType == nil ? nil : file.tensor(tensor).integers
  }
}
