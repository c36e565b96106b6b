import Bytes
import Tensors
import TestSupport
import Testing

@testable import IR

@Suite struct OperatorCodingTests {
  private static let every: [Operator] = single + choices + functions
  private static let single: [Operator] = [
    .linear(Linear()), .conv(Conv(stride: 5, paddingBefore: 3, paddingAfter: 4, dilation: 2, groups: 16)),
    .attention(Attention(heads: 12, scale: 0.35355338)),
    .attention(Attention(heads: 2, scale: 1, alibi: .init(prefix: 10))),
    .layerNormalization(LayerNormalization(epsilon: 1e-5)),
    .groupNormalization(GroupNormalization(groups: 512, epsilon: 0x1p-149)), .gelu(Gelu()),
    .gelu(Gelu(approximation: .tanh)), .slice(Slice(axis: 1, dropFirst: 2, dropLast: 3)),
    .reshape(Reshape([.copy(axis: 0), .fixed(12), .copy(axis: 1)])), .reshape(Reshape([])),
    .reshape(Reshape([.copy(axis: 15), .rest])), .matMul(MatMul()), .softmax(Softmax(axis: 3)),
    .transpose(Transpose([1, 0])), .cast(Cast(to: .int32)), .select(Select()), .shapeOf(ShapeOf()),
    .reshapeTo(ReshapeTo(allowsZero: true)), .reshapeTo(ReshapeTo()), .stridedSlice(StridedSlice()),
    .expand(Expand()), .gather(Gather(axis: 1)), .concat(Concat(axis: 2, count: 1024)), .arange(Arange()),
    .tile(Tile()),
  ]
  private static let choices: [Operator] =
    Scatter.Reduction.allCases.map { .scatter(Scatter($0)) } + Pad.Mode.allCases.map { .pad(Pad($0)) }
    + DataType.computed.map { .cast(Cast(to: $0)) }
  private static let functions: [Operator] =
    Unary.Function.allCases.map { .unary(Unary($0)) } + Binary.Function.allCases.map { .binary(Binary($0)) }
    + Reduce.Function.allCases.map { .reduce(Reduce($0, axes: [0, 2], keepsAxes: true)) }

  /// What a file that says `text` of an operator called `name` means.
  private func read(_ name: String, _ text: String) throws(FormatError) -> Operator {
    try Operator(
      name: name, attributes: JSONFields(JSON.read(view(Array(text.utf8)), format: "assay"), format: "assay"))
  }

  private func refusal(_ name: String, _ text: String) -> String {
    do { return "accepted: \(try read(name, text))" } catch { return "\(error.reason)" }
  }

  @Test(arguments: every) func everyOperatorComesBack(_ op: Operator) throws {
    let (name, attributes) = op.coded
    #expect(try read(name, JSON(members: attributes).compact) == op)
  }

