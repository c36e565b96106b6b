import IR
import Testing

@Suite struct NormalizationTests {
  private let x = f32("batch", "time", 12)

  @Test func shapesStay() throws {
    let layer = Operator.layerNormalization(LayerNormalization(epsilon: 1e-5))
    #expect(try inferred(layer, x, f32(12), f32(12)) == x)
    #expect(try inferred(layer, x) == x)
    #expect(try inferred(layer, x, nil, f32(12)) == x)
    let group = Operator.groupNormalization(GroupNormalization(groups: 4, epsilon: 1e-5))
    #expect(try inferred(group, x, f32(12), f32(12)) == x)
  }

  @Test func refusalsSayWhatIsNeeded() {
    let layer = Operator.layerNormalization(LayerNormalization(epsilon: 1e-5))
    #expect(refusal(layer, x, f32(11)) == "scale? needs the shape [12], found [11]")
    #expect(refusal(layer, x, f32(12), f32(1, 12)) == "bias? needs the shape [12], found [1, 12]")
    #expect(refusal(layer, f32()) == "x needs an axis to normalise over")
    func group(_ groups: Int) -> Operator { .groupNormalization(GroupNormalization(groups: groups, epsilon: 0)) }
    #expect(refusal(group(5), x) == "the 12 channels do not divide into 5 groups")
    #expect(refusal(group(0), x).contains("at least one group, found 0"))
    #expect(refusal(group(1), f32(1, 4, 0)).contains("the 0 channels do not divide"))
    #expect(refusal(group(1), f32(1, 4, "width")).contains("the width channels"))
    #expect(refusal(group(2), f32("time", 12)).contains("x needs 3 axes"))
  }
}
