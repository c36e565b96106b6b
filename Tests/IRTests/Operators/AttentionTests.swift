import IR
import Testing

@Suite struct AttentionTests {
  private let x = f32("batch", "time", 12)

  @Test func theResultIsLikeTheQuery() throws {
    let op = Operator.attention(Attention(heads: 3, scale: 0.5))
    #expect(try inferred(op, x, x, x) == x)
    let keys = f32("batch", "keys", 12)
    #expect(try inferred(op, x, keys, keys) == x)
  }

  @Test func aBiasNeedsSlopesAndCountsAreIntegers() throws {
    let op = Operator.attention(Attention(heads: 3, scale: 0.5, alibi: .init(prefix: 10)))
    #expect(try inferred(op, x, x, x, f32(3)) == x)
    let counts = TensorType(.int64, [.symbol("batch")])
    #expect(try inferred(op, x, x, x, f32(3), counts) == x)
    #expect(try inferred(.attention(Attention(heads: 3, scale: 0.5)), x, x, x, counts) == x)
    #expect(refusal(op, x, x, x) == "the input slopes is missing")
    #expect(refusal(op, x, x, x, f32(2)).contains("slopes needs the shape [3]"))
    #expect(refusal(op, x, x, x, f32(3), f32("batch")).contains("F32"))
    #expect(refusal(op, x, x, x, f32(3), TensorType(.int64, [.fixed(2)])).contains("needs the shape [batch]"))
    #expect(
      refusal(.attention(Attention(heads: 3, scale: 1, alibi: .init(prefix: -1))), x, x, x, f32(3))
        .contains("-1 positions are no prefix"))
  }

  @Test func refusalsSayWhatIsNeeded() {
    let op = Operator.attention(Attention(heads: 3, scale: 0.5))
    #expect(refusal(.attention(Attention(heads: 5, scale: 1)), x, x, x).contains("does not divide into 5 heads"))
    #expect(refusal(.attention(Attention(heads: 0, scale: 1)), x, x, x).contains("at least one head, found 0"))
    #expect(refusal(op, x, f32("other", "time", 12), x).contains("needs the batch and width of query"))
    #expect(refusal(op, x, f32("batch", "time", 9), x).contains("needs the batch and width of query"))
    #expect(refusal(op, x, f32("batch", "keys", 12), x).contains("value needs the shape"))
    #expect(refusal(op, f32("time", 12), x, x).contains("query needs 3 axes"))
    #expect(refusal(op, x, x) == "the input value is missing")
    let none = f32(1, 4, 0)
    #expect(refusal(op, none, none, none).contains("does not divide into 3 heads"))
  }
}
