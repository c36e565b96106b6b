import IR
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

  @Test func refusesAxesThatAreNotThere() { #expect(refusal(mean([1, 3]), x) == "F32[batch, time, 8] has no axis 3") }
}
