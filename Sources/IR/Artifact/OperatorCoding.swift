import Bytes

// Operators as a file spells them. Names and attributes are for ever; Swift's own names may change.

extension Operator {
  /// The operator's name in a file and its attributes, in a fixed order.
  var coded: (name: String, attributes: [(String, JSON?)]) {
    switch self {
    case .linear: ("Linear", [])
    case .conv(let op):
      (
        "Conv",
        [
          ("stride", JSON(op.stride)), ("padding", JSON([op.paddingBefore, op.paddingAfter])),
          ("dilation", JSON(op.dilation)), ("groups", JSON(op.groups)),
        ]
      )
    case .attention(let op):
      (
        op.alibi == nil ? "Attention" : "AlibiAttention",
        [("heads", JSON(op.heads)), ("scale", JSON(op.scale))] + (op.alibi.map { [("prefix", JSON($0.prefix))] } ?? [])
      )
    case .layerNormalization(let op): ("LayerNormalization", [("epsilon", JSON(op.epsilon))])
    case .groupNormalization(let op):
      ("GroupNormalization", [("groups", JSON(op.groups)), ("epsilon", JSON(op.epsilon))])
    case .gelu(let op): ("Gelu", [("approximate", JSON(op.approximation.rawValue))])
    case .unary(let op): (op.function.rawValue, [])
    case .binary(let op): (op.function.rawValue, [])
    case .reduce(let op): (op.function.rawValue, [("axes", JSON(op.axes)), ("keepdims", JSON(op.keepsAxes))])
    case .slice(let op):
      ("Slice", [("axis", JSON(op.axis)), ("drop", JSON([op.dropFirst, op.dropLast]))])
    case .reshape(let op):
      ("Reshape", [("shape", JSON(op.lengths.map(\.coded)))])
    case .matMul: ("MatMul", [])
    case .softmax(let op): ("Softmax", [("axis", JSON(op.axis))])
    case .transpose(let op): ("Transpose", [("perm", JSON(op.permutation))])
    case .cast(let op): ("Cast", [("to", JSON(op.dataType.rawValue))])
    case .select: ("Where", [])
    case .shapeOf: ("Shape", [])
    case .reshapeTo(let op): ("ReshapeTo", [("allowzero", JSON(op.allowsZero))])
    case .stridedSlice: ("StridedSlice", [])
    case .expand: ("Expand", [])
    case .gather(let op): ("Gather", [("axis", JSON(op.axis))])
    case .scatter(let op): ("ScatterND", [("reduction", JSON(op.reduction.rawValue))])
    case .concat(let op): ("Concat", [("axis", JSON(op.axis)), ("count", JSON(op.count))])
    case .arange: ("Range", [])
    case .pad(let op): ("Pad", [("mode", JSON(op.mode.rawValue))])
    case .tile: ("Tile", [])
    }
  }

  /// The operator called `name`; an unknown name, and an attribute that is missing, unknown or of a wrong kind, throw.
  init(name: String, attributes: JSONFields) throws(FormatError) {
    var fields = attributes
    switch name {
    case "Linear": self = .linear(Linear())
    case "Conv":
      let padding = try fields.integers("padding", count: 2)
      self = .conv(
        Conv(
          stride: try fields.integer("stride"), paddingBefore: padding[0], paddingAfter: padding[1],
          dilation: try fields.integer("dilation"), groups: try fields.integer("groups")))
    case "Attention": self = .attention(Attention(heads: try fields.integer("heads"), scale: try fields.float("scale")))
    case "AlibiAttention":
      self = .attention(
        Attention(
          heads: try fields.integer("heads"), scale: try fields.float("scale"),
          alibi: .init(prefix: try fields.integer("prefix"))))
    case "LayerNormalization": self = .layerNormalization(LayerNormalization(epsilon: try fields.float("epsilon")))
    case "GroupNormalization":
      self = .groupNormalization(
        GroupNormalization(groups: try fields.integer("groups"), epsilon: try fields.float("epsilon")))
    case "Gelu": self = .gelu(Gelu(approximation: try fields.choice("approximate")))
    case "Slice":
      let drop = try fields.integers("drop", count: 2)
      self = .slice(Slice(axis: try fields.integer("axis"), dropFirst: drop[0], dropLast: drop[1]))
    case "Reshape": self = .reshape(Reshape(try fields.array("shape").map(Reshape.Length.init(coded:))))
    case "MatMul": self = .matMul(MatMul())
    case "Softmax": self = .softmax(Softmax(axis: try fields.integer("axis")))
    case "Transpose": self = .transpose(Transpose(try fields.integers("perm")))
    case "Cast": self = .cast(Cast(to: try fields.choice("to")))
    case "Where": self = .select(Select())
    case "Shape": self = .shapeOf(ShapeOf())
    case "ReshapeTo": self = .reshapeTo(ReshapeTo(allowsZero: try fields.bool("allowzero")))
    case "StridedSlice": self = .stridedSlice(StridedSlice())
    case "Expand": self = .expand(Expand())
    case "Gather": self = .gather(Gather(axis: try fields.integer("axis")))
    case "ScatterND": self = .scatter(Scatter(try fields.choice("reduction")))
    case "Concat": self = .concat(Concat(axis: try fields.integer("axis"), count: try fields.integer("count")))
    case "Range": self = .arange(Arange())
    case "Pad": self = .pad(Pad(try fields.choice("mode")))
    case "Tile": self = .tile(Tile())
    default:
      if let function = Reduce.Function(rawValue: name) {
        self = .reduce(
          Reduce(function, axes: try fields.integers("axes"), keepsAxes: try fields.bool("keepdims")))
      } else if let function = Unary.Function(rawValue: name) {
        self = .unary(Unary(function))
      } else if let function = Binary.Function(rawValue: name) {
        self = .binary(Binary(function))
      } else {
        throw fields.error("no operator is called \"\(name)\"")
      }
    }
    try fields.finish()
    do throws(Mismatch) { try definition.checkAttributes() } catch { throw fields.error(error.what) }
  }
}

extension Reshape.Length {
  /// A number for a known length, `"axis N"` for a copied one, `"rest"` for what is left.
  fileprivate var coded: JSON {
    switch self {
    case .fixed(let value): JSON(value)
    case .copy(let axis): JSON("axis \(axis)")
    case .rest: JSON("rest")
    }
  }

  fileprivate init(coded json: JSON) throws(FormatError) {
    if let value = json.int {
      self = .fixed(value)
    } else if let text = json.string, let axis = text.split(separator: " ").last.flatMap({ Int($0) }),
      Name(text) == Name("axis \(axis)")
    {
      self = .copy(axis: axis)
    } else if json.string.map(Name.init) == Name("rest") {
      self = .rest
    } else {
      throw ArtifactRule.operators.broken("a length of Reshape is a number, \"axis N\" or \"rest\"", at: json)
    }
  }
}
