import Bytes
import TestSupport
import Testing

@testable import IR

@Suite struct OperatorCodingTests {
  private static let every: [Operator] =
    [
      .linear(Linear()), .conv(Conv(stride: 5, paddingBefore: 3, paddingAfter: 4, dilation: 2, groups: 16)),
      .attention(Attention(heads: 12, scale: 0.35355338)), .layerNormalization(LayerNormalization(epsilon: 1e-5)),
      .groupNormalization(GroupNormalization(groups: 512, epsilon: 0x1p-149)), .gelu(Gelu()),
      .gelu(Gelu(approximation: .tanh)), .slice(Slice(axis: 1, dropFirst: 2, dropLast: 3)),
      .reshape(Reshape([.copy(axis: 0), .fixed(12), .copy(axis: 1)])), .reshape(Reshape([])),
    ] + Unary.Function.allCases.map { .unary(Unary($0)) } + Binary.Function.allCases.map { .binary(Binary($0)) }
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
        #"Attention{"heads":12,"scale":0.35355338}"#, #"LayerNormalization{"epsilon":1e-05}"#,
        #"GroupNormalization{"groups":512,"epsilon":1e-45}"#, #"Gelu{"approximate":"none"}"#,
        #"Gelu{"approximate":"tanh"}"#, #"Slice{"axis":1,"drop":[2,3]}"#, #"Reshape{"shape":["axis 0",12,"axis 1"]}"#,
        #"Reshape{"shape":[]}"#, "Relu", "Sigmoid", "Sqrt", "Tanh", "Add", "Sub", "Mul", "Div",
        #"ReduceMean{"axes":[0,2],"keepdims":true}"#, #"ReduceL2{"axes":[0,2],"keepdims":true}"#,
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
    for name in ["If", "Loop", "linear", "", "Gelu ", "Erf"] {
      #expect(refusal(name, "{}") == "no operator is called \"\(name)\"")
    }
    #expect(refusal("Gelu", #"{"approximate":"quick"}"#).contains("one of none, tanh"))
    #expect(refusal("Conv", #"{"stride":1,"padding":[1],"dilation":1,"groups":1}"#).contains("2 integers"))
    #expect(refusal("LayerNormalization", #"{"epsilon":"NaN"}"#).contains("a finite number"))
    #expect(refusal("LayerNormalization", #"{"epsilon":1e39}"#).contains("a finite number"))
    #expect(refusal("Reshape", #"{"shape":["axis x"]}"#).contains("a number or \"axis N\""))
    #expect(refusal("Reshape", #"{"shape":[1.5]}"#).contains("a number or \"axis N\""))
    #expect(refusal("Slice", #"{"axis":1,"drop":[1,2,3]}"#).contains("2 integers"))
  }
}
