import Bytes

/// Numbers with a shape: contiguous, row-major, little-endian bytes that are shared, never changed.
public struct Tensor: Sendable {
  /// What the elements are.
  public let dataType: DataType
  /// The lengths of the axes.
  public let shape: Shape
  /// The elements' bytes; for a mapped file, the file's own.
  public let bytes: ByteView

  /// Creates a tensor over bytes of exactly the right number.
  public init(_ dataType: DataType, _ shape: Shape, bytes: ByteView) {
    precondition(bytes.count == shape.count * dataType.size)
    self.dataType = dataType
    self.shape = shape
    self.bytes = bytes
  }

  /// Creates a tensor with a copy of pieces that together are its bytes.
  public init(_ dataType: DataType, _ shape: Shape, pieces: some Sequence<ByteView>) {
    let region = ByteRegion(count: shape.count * dataType.size) { target in
      var start = 0
      for piece in pieces {
        piece.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + bytes.count)]).copyMemory(from: bytes)
        }
        start += piece.count
      }
      precondition(start == target.count)
    }
    self.init(dataType, shape, bytes: region.view)
  }

  /// How many elements there are.
  public var count: Int { shape.count }

  /// SHA-256 of the elements: contiguous, little-endian, row-major.
  public var digest: Digest { .of(bytes) }

  /// The same elements seen in another shape of as many.
  public func reshaped(_ shape: Shape) -> Tensor { Tensor(dataType, shape, bytes: bytes) }
}

// Elements in memory.
extension Tensor {
  /// A tensor with a copy of `elements`.
  public init(_ elements: [Float], shape: Shape? = nil) {
    self.init(.float32, elements, shape: shape)
  }

  /// A tensor with a copy of `elements`.
  public init(_ elements: [Int64], shape: Shape? = nil) {
    self.init(.int64, elements, shape: shape)
  }

  private init<Element: BitwiseCopyable>(_ dataType: DataType, _ elements: [Element], shape: Shape?) {
    let region = elements.withUnsafeBytes { source in
      ByteRegion(count: source.count) { $0.copyMemory(from: source) }
    }
    self.init(dataType, shape ?? [elements.count], bytes: region.view)
  }

  /// A 32-bit float tensor whose elements `fill` writes, every one of them.
  public static func floats<E: Error>(
    _ shape: Shape, filledBy fill: (UnsafeMutableBufferPointer<Float>) throws(E) -> Void
  ) throws(E) -> Tensor {
    let region = try ByteRegion(count: shape.count * 4) { (bytes) throws(E) in
      try fill(bytes.bindMemory(to: Float.self))
    }
    return Tensor(.float32, shape, bytes: region.view)
  }

  /// Calls `body` with the elements of a 32-bit float tensor; copies them first where the file did not align them.
  public func withFloats<R, E: Error>(_ body: (UnsafeBufferPointer<Float>) throws(E) -> R) throws(E) -> R {
    precondition(dataType == .float32)
    if !bytes.isAligned(to: MemoryLayout<Float>.alignment) {
      return try Tensor.floats(shape) { (copy) in
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(copy).copyMemory(from: $0) }
      }.withFloats(body)
    }
    return try bytes.withUnsafeBytes { (raw) throws(E) in try body(raw.bindMemory(to: Float.self)) }
  }

  /// The elements of a 32-bit float tensor.
  public var floats: [Float] { withFloats { Array($0) } }

  /// The elements of a tensor of 64-bit or 32-bit integers, or of truth values as 1 and 0; nil for other types.
  public var integers: [Int]? {
    bytes.withUnsafeBytes { raw in
      switch dataType {
      case .int64: (0..<count).map { Int(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
      case .int32: (0..<count).map { Int(raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
      case .bool: raw.map { $0 == 0 ? 0 : 1 }
      default: nil
      }
    }
  }
}
