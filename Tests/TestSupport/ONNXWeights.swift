import Tensors

/// The bytes of an ONNX file that holds weights and computes nothing (`onnx.proto`: ModelProto, GraphProto, TensorProto).
public func onnxFile(_ weights: [(name: String, tensor: Tensor)]) -> [UInt8] {
  func varint(_ number: Int) -> [UInt8] {
    number < 128 ? [UInt8(number)] : [UInt8(number & 127 | 128)] + varint(number >> 7)
  }
  func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
  func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] { varint(number << 3 | 2) + varint(bytes.count) + bytes }
  let types: [DataType: Int] = [.float32: 1, .int64: 7, .float16: 10, .float64: 11, .bfloat16: 16]
  let initializers = weights.flatMap { name, tensor in
    field(
      5,
      tensor.shape.dimensions.flatMap { field(1, $0) } + field(2, types[tensor.dataType]!) + field(8, Array(name.utf8))
        + field(9, tensor.bytes.array))
  }
  return field(1, 8) + field(8, field(2, 17)) + field(7, field(2, Array("weights".utf8)) + initializers)
}
