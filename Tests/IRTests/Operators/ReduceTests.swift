import IR
import Tensors
import Testing

@Suite struct ReduceTests {
  private let x = f32("batch", "time", 8)

  private func mean(_ axes: [Int], keeps: Bool = false) -> Operator {
    .reduce(Reduce(.mean, axes: axes, keepsAxes: keeps))
  }

  @Test func axesGoOrBecomeOne() throws {
    #expect(try inferred(mean([1]), x) == f32("batch", 8))
    #expect(try inferred(mean([0, 2], keeps: true), x) == f32(1, "time", 1))
    #expect(try inferred(mean([0, 1, 2]), x) == f32())
  }

  @Test(arguments: [[], [-1], [1, 0], [1, 1]]) func refusesAxesThatAreNotRising(_ axes: [Int]) {
    #expect(refusal(mean(axes), x) == "the axes \(axes) are not rising")
  }

  @Test(arguments: DataType.allCases) func onlyTypesOfTheTableAreComputed(_ dataType: DataType) {
    let isNumber = [.float32, .int64, .int32].contains(dataType)
    for function in Reduce.Function.allCases {
      let isTaken =
        switch function {
        case .mean, .l2: dataType == .float32
        case .sum, .product: isNumber
        case .maximum, .minimum: isNumber || dataType == .bool
        }
      let op = Operator.reduce(Reduce(function, axes: [1], keepsAxes: false))
      let result = try? inferred(op, TensorType(dataType, ["n", 2]))
      #expect(result == (isTaken ? TensorType(dataType, ["n"]) : nil), "\(function)")
    }
  }

  @Test func refusesAxesThatAreNotThere() { #expect(refusal(mean([1, 3]), x) == "F32[batch, time, 8] has no axis 3") }
}
