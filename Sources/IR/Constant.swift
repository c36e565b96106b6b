import Bytes
import Tensors

/// Numbers that belong to the model.
///
/// Half-width floats are widened to F32 before they are computed with.
public struct Constant: Sendable {
  /// The orders in which the elements may be stored.
  public enum Storage: Sendable {
    /// Rows one after the other.
    case rowMajor(Tensor)
    /// Rows that are made when they are asked for.
    case derived(DerivedTensor)
    /// Panels of rows side by side, as a packed matrix product reads a weight.
    case panels(PanelTensor)
  }

  /// The elements.
  public var storage: Storage
  /// Where they came from.
  public var provenance: Provenance

  /// Creates a constant from a tensor in rows.
  public init(_ tensor: Tensor, provenance: Provenance) { self.init(.rowMajor(tensor), provenance: provenance) }

  /// Creates a constant.
  public init(_ storage: Storage, provenance: Provenance) {
    self.storage = storage
    self.provenance = provenance
  }

  /// What the elements are.
  public var dataType: DataType { storage.dataType }
  /// The lengths of the axes.
  public var shape: Shape { storage.shape }
  /// How many elements there are.
  public var count: Int { shape.count }
  /// SHA-256 of the elements in rows, whatever the order they are stored in.
  public var digest: Digest { storage.digest }
  /// The elements in rows. A constant that is stored in panels is copied, on every call.
  public var tensor: Tensor { storage.rowMajor }
}

extension Constant.Storage {
  /// What the elements are.
  public var dataType: DataType {
    switch self {
    case .rowMajor(let tensor): tensor.dataType
    case .derived(let tensor): tensor.dataType
    case .panels(let tensor): tensor.dataType
    }
  }

  /// The lengths of the axes.
  public var shape: Shape {
    switch self {
    case .rowMajor(let tensor): tensor.shape
    case .derived(let tensor): tensor.shape
    case .panels(let tensor): tensor.shape
    }
  }

  /// SHA-256 of the elements in rows, whatever the order they are stored in; no copy of the whole is made.
  public var digest: Digest {
    if case .rowMajor(let tensor) = self { return tensor.digest }
    var hasher = DigestHasher()
    for number in 0..<pieceCount { hasher.update(rows(ofPiece: number)) }
    return hasher.finish()
  }

  /// The elements in rows; a copy unless they are stored so.
  public var rowMajor: Tensor {
    if case .rowMajor(let tensor) = self { return tensor }
    return Tensor(dataType, shape, pieces: (0..<pieceCount).lazy.map(rows(ofPiece:)))
  }
}

// The elements a piece at a time, so that memory for one piece is enough.
extension Constant.Storage {
  /// About how many bytes a piece has.
  private static let pieceSize = 1 << 20

  /// Panels or elements of one piece.
  private var step: Int {
    switch self {
    case .rowMajor, .derived: max(1, Self.pieceSize / dataType.size)
    case .panels(let tensor): max(1, Self.pieceSize / (tensor.layout.panelCount * dataType.size))
    }
  }

  private var steps: Int {
    if case .panels(let tensor) = self { tensor.layout.panels } else { shape.count }
  }

  /// Into how many pieces the elements fall: as many for every storage of one type, shape and order.
  public var pieceCount: Int { (steps + step - 1) / step }

  /// A piece in row-major order, and as a file holds it. All of them together, in their order, are the whole.
  public func piece(_ number: Int) -> (rows: ByteView, stored: ByteView) {
    if case .panels(let tensor) = self { return tensor.piece(range(number)) }
    let rows = rows(ofPiece: number)
    return (rows, rows)
  }

  /// A piece in row-major order.
  public func rows(ofPiece number: Int) -> ByteView {
    if case .panels(let tensor) = self { return tensor.rows(of: range(number)) }
    return elements(range(number))
  }

  /// True where `tensor` has this type and shape and these elements, bit for bit.
  public func hasSameElements(as tensor: Tensor) -> Bool {
    guard tensor.dataType == dataType, tensor.shape == shape else { return false }
    var place = 0
    for number in 0..<pieceCount {
      let rows = rows(ofPiece: number)
      guard tensor.bytes[place..<place + rows.count].hasSameBytes(as: rows) else { return false }
      place += rows.count
    }
    return true
  }

  /// Some elements, counted in row-major order.
  public func elements(_ range: Range<Int>) -> ByteView {
    switch self {
    case .rowMajor(let tensor):
      return tensor.bytes[range.lowerBound * dataType.size..<range.upperBound * dataType.size]
    case .derived(let tensor): return tensor.bytes(of: range)
    case .panels(let tensor): return tensor.elements(range)
    }
  }

  /// The panels or elements of a piece.
  private func range(_ number: Int) -> Range<Int> { number * step..<min((number + 1) * step, steps) }
}
