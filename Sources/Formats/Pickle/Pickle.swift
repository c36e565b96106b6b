import Bytes

/// A value in a pickle. Containers and objects are places in the pickle's `objects`, so that what is shared stays shared.
public enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  /// A whole number that does not fit: where its bytes lie, little-endian two's complement.
  case bigInt(Range<Int>)
  /// The same in decimal, as protocol 0 has it: where its digits lie, with a sign and perhaps an L behind.
  case bigDecimal(Range<Int>)
  case float(Double)
  case string(String)
  /// Bytes, or an old string that is not UTF-8: where they lie, counted from the pickle's first byte.
  case bytes(Range<Int>)
  case object(Int)
}

/// A container, or something that Python would have made by running code. Nothing here was run.
public struct PickleObject: Sendable {
  /// What an object is, and what its `items` are.
  public enum Kind: Sendable {
    /// Items are the elements.
    case tuple, list, set
    /// Items are key, value, key, value, ...
    case dict
    /// Items are two strings, module and name.
    case global
    /// What a call or a class would have made: items are the callable and its tuple of arguments (and perhaps keywords).
    case instance
    /// Something kept outside of the pickle: the one item says what.
    case persistent
  }

  /// What it is.
  public let kind: Kind
  /// Where it was made: an absolute place in the file.
  public let offset: Int
  /// What it is made of; see `Kind`.
  public internal(set) var items: [PickleValue]
  /// What was appended to an instance, as to a list.
  public internal(set) var elements: [PickleValue] = []
  /// What was set in an instance, as in a dict: key, value, key, value, ...
  public internal(set) var entries: [PickleValue] = []
  /// What the object's state was set to, in order.
  public internal(set) var states: [PickleValue] = []
}

/// A class or function that a pickle names.
public struct PickleGlobal: Hashable, Sendable, CustomStringConvertible {
  /// The module, as `torch._utils`.
  public let module: String
  /// The name inside the module; may have dots.
  public let name: String
  /// Where it is named first: an absolute place in the file.
  public let offset: Int

  /// `torch._utils._rebuild_tensor_v2`
  public var description: String { module + "." + name }
}

/// One pickle, read as data.
public struct Pickle: Sendable {
  /// What the pickle holds.
  public internal(set) var root: PickleValue = .none
  /// Every container and object made on the way.
  public internal(set) var objects: [PickleObject] = []
  /// Every class and function named, once each, in order.
  public internal(set) var globals: [PickleGlobal] = []
  /// The protocol its first byte announces; 0 without one.
  public internal(set) var protocolVersion = 0
  /// The pickle's own bytes.
  public internal(set) var view: ByteView

  /// Reads the pickle that starts at the first byte of `view`; bytes after its end are not looked at.
  public static func read(_ view: ByteView) throws(FormatError) -> Pickle {
    var machine = PickleMachine(view)
    return try machine.run()
  }

  /// The object that `value` is, if it is one.
  public subscript(_ value: PickleValue) -> PickleObject? {
    if case .object(let index) = value { objects[index] } else { nil }
  }

  /// Module and name joined by a dot, if `value` is a global.
  public func globalName(_ value: PickleValue) -> String? {
    guard let object = self[value], object.kind == .global, case .string(let module) = object.items[0],
      case .string(let name) = object.items[1]
    else { return nil }
    return module + "." + name
  }

  /// The callable's name and the arguments, if `value` is what a call of a global would have made.
  public func call(_ value: PickleValue) -> (name: String, arguments: [PickleValue])? {
    guard let object = self[value], object.kind == .instance, let name = globalName(object.items[0]),
      let arguments = self[object.items[1]], arguments.kind == .tuple
    else { return nil }
    return (name, arguments.items)
  }

  /// The elements, if `value` is a tuple or list.
  public func sequence(_ value: PickleValue) -> [PickleValue]? {
    guard let object = self[value], object.kind == .tuple || object.kind == .list else { return nil }
    return object.items
  }
}