  @Test func spellingsAreForEver() {
    // A change here is a change of the format.
    let spellings = OperatorCodingTests.every.map { op in
      let (name, attributes) = op.coded
      return attributes.isEmpty ? name : name + JSON(members: attributes).compact
    }
    #expect(
      spellings == [
        "Linear", #"Conv{"stride":5,"padding":[3,4],"dilation":2,"groups":16}"#,
        #"Attention{"heads":12,"scale":0.35355338}"#, #"AlibiAttention{"heads":2,"scale":1,"prefix":10}"#,
        #"LayerNormalization{"epsilon":1e-05}"#,
        #"GroupNormalization{"groups":512,"epsilon":1e-45}"#, #"Gelu{"approximate":"none"}"#,
        #"Gelu{"approximate":"tanh"}"#, #"Slice{"axis":1,"drop":[2,3]}"#, #"Reshape{"shape":["axis 0",12,"axis 1"]}"#,
        #"Reshape{"shape":[]}"#, #"Reshape{"shape":["axis 15","rest"]}"#, "MatMul", #"Softmax{"axis":3}"#,
        #"Transpose{"perm":[1,0]}"#, #"Cast{"to":"I32"}"#, "Where", "Shape", #"ReshapeTo{"allowzero":true}"#,
        #"ReshapeTo{"allowzero":false}"#, "StridedSlice", "Expand", #"Gather{"axis":1}"#,
        #"Concat{"axis":2,"count":1024}"#, "Range", "Tile", #"ScatterND{"reduction":"none"}"#,
        #"ScatterND{"reduction":"add"}"#, #"ScatterND{"reduction":"mul"}"#, #"ScatterND{"reduction":"min"}"#,
        #"ScatterND{"reduction":"max"}"#, #"Pad{"mode":"constant"}"#, #"Pad{"mode":"reflect"}"#,
        #"Pad{"mode":"edge"}"#, #"Pad{"mode":"wrap"}"#, #"Cast{"to":"F32"}"#, #"Cast{"to":"I64"}"#,
        #"Cast{"to":"I32"}"#, #"Cast{"to":"BOOL"}"#, "Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "IsInf", "IsNaN",
        "Log", "Neg", "Not", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Softplus", "Sqrt", "Tanh", "Add", "Sub",
        "Mul", "Div", "Pow", "Mod", "Remainder", "Min", "Max", "Equal", "Less", "LessOrEqual", "Greater",
        "GreaterOrEqual", "And", "Or", "Xor", #"ReduceMean{"axes":[0,2],"keepdims":true}"#,
        #"ReduceL2{"axes":[0,2],"keepdims":true}"#, #"ReduceSum{"axes":[0,2],"keepdims":true}"#,
        #"ReduceProd{"axes":[0,2],"keepdims":true}"#, #"ReduceMax{"axes":[0,2],"keepdims":true}"#,
        #"ReduceMin{"axes":[0,2],"keepdims":true}"#,
      ])
  }

  @Test(arguments: every) func unknownAndMissingAttributesAreRefused(_ op: Operator) {
    let (name, attributes) = op.coded
    let more = JSON(members: attributes + [("surprise", 1)]).compact
    #expect(refusal(name, more).contains("unknown field \"surprise\""))
    for index in attributes.indices {
      var fewer = attributes
      let missing = fewer.remove(at: index).0
      #expect(refusal(name, JSON(members: fewer).compact).contains("the field \"\(missing)\" is missing"))
      var wrong = attributes
      wrong[index].1 = .null
      #expect(refusal(name, JSON(members: wrong).compact).contains("\"\(missing)\" needs"))
    }
  }

  @Test func unknownOperatorsAndValuesAreRefused() {
    for name in ["If", "Loop", "linear", "", "Gelu ", "erf"] {
      #expect(refusal(name, "{}") == "no operator is called \"\(name)\"")
    }
    #expect(refusal("Gelu", #"{"approximate":"quick"}"#).contains("one of none, tanh"))
    #expect(refusal("Conv", #"{"stride":1,"padding":[1],"dilation":1,"groups":1}"#).contains("2 integers"))
    #expect(refusal("LayerNormalization", #"{"epsilon":"NaN"}"#).contains("a finite number"))
    #expect(refusal("LayerNormalization", #"{"epsilon":1e39}"#).contains("a finite number"))
    for wrong in [#""axis x""#, "1.5", #""axis 01""#, #""axis""#, #""rest ""#, "null"] {
      #expect(
        refusal("Reshape", "{\"shape\":[\(wrong)]}") == "a length of Reshape is a number, \"axis N\" or \"rest\"",
        "\(wrong)")
    }
    #expect(refusal("Reshape", #"{"shape":["rest","rest"]}"#) == "only one length can be what is left")
    #expect(refusal("Reshape", #"{"shape":["axis 16"]}"#).contains("is no length and no axis"))
    #expect(refusal("Softmax", #"{"axis":16}"#) == "there is no axis 16")
    #expect(refusal("Gather", #"{"axis":-1}"#).contains("axis"))
    #expect(refusal("Transpose", #"{"perm":[0,0]}"#).contains("does not name every axis once"))
    #expect(refusal("Cast", #"{"to":"F64"}"#) == "a graph does not compute in F64")
    #expect(refusal("ReshapeTo", #"{"allowzero":1}"#).contains("allowzero"))
    #expect(refusal("ScatterND", #"{"reduction":"sub"}"#).contains("one of none, add, mul, min, max"))
    #expect(refusal("Pad", #"{"mode":"symmetric"}"#).contains("one of constant, reflect, edge, wrap"))
    for count in [0, 1025] {
      #expect(refusal("Concat", "{\"axis\":0,\"count\":\(count)}") == "1 to 1024 inputs are joined")
    }
    #expect(refusal("Slice", #"{"axis":1,"drop":[1,2,3]}"#).contains("2 integers"))
  }
}
