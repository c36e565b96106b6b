import Bytes

/// Tensors by name, names compared byte for byte.
public struct NamedTensors: Sendable, ExpressibleByDictionaryLiteral, Sequence {
  private var tensors: [Name: Tensor] = [:]

  /// No tensors.
  public init() {}

  /// Tensors under different names.
  public init(dictionaryLiteral elements: (String, Tensor)...) {
    for (name, tensor) in elements { self[name] = tensor }
  }

  /// The tensor of that name, if there is one.
  public subscript(_ name: String) -> Tensor? {
    get { tensors[Name(name)] }
    set { tensors[Name(name)] = newValue }
  }

  /// The names, sorted by bytes.
  public var names: [String] { tensors.keys.sorted().map(\.text) }

  /// Each name and tensor, sorted by the names' bytes.
  public func makeIterator() -> some IteratorProtocol<(name: String, tensor: Tensor)> {
    names.map { (name: $0, tensor: tensors[Name($0)]!) }.makeIterator()
  }

  /// Those that are not floats.
  public var integers: NamedTensors {
    var integers = self
    integers.tensors = tensors.filter { $1.dataType != .float32 }
    return integers
  }
}
