import Bytes
import Formats
import Frontends
import Tensors
import Verification

/// A folder of `input_N.pb` and `output_N.pb`, as ONNX's own tests keep them: one golden case.
enum ONNXTestData {
  /// ONNX's own runner allows a thousandth of each number; of the largest one a hundred-thousandth is enough for floats
  /// summed in another order.
  private static let tolerance = Tolerance(
    absolute: 1e-6, relative: 1e-5, reason: "a test-data folder names none; floats are summed in another order")

  /// True for a folder that holds such a case.
  static func isHere(_ folder: String) -> Bool { fileKind(joinPath(folder, "output_0.pb")) == .file }

  /// The case in `folder`; tensors without a name are those of `model` in its order.
  static func golden(_ folder: String, of model: ONNXModel?) throws -> GoldenCase {
    let given = Set((model?.graph.initializers ?? []).map { Name($0.name) })
    for value in (model?.graph.inputs ?? []) + (model?.graph.outputs ?? []) {
      guard let type = value.elementType, ONNXTensor.dataTypes[type] != nil else {
        throw Failure("\(folder): \(value): a golden case holds tensors of numbers")
      }
    }
    let inputs = model?.graph.inputs.map(\.name).filter { !given.contains(Name($0)) } ?? []
    var tensors = NamedTensors()
    for (name, tensor) in try arrays(folder, "input", inputs) { tensors[name] = tensor }
    return GoldenCase(
      name: splitPath(folder).name, system: ModelSystem.onnx.rawValue, inputs: tensors,
      outputs: try arrays(folder, "output", model?.graph.outputs.map(\.name) ?? []), tolerance: tolerance,
      maker: "an ONNX test-data folder")
  }

  private static func arrays(
    _ folder: String, _ kind: String, _ names: [String]
  ) throws -> [(name: String, tensor: Tensor)] {
    var arrays: [(name: String, tensor: Tensor)] = []
    while case let path = joinPath(folder, "\(kind)_\(arrays.count).pb"), fileKind(path) == .file {
      let (name, tensor) = try inFile(path) { try ONNXFile.array(ByteRegion.mapping(path)) }
      let position = arrays.count
      guard !name.isEmpty || position < names.count else {
        throw Failure("\(path): the tensor has no name, and the model no \(kind) number \(position)")
      }
      arrays.append((name.isEmpty ? names[position] : name, tensor))
    }
    return arrays
  }
}
