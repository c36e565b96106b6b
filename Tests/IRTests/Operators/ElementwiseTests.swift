import IR
import Tensors
import Testing

@Suite struct ElementwiseTests {
  private let add = Operator.binary(Binary(.add))

  @Test func shapesBroadcastAsNumPysDo() throws {
    #expect(try inferred(add, f32("batch", "time", 8), f32(8)) == f32("batch", "time", 8))
    #expect(try inferred(add, f32(8), f32("batch", "time", 8)) == f32("batch", "time", 8))
    #expect(try inferred(add, f32(4, 1, 3), f32(1, 5, 1)) == f32(4, 5, 3))
    #expect(try inferred(add, f32(), f32(2, 3)) == f32(2, 3))
    #expect(try inferred(add, f32(), f32()) == f32())
    #expect(try inferred(add, f32("time", 1), f32(1, "width")) == f32("time", "width"))
    for function in Unary.Function.allCases where function != .not {
      let result = TensorType([.isNaN, .isInfinite].contains(function) ? .bool : .float32, ["n", 2])
      #expect(try inferred(.unary(Unary(function)), f32("n", 2)) == result)
    }
    #expect(try inferred(.gelu(Gelu()), f32("n", 2)) == f32("n", 2))
  }

  @Test func refusalsSayWhatIsNeeded() {
    #expect(refusal(add, f32(2, 3), f32(2)) == "[2, 3] and [2] do not broadcast")
    #expect(refusal(add, f32("time", 3), f32("frames", 2)) == "[time, 3] and [frames, 2] do not broadcast")
    #expect(refusal(add, f32(1)) == "the input b is missing")
    #expect(refusal(.unary(Unary(.tanh)), f32(1), f32(1)).contains("at most 1 inputs"))
    #expect(refusal(.gelu(Gelu()), TensorType(.int64, [1] as Shape)).contains("x is I64"))
  }

  /// An unknown length may turn out to be 1, or equal; a known one that is not 1 stays what it is.
  @Test func lengthsThatAreNotKnownMayBroadcast() throws {
    #expect(try inferred(add, f32("time"), f32("frames")) == f32("node.0"))
    #expect(try inferred(add, f32("time"), f32(.symbolic("time", offset: 1))) == f32("node.0"))
    #expect(try inferred(add, f32("time"), f32(7)) == f32(7))
    #expect(try inferred(add, f32(7), f32("batch", "time")) == f32("batch", 7))
    #expect(try inferred(add, f32("time"), f32(0)) == f32(0))
  }

  /// The article's table, type by type.
  @Test(arguments: DataType.allCases) func onlyTypesOfTheTableAreComputed(_ dataType: DataType) {
    let x = TensorType(dataType, [2] as Shape)
    let (isNumber, isFloat) = ([.float32, .int64, .int32].contains(dataType), dataType == .float32)
    for function in Unary.Function.allCases {
      let isTaken =
        switch function {
        case .not: dataType == .bool
        case .absolute, .negate, .sign, .relu: isNumber
        default: isFloat
        }
      #expect(((try? inferred(.unary(Unary(function)), x)) != nil) == isTaken, "\(function)")
    }
    for function in Binary.Function.allCases {
      let (isTaken, isQuestion): (Bool, Bool) =
        switch function {
        case .and, .or, .xor: (dataType == .bool, false)
        case .equal: (isNumber || dataType == .bool, true)
        case .less, .lessOrEqual, .greater, .greaterOrEqual: (isNumber, true)
        default: (isNumber, false)
        }
      let result = try? inferred(.binary(Binary(function)), x, x)
      #expect(result == (isTaken ? TensorType(isQuestion ? .bool : dataType, [2] as Shape) : nil), "\(function)")
      if isTaken {
        let other = TensorType(dataType == .int64 ? .int32 : .int64, [2] as Shape)
        #expect((try? inferred(.binary(Binary(function)), x, other)) == nil, "\(function) of two types")
      }
    }
    let isComputed = isNumber || dataType == .bool
    let condition = TensorType(.bool, [3, 1] as Shape)
    #expect(
      (try? inferred(.select(Select()), condition, x, x)) == (isComputed ? TensorType(dataType, [3, 2] as Shape) : nil))
    #expect((try? inferred(.cast(Cast(to: .bool)), x)) == (isComputed ? TensorType(.bool, [2] as Shape) : nil))
    #expect((try? inferred(.cast(Cast(to: dataType)), f32(2))) == (isComputed ? x : nil))
  }

  @Test func choicesRefuseWhatDoesNotFit() {
    let (condition, x) = (TensorType(.bool, [2] as Shape), TensorType(.int64, [2] as Shape))
    #expect(refusal(.select(Select()), x, x, x) == "condition is I64; a graph computes this in BOOL")
    #expect(refusal(.select(Select()), condition, x, f32(2)) == "a is I64 and b is F32; both are of one type")
    #expect(refusal(.select(Select()), condition, f32(3), f32(3)).contains("do not broadcast"))
    #expect(refusal(.cast(Cast(to: .float16)), f32(2)) == "a graph does not compute in F16")
  }
}
