import Bytes
import Tensors

/// An ONNX file made in memory, field by field of `onnx.proto`: what an exporter would write, or a hostile one.
public struct ONNXFixture: Sendable {
  /// The length of an axis: a number, or a name; an empty name says nothing.
  public enum Length: Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case fixed(Int)
    case named(String)

    /// A number.
    public init(integerLiteral value: Int) { self = .fixed(value) }
    /// A name.
    public init(stringLiteral value: String) { self = .named(value) }
  }

  /// What an attribute holds.
  public indirect enum Attribute: Sendable {
    case int(Int)
    case float(Float)
    case string(String)
    case ints([Int])
    case floats([Float])
    case tensor(Tensor)
    case graph(ONNXFixture)
  }

  /// The version of the message format.
  public var irVersion = 10
  private var nodes: [[UInt8]] = []
  private var opsets: [[UInt8]] = []
  private var functions: [[UInt8]] = []
  private var parts: [UInt8] = []

  /// A model without nodes, in ONNX's own operators of version `opset`.
  public init(opset: Int = 18) { addOpset("", opset) }

  /// Says that the model uses another set of operators.
  public mutating func addOpset(_ domain: String, _ version: Int) {
    opsets.append(Self.field(1, domain) + Self.field(2, version))
  }

  /// Adds a node.
  public mutating func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    with attributes: KeyValuePairs<String, Attribute> = [:], saying metadata: KeyValuePairs<String, String> = [:]
  ) {
    var message = inputs.flatMap { Self.field(1, $0) } + outputs.flatMap { Self.field(2, $0) }
    message += Self.field(3, name) + Self.field(4, op) + Self.field(7, domain)
    for (name, value) in attributes { message += Self.field(5, Self.field(1, name) + Self.attribute(value)) }
    for (key, value) in metadata { message += Self.field(9, Self.field(1, key) + Self.field(2, value)) }
    nodes.append(message)
  }

  /// Adds an input of tensors; `type` is the element type's number in `onnx.proto`: 1 for floats, 7 for 64-bit integers.
  public mutating func input(_ name: String, _ shape: [Length], type: Int = 1) {
    parts += Self.field(11, Self.info(name, type, shape))
  }

  /// Adds an input that is a sequence of tensors.
  public mutating func sequenceInput(_ name: String) {
    parts += Self.field(11, Self.field(1, name) + Self.field(2, Self.field(4, [])))
  }

  /// Adds an output.
  public mutating func output(_ name: String, type: Int = 1) { parts += Self.field(12, Self.info(name, type, nil)) }

  /// Says the type of a value inside the graph.
  public mutating func valueInfo(_ name: String, _ shape: [Length], type: Int = 1) {
    parts += Self.field(13, Self.info(name, type, shape))
  }

  /// Adds an initializer of floats that lie in another file.
  public mutating func external(_ name: String, shape: [Int], location: String, offset: Int = 0) {
    func pair(_ key: String, _ value: String) -> [UInt8] { Self.field(13, Self.field(1, key) + Self.field(2, value)) }
    parts += Self.field(
      5,
      shape.flatMap { Self.field(1, $0) } + Self.field(2, 1) + Self.field(8, name) + pair("location", location)
        + pair("offset", "\(offset)") + Self.field(14, 1))
  }

  /// Adds any field of the graph.
  public mutating func part(_ number: Int, _ bytes: [UInt8]) { parts += Self.field(number, bytes) }

  /// Adds an initializer of floats, 64-bit integers or truth values.
  public mutating func initializer(_ name: String, _ tensor: Tensor) {
    parts += Self.field(5, Self.tensor(name, tensor))
  }

  /// Adds an initializer that says no element.
  public mutating func initializer(_ name: String, type: Int, shape: [Int]) {
    parts += Self.field(5, shape.flatMap { Self.field(1, $0) } + Self.field(2, type) + Self.field(8, name))
  }

  /// Adds an initializer whose zeros are left out.
  public mutating func sparseInitializer(_ name: String) {
    parts += Self.field(15, Self.field(1, Self.tensor(name, Tensor([1 as Float]))))
  }

  /// Adds a function of the model's own, without nodes.
  public mutating func function(_ name: String, domain: String) {
    functions.append(Self.field(1, name) + Self.field(10, domain))
  }

  /// The file.
  public var bytes: [UInt8] {
    Self.field(1, irVersion) + Self.field(7, graph) + opsets.flatMap { Self.field(8, $0) }
      + functions.flatMap { Self.field(25, $0) }
  }

  private var graph: [UInt8] { nodes.flatMap { Self.field(1, $0) } + Self.field(2, "test") + parts }

  /// A file that is one tensor, as ONNX's test data are.
  public static func tensor(_ name: String, _ tensor: Tensor) -> [UInt8] {
    let number = [DataType.float32: 1, .int32: 6, .int64: 7, .bool: 9, .float16: 10, .float64: 11][tensor.dataType]!
    return tensor.shape.dimensions.flatMap { field(1, $0) } + field(2, number) + field(8, name)
      + field(9, tensor.bytes.array)
  }

  // MARK: Protobuf

  private static func varint(_ value: UInt64) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7)
  }

  private static func field(_ number: Int, _ value: Int) -> [UInt8] {
    varint(UInt64(number << 3)) + varint(UInt64(bitPattern: Int64(value)))
  }

  /// A field of bytes, or of a message.
  public static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(UInt64(number << 3 | 2)) + varint(UInt64(bytes.count)) + bytes
  }

  /// A field of text.
  public static func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  private static func field(_ number: Int, _ value: Float) -> [UInt8] {
    varint(UInt64(number << 3 | 5)) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
  }

  private static func attribute(_ value: Attribute) -> [UInt8] {
    switch value {
    case .float(let number): field(2, number) + field(20, 1)
    case .int(let number): field(3, number) + field(20, 2)
    case .string(let text): field(4, text) + field(20, 3)
    case .tensor(let tensor): field(5, self.tensor("", tensor)) + field(20, 4)
    case .graph(let graph): field(6, graph.graph) + field(20, 5)
    case .floats(let numbers): numbers.flatMap { field(7, $0) } + field(20, 6)
    case .ints(let numbers): numbers.flatMap { field(8, $0) } + field(20, 7)
    }
  }

  private static func info(_ name: String, _ type: Int, _ shape: [Length]?) -> [UInt8] {
    var tensor = field(1, type)
    if let shape {
      tensor += field(
        2,
        shape.flatMap { length -> [UInt8] in
          switch length {
          case .fixed(let value): field(1, field(1, value))
          case .named(let name): field(1, field(2, name))
          }
        })
    }
    return field(1, name) + field(2, field(1, tensor))
  }
}
