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
    case .panels(let tensor): tensor.dataType
    }
  }

  /// The lengths of the axes.
  public var shape: Shape {
    switch self {
    case .rowMajor(let tensor): tensor.shape
    case .panels(let tensor): tensor.shape
    }
  }

  /// SHA-256 of the elements in rows, whatever the order they are stored in.
  public var digest: Digest {
    switch self {
    case .rowMajor(let tensor): tensor.digest
    case .panels(let tensor): tensor.digest
    }
  }

  /// The elements in rows; a copy where they are stored in panels.
  public var rowMajor: Tensor {
    switch self {
    case .rowMajor(let tensor): tensor
    case .panels(let tensor): tensor.rowMajor
    }
  }
}
