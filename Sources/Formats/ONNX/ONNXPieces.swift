import Bytes
import Tensors

// Messages of `onnx.proto` that a cut graph has and its source has not.

extension ProtobufPieces {
  /// NodeProto of a constant.
  static func constant(_ output: String, named name: String, _ tensor: Tensor) -> ProtobufPieces {
    var attribute = ProtobufPieces()
    attribute.add(1, "value")
    attribute.add(5, ProtobufPieces.tensor(tensor))
    attribute.add(20, 4)
    var node = ProtobufPieces()
    node.add(2, output)
    node.add(3, name)
    node.add(4, "Constant")
    node.add(5, attribute)
    return node
  }

  /// NodeProto that gives a value another name.
  static func identity(of value: String, _ output: String) -> ProtobufPieces {
    var node = ProtobufPieces()
    node.add(1, value)
    node.add(2, output)
    node.add(3, output)
    node.add(4, "Identity")
    return node
  }

  /// TensorProto without a name.
  private static func tensor(_ tensor: Tensor) -> ProtobufPieces {
    var message = ProtobufPieces()
    for length in tensor.shape.dimensions { message.add(1, length) }
    message.add(2, ONNXTensor.dataTypes.first { $0.value == tensor.dataType }!.key)
    message.add(9, tensor.bytes)
    return message
  }

  /// TensorProto that differs from the one in `view` by its name, its shape and its elements.
  static func tensor(
    like view: ByteView, named name: String, _ tensor: Tensor
  ) throws(FormatError) -> ProtobufPieces {
    let own = ProtobufPieces.tensor(tensor)
    // 4 to 11 but for the name are elements, 13 and 14 say where else they are.
    let kept = try rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1, 2, 4, 5, 6, 7, 9, 10, 11, 13, 14: .gone
      case 8: .text(name)
      default: .same
      }
    }
    var message = kept ?? ProtobufPieces()
    message.add(own)
    return message
  }

  /// ValueInfoProto of a tensor whose lengths are known; `type` is the element type's number.
  static func valueInfo(_ name: String, _ type: Int, _ lengths: [Int]) -> ProtobufPieces {
    var shape = ProtobufPieces()
    for length in lengths {
      var dimension = ProtobufPieces()
      dimension.add(1, length)
      shape.add(1, dimension)
    }
    var tensor = ProtobufPieces()
    tensor.add(1, type)
    tensor.add(2, shape)
    var kind = ProtobufPieces()
    kind.add(1, tensor)
    var info = ProtobufPieces()
    info.add(1, name)
    info.add(2, kind)
    return info
  }
}
