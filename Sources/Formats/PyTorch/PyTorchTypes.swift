import Tensors

/// What torch calls its element types and storages.
enum PyTorchTypes {
  /// Element types by the class of the storage that held them before storages lost their types.
  static let storages: [String: DataType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
    "BoolStorage": .bool, "ComplexFloatStorage": .complex64, "ComplexDoubleStorage": .complex128,
    "UntypedStorage": .uint8, "_UntypedStorage": .uint8,
  ]

  /// Element sizes of storages whose types we do not take; the legacy stream counts in elements.
  static let otherStorageSizes = [
    "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1, "QUInt2x4Storage": 1,
  ]

  /// Element types by `torch.dtype`.
  static let dataTypes: [String: DataType] = [
    "torch.float64": .float64, "torch.double": .float64, "torch.float32": .float32, "torch.float": .float32,
    "torch.float16": .float16, "torch.half": .float16, "torch.bfloat16": .bfloat16,
    "torch.float8_e4m3fn": .float8E4M3, "torch.float8_e5m2": .float8E5M2, "torch.int64": .int64, "torch.long": .int64,
    "torch.int32": .int32, "torch.int": .int32, "torch.int16": .int16, "torch.short": .int16, "torch.int8": .int8,
    "torch.uint64": .uint64, "torch.uint32": .uint32, "torch.uint16": .uint16, "torch.uint8": .uint8,
    "torch.bool": .bool, "torch.complex64": .complex64, "torch.cfloat": .complex64, "torch.complex128": .complex128,
    "torch.cdouble": .complex128,
  ]

  /// The classes of storages that torch writes.
  static let storageClasses: [DataType: String] = Dictionary(
    uniqueKeysWithValues: storages.filter { !$0.key.hasSuffix("UntypedStorage") }.map { ($0.value, $0.key) })

  /// What torch calls the types whose storages have no class of their own.
  static let names: [DataType: String] = [
    .float8E4M3: "float8_e4m3fn", .float8E5M2: "float8_e5m2", .uint64: "uint64", .uint32: "uint32", .uint16: "uint16",
  ]

  /// Functions that rebuild a tensor of a kind we do not take, and that kind's name.
  static let unsupported = [
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without elements (device meta)",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of a class of its own",
    "torch._utils._rebuild_device_tensor_from_numpy": "a tensor kept as a NumPy array",
    "torch._utils._rebuild_xla_tensor": "a tensor kept as a NumPy array",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": "a tensor of a device that keeps no storage",
  ]
}
