import Bytes
import Tensors

/// What an ONNX file says, message by message (`onnx.proto`); tensors stay views of the file.
///
/// Nothing is judged here: operators, opsets and types that cannot be computed are read and shown all the same.
public struct ONNXModel: Sendable {
  /// An operator set the model is written in; the empty domain is ONNX's own.
  public struct Opset: Hashable, Sendable {
    /// The domain, empty for `ai.onnx`.
    public var domain: String
    /// The set's version.
    public var version: Int
  }

  /// The version of the message format.
  public var irVersion = 0
  /// The program that wrote the file, and its version.
  public var producer = (name: "", version: "")
  /// The model's own domain and version.
  public var domain = ""
  /// The model's own version.
  public var modelVersion = 0
  /// The operator sets.
  public var opsets: [Opset] = []
  /// Texts under names, in the file's order.
  public var metadata: [(name: String, value: String)] = []
  /// The graph.
  public var graph = ONNXGraph()
  /// Functions that the model defines itself.
  public var functions: [ONNXFunction] = []
}

/// A graph, or the body of an attribute of `If`, `Loop` and the like.
public struct ONNXGraph: Sendable {
  /// The graph's name.
  public var name = ""
  /// The nodes, in the file's order, which must be one they can run in.
  public var nodes: [ONNXNode] = []
  /// Constants by name.
  public var initializers: [ONNXTensor] = []
  /// Constants whose zeros are left out; they are named, not read.
  public var sparseInitializers: [String] = []
  /// What is fed; before IR version 4 initializers are listed here too.
  public var inputs: [ONNXValueInfo] = []
  /// What comes out.
  public var outputs: [ONNXValueInfo] = []
}

/// A function that the model defines: nodes over names.
public struct ONNXFunction: Sendable {
  /// The function's name.
  public var name = ""
  /// Its domain.
  public var domain = ""
  /// What it is given.
  public var inputs: [String] = []
  /// What it gives.
  public var outputs: [String] = []
  /// What it does.
  public var nodes: [ONNXNode] = []
}

/// One operation.
public struct ONNXNode: Sendable {
  /// The node's name; may be empty.
  public var name = ""
  /// The operator.
  public var op = ""
  /// The operator's domain, empty for ONNX's own.
  public var domain = ""
  /// Names of values; an empty one stands for an optional input that is left out.
  public var inputs: [String] = []
  /// Names of what comes out; an empty one for what is not wanted.
  public var outputs: [String] = []
  /// The attributes, in the file's order.
  public var attributes: [ONNXAttribute] = []
  /// Where the node starts in the file.
  public var offset = 0

  /// A node of no operator.
  public init() {}
}

/// One attribute of a node.
public struct ONNXAttribute: Sendable {
  /// What it holds.
  public enum Value: Sendable {
    case float(Float)
    case int(Int)
    case string(ByteView)
    case tensor(ONNXTensor)
    indirect case graph(ONNXGraph)
    case floats([Float])
    case ints([Int])
    case strings([ByteView])
    case tensors([ONNXTensor])
    case graphs([ONNXGraph])
    /// A kind that is only named: sparse tensors, types, a reference to a function's attribute.
    case other(String)
  }

  /// The attribute's name.
  public var name: String
  /// What it holds.
  public var value: Value

  /// The graphs that it holds.
  var graphs: [ONNXGraph] {
    switch value {
    case .graph(let graph): [graph]
    case .graphs(let several): several
    default: []
    }
  }
}

/// A graph input's or output's name and type.
public struct ONNXValueInfo: Sendable {
  /// A length: known, named, or nothing is said.
  public enum Length: Hashable, Sendable {
    case fixed(Int)
    case named(String)
    case unknown
  }

  /// The value's name.
  public var name = ""
  /// The element type's number; nil where the value is no tensor.
  public var elementType: Int?
  /// The lengths of the axes; nil where nothing is said of them.
  public var shape: [Length]?
}
