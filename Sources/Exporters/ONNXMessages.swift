import Bytes
import IR
import Tensors

// The messages of `onnx.proto` that a model is made of, with its numbers for their fields.

/// What an attribute of a node holds.
enum ONNXAttributeValue {
  case int(Int)
  case ints([Int])
  case float(Float)
  case string(String)
  case tensor(Constant.Storage)
}

extension ProtobufMessage {
  /// NodeProto. An input that is left out is an empty name; at the end it is not there at all.
  static func node(
    _ op: String, name: String, inputs: [String?], output: String,
    attributes: KeyValuePairs<String, ONNXAttributeValue>
  ) throws(GraphError) -> ProtobufMessage {
    var node = ProtobufMessage()
    for input in inputs[..<(inputs.lastIndex { $0 != nil }.map { $0 + 1 } ?? 0)] { node.add(1, input ?? "") }
    node.add(2, output)
    node.add(3, name)
    node.add(4, op)
    for (name, value) in attributes { node.add(5, try attribute(name, value)) }
    return node
  }

  /// AttributeProto.
  private static func attribute(_ name: String, _ value: ONNXAttributeValue) throws(GraphError) -> ProtobufMessage {
    var attribute = ProtobufMessage()
    attribute.add(1, name)
    let type: Int
    switch value {
    case .float(let number):
      attribute.add(2, number)
      type = 1
    case .int(let number):
      attribute.add(3, number)
      type = 2
    case .string(let text):
      attribute.add(4, text)
      type = 3
    case .tensor(let storage):
      attribute.add(5, try tensor(nil, storage))
      type = 4
    case .ints(let numbers):
      for number in numbers { attribute.add(8, number) }
      type = 7
    }
    attribute.add(20, type)
    return attribute
  }

  /// TensorProto with its elements as they lie in memory: in rows, little-endian.
  static func tensor(_ name: String?, _ storage: Constant.Storage) throws(GraphError) -> ProtobufMessage {
    var tensor = ProtobufMessage()
    for length in storage.shape.dimensions { tensor.add(1, length) }
    tensor.add(2, try storage.dataType.onnxNumber(of: name ?? ""))
    if let name { tensor.add(8, name) }
    tensor.add(9, storage)
    return tensor
  }

  /// ValueInfoProto: a number for a length that is known, a name for one that is not.
  static func value(_ name: String, _ type: TensorType) throws(GraphError) -> ProtobufMessage {
    var shape = ProtobufMessage()
    for length in type.dimensions {
      var dimension = ProtobufMessage()
      if let value = length.value { dimension.add(1, value) } else { dimension.add(2, "\(length)") }
      shape.add(1, dimension)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, try type.dataType.onnxNumber(of: name))
    tensor.add(2, shape)
    var kind = ProtobufMessage()
    kind.add(1, tensor)
    var value = ProtobufMessage()
    value.add(1, name)
    value.add(2, kind)
    return value
  }

  /// OperatorSetIdProto of ONNX's own domain.
  static func operatorSet(_ version: Int) -> ProtobufMessage {
    var set = ProtobufMessage()
    set.add(1, "")
    set.add(2, version)
    return set
  }

  /// StringStringEntryProto.
  static func entry(_ key: String, _ value: String) -> ProtobufMessage {
    var entry = ProtobufMessage()
    entry.add(1, key)
    entry.add(2, value)
    return entry
  }
}

extension DataType {
  /// The element type's number in `onnx.proto`; throws for those that came after IR version 8.
  func onnxNumber(of tensor: String) throws(GraphError) -> Int {
    switch self {
    case .float32: return 1
    case .uint8: return 2
    case .int8: return 3
    case .uint16: return 4
    case .int16: return 5
    case .int32: return 6
    case .int64: return 7
    case .bool: return 9
    case .float16: return 10
    case .float64: return 11
    case .uint32: return 12
    case .uint64: return 13
    case .complex64: return 14
    case .complex128: return 15
    case .bfloat16: return 16
    case .float8E4M3, .float8E5M2:
      throw GraphError(tensor, "is \(rawValue), which ONNX has from IR version 9 on; version 8 is written")
    }
  }
}
