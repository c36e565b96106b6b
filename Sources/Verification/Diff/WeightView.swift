import Bytes
import Executor
import IR
import Tensors

/// A way to look at a weight so that it has the bits of another one.
enum WeightView: CaseIterable {
  case plain, reshaped, transposed, cast, castTransposed

  /// A type and the lengths of axes that two weights share when their elements can be the same.
  struct Form: Hashable {
    let dataType: DataType
    let dimensions: [Int]
  }

  /// True where the elements are the same in the same order.
  var keepsBytes: Bool { self == .plain || self == .reshaped }

  /// True where rows become columns.
  var transposes: Bool { self == .transposed || self == .castTransposed }

  /// How a weight can look.
  func forms(of entry: TensorEntry) -> [Form] {
    let (dataType, dimensions) = (entry.dataType, entry.shape.dimensions)
    let turns = dimensions.count == 2 && dimensions.allSatisfy { $0 > 1 }
    switch self {
    case .plain: return [Form(dataType: dataType, dimensions: dimensions)]
    case .reshaped: return [Form(dataType: dataType, dimensions: dimensions.filter { $0 != 1 })]
    case .transposed: return turns ? [Form(dataType: dataType, dimensions: dimensions.reversed())] : []
    case .cast: return entry.narrower.map { Form(dataType: $0, dimensions: dimensions) }
    case .castTransposed:
      return turns ? entry.narrower.map { Form(dataType: $0, dimensions: dimensions.reversed()) } : []
    }
  }

  /// The form in which the other model's weight must be to be looked for.
  func target(_ entry: TensorEntry) -> Form {
    let dimensions = entry.shape.dimensions
    return Form(
      dataType: entry.dataType, dimensions: self == .reshaped ? dimensions.filter { $0 != 1 } : dimensions)
  }
}

extension TensorEntry {
  /// The floating-point types that the elements can be cast to and that are no wider.
  fileprivate var narrower: [DataType] {
    guard dataType.isFloat else { return [] }
    return [.float32, .float16, .bfloat16].filter { $0 != dataType && $0.size <= dataType.size }
  }
}

extension Weight {
  /// SHA-256 of the elements, seen in some way as `dataType`.
  func digest(_ view: WeightView, as dataType: DataType) throws(FormatError) -> Digest {
    if view.keepsBytes {
      if let digest { return digest }
      return try load().digest
    }
    return try seen(as: dataType, transposed: view.transposes).digest
  }

  /// The elements cast, then rows made columns; made when they are asked for.
  func seen(as dataType: DataType, transposed: Bool) throws(FormatError) -> Constant.Storage {
    let storage = try load()
    let cast = storage.dataType == dataType ? storage : .derived(FloatCast(storage.rowMajor, to: dataType).tensor)
    return transposed ? .derived(cast.rowMajor.transposed) : cast
  }
}
