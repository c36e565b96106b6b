import Bytes
import Tensors

/// An ONNX model in a file: its messages read, its tensors views of the file or of the files it names beside itself.
public final class ONNXFile: TensorSource {
  /// What the file says.
  public let model: ONNXModel
  /// The initializers, in the file's order.
  public let entries: [TensorEntry]
  /// What holds numbers and cannot be listed as a tensor, with the reason.
  public let leftOut: [(name: String, reason: String)]

  /// The file's bytes.
  let view: ByteView
  /// The folder that it lies in; nil for what is no file.
  let folder: String?
  private let tensors: [Name: ONNXTensor]
  /// Where the file was read, as the user named it.
  public let path: String

  /// Opens the file that fills `region`; external data is looked for beside it.
  public init(_ region: ByteRegion) throws(FormatError) {
    path = region.name
    view = region.view
    folder = fileKind(path) == .file ? splitPath(path).folder : nil
    do throws(FormatError) {
      var reader = ONNXReader()
      model = try reader.model(region.view)
      var entries: [TensorEntry] = []
      var tensors: [Name: ONNXTensor] = [:]
      var leftOut = model.graph.sparseInitializers.map { (name: $0, reason: "a sparse tensor") }
      for tensor in model.graph.initializers {
        if tensor.dataType == nil {
          leftOut.append((tensor.name, "elements of the type \(ONNXTensor.typeName(tensor.elementType))"))
          continue
        }
        entries.append(try tensor.entry())
        guard tensors.updateValue(tensor, forKey: Name(tensor.name)) == nil else {
          throw FormatError("onnx", .duplicateName(tensor.name), offset: tensor.offset)
        }
      }
      (self.entries, self.tensors, self.leftOut) = (entries, tensors, leftOut)
    } catch { throw error.inFile(region.name) }
  }

  /// The tensor of that name.
  public func tensor(_ name: String) throws(FormatError) -> Tensor {
    do throws(FormatError) {
      guard let tensor = tensors[Name(name)] else {
        throw FormatError("onnx", .missing("no such tensor"), place: [name])
      }
      return try tensor.tensor(in: folder)
    } catch { throw error.inFile(path) }
  }

  /// The elements of a tensor that stands anywhere in the model.
  public func tensor(_ tensor: ONNXTensor) throws(FormatError) -> Tensor {
    do throws(FormatError) { return try tensor.tensor(in: folder) } catch { throw error.inFile(path) }
  }

  /// The name and the elements of a file that is one TensorProto.
  public static func array(_ region: ByteRegion) throws(FormatError) -> (name: String, tensor: Tensor) {
    do throws(FormatError) {
      let tensor = try ONNXReader().tensor(region.view)
      return (tensor.name, try tensor.tensor(in: nil))
    } catch { throw error.inFile(region.name) }
  }

  /// The files beside this one that hold elements of initializers, in the order they are named first.
  public var externalFiles: [String] {
    var names: [String] = []
    for tensor in model.graph.initializers {
      if case .external(let data) = tensor.storage, !names.contains(data.location) { names.append(data.location) }
    }
    return names
  }
}
