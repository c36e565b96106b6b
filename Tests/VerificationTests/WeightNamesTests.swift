import Bytes
import Tensors
import TestSupport
import Testing
import Verification

/// Which of several equal weights is paired with which, and what that says of the others.
@Suite struct WeightNamesTests {
  typealias T = WeightDiffTests

  /// A block with a matrix of its own, and a norm and a bias that are the same in every block.
  private func block(_ path: String, _ seed: UInt64) -> [(String, Tensor)] {
    [
      (path + "norm.weight", Tensor([1 as Float, 1, 1, 1])), (path + "fc.bias", Tensor([0 as Float, 0, 0, 0])),
      (path + "fc.weight", T.random(seed, [4, 4])),
    ]
  }

  @Test func twinsArePairedByNameAndNeverMissing() throws {
    let (zeros, ones) = (Tensor([0 as Float, 0]), Tensor([1 as Float, 1]))
    let a = [("a.bias", zeros), ("b.bias", zeros), ("a.weight", ones), ("b.weight", ones)]
    #expect(
      try T.pairs(T.diff(a, a.reversed()))
        == ["a.bias -> a.bias", "b.bias -> b.bias", "a.weight -> a.weight", "b.weight -> b.weight"])
    // Without names the order of the files.
    let anonymous = [("c::3", ones), ("c::1", zeros), ("c::2", zeros), ("c::4", ones)]
    let diff = try T.diff(a, anonymous)
    #expect(diff.isSame)
    #expect(
      T.pairs(diff) == ["a.bias -> c::1", "b.bias -> c::2", "a.weight -> c::3", "b.weight -> c::4"])
  }

  @Test func oneCopyMayStandForSeveral() throws {
    let layers = block("0.", 1) + block("1.", 2)
    // As an exporter writes it that stores equal tensors once.
    let once = layers.filter { $0.0 != "1.norm.weight" && $0.0 != "1.fc.bias" }
    func weights(_ tensors: [(String, Tensor)]) -> [Weight] { tensors.map { T.weight($0.0, $0.1) } }
    let diff = try WeightDiff(weights(layers), weights(once), merges: Both(false, true), threads: 1)
    #expect(diff.isSame)
    #expect(T.pairs(diff).suffix(2) == ["1.fc.bias -> 0.fc.bias: shared", "1.fc.weight -> 1.fc.weight"])
    let back = try WeightDiff(weights(once), weights(layers), merges: Both(true, false), threads: 1)
    #expect(back.isSame && T.pairs(back).contains("0.norm.weight -> 1.norm.weight: shared"))
    // Elsewhere a new zero is a new weight.
    #expect(try T.diff(layers, once).only.a.map(\.name) == ["1.norm.weight", "1.fc.bias"])
    #expect(try !WeightDiff(weights(layers), weights(once), merges: Both(true, false), threads: 1).isSame)
    // Numbers that nobody meets by chance are tied.
    let tied = layers + [("head.weight", layers[2].1), ("head.bias", T.random(7, [4]))]
    let diff2 = try T.diff(tied, tied.filter { $0.0 != "head.weight" })
    #expect(diff2.isSame && T.pairs(diff2).contains("head.weight -> 0.fc.weight: shared"))
  }

  @Test func equalContentsUnderANameWithOtherNumbersAreNotTaken() throws {
    let zeros = Tensor([0 as Float, 0])
    let diff = try T.diff([("x", zeros), ("y", zeros)], [("y", zeros), ("z", zeros), ("x", Tensor([5 as Float, 5]))])
    #expect(diff.changed.map(\.names.a) == ["x"] && T.pairs(diff) == ["y -> y"] && diff.only.b.map(\.name) == ["z"])
  }

  @Test func aFewNumbersInCommonTeachNothing() throws {
    let (zeros, two, three) = (Tensor([Float](repeating: 0, count: 9)), Tensor([2 as Float]), Tensor([3 as Float]))
    let a = [("a.bias", zeros), ("b.bias", zeros), ("a.scale", two), ("b.scale", three)]
    let b = [("a.bias", zeros), ("b.bias", zeros), ("a.scale", three), ("b.scale", two)]
    #expect(try T.pairs(T.diff(a, b)).prefix(2) == ["a.bias -> a.bias", "b.bias -> b.bias"])
  }

  @Test func aBlockThatIsGoneTookItsTwinsAlong() throws {
    let words = ["first", "second", "third", "fourth"]
    let a = words.enumerated().flatMap { block("encoder.\($1).", UInt64($0)) }
    let b = a.filter { !$0.0.hasPrefix("encoder.second.") }
    let diff = try T.diff(a, b)
    #expect(!diff.isSame && diff.changed.isEmpty && diff.only.b.isEmpty && diff.pruned == nil)
    #expect(diff.only.a.map(\.name) == block("encoder.second.", 1).map(\.0))
    // The other way round it is the second model that has more.
    let back = try T.diff(b, a)
    #expect(back.only.a.isEmpty && back.only.b.map(\.name) == block("encoder.second.", 1).map(\.0))
  }

  @Test func aPathInFrontIsLearnt() throws {
    let layers = block("0.", 1) + block("1.", 2)
    let longer = layers.map { ("model." + $0.0, $0.1) }
    let diff = try T.diff(layers, longer)
    #expect(diff.isSame && T.pairs(diff) == layers.map { "\($0.0) -> model.\($0.0)" })
    #expect(diff.equal.allSatisfy { $0.renaming?.a == "" && $0.renaming?.b == "model." })
    // And what it says of a changed one.
    var other = longer
    other[2].1 = T.random(9, [4, 4])
    let changed = try T.diff(layers, other)
    #expect(changed.changed.map(\.names.a) == ["0.fc.weight"])
    #expect(changed.changed.map(\.names.b) == ["model.0.fc.weight"])
    #expect(changed.equal.count == 5)
  }

  @Test func aPathInFrontIsSeenWhereNothingIsEqual() throws {
    let a = [("0.fc.weight", T.random(1, [4, 4])), ("1.fc.weight", T.random(2, [4, 4]))]
    let b = [("m.0.fc.weight", T.random(3, [4, 4])), ("m.1.fc.weight", T.random(4, [4, 4]))]
    #expect(try T.diff(a, b).changed.map(\.names.b) == ["m.0.fc.weight", "m.1.fc.weight"])
    #expect(try T.diff(b, a).changed.map(\.names.b) == ["0.fc.weight", "1.fc.weight"])
    // Two that it could be are none.
    let twice = try T.diff(
      [("fc.weight", a[0].1)], b.map { ($0.0.replacing("m.0", with: "x").replacing("m.1", with: "y"), $0.1) })
    #expect(twice.changed.isEmpty && twice.only.b.count == 2)
  }

  @Test func numbersUnderAnotherNameOfTheModelAreMoved() throws {
    let (q, k) = (T.random(1, [4, 4]), T.random(2, [4, 4]))
    let diff = try T.diff([("q.weight", q), ("k.weight", k)], [("q.weight", k), ("k.weight", q)])
    #expect(!diff.isSame && diff.changed.isEmpty && diff.only.a.isEmpty && diff.only.b.isEmpty)
    #expect(T.pairs(diff) == ["q.weight -> k.weight: moved", "k.weight -> q.weight: moved"])
    // Behind a path that all names have in front.
    let rest = block("0.", 3) + block("1.", 4)
    let a = rest + [("q.weight", q), ("k.weight", k)]
    let b = (rest + [("q.weight", k), ("k.weight", q)]).map { ("m." + $0.0, $0.1) }
    #expect(try T.diff(a, b).equal.filter(\.isMoved).map(\.names.a) == ["q.weight", "k.weight"])
    // Equal contents have nowhere to move.
    let zeros = Tensor([Float](repeating: 0, count: 8))
    #expect(try T.diff([("x", zeros), ("y", zeros)], [("z", zeros), ("x", zeros)]).isSame)
  }

  @Test func aNameThatOnlyLooksTheSameIsAnother() throws {
    // The same letter in two spellings of Unicode.
    let (a, b) = (("caf\u{E9}", Tensor([1 as Float])), ("cafe\u{301}", Tensor([2 as Float])))
    let diff = try T.diff([a], [b])
    #expect(diff.changed.isEmpty && diff.only.a.count == 1 && diff.only.b.count == 1)
  }
}
