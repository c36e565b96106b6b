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
    let diff = try T.diff(layers, once)
    #expect(diff.isSame)
    #expect(T.pairs(diff).contains("1.fc.bias -> 0.fc.bias: shared"))
    #expect(try T.pairs(T.diff(once, layers)).contains("0.norm.weight -> 1.norm.weight: shared"))
  }

  @Test func aBlockThatIsGoneTookItsTwinsAlong() throws {
    // Of four blocks the second is gone; the others are numbered anew.
    let a = (0..<4).flatMap { block("encoder.layers.\($0).", UInt64($0)) }
    let b = [0, 2, 3].enumerated().flatMap { block("encoder.layers.\($0.offset).", UInt64($0.element)) }
    let diff = try T.diff(a, b)
    #expect(!diff.isSame && diff.changed.isEmpty && diff.only.b.isEmpty)
    #expect(diff.only.a.map(\.name) == block("encoder.layers.1.", 1).map(\.0))
    let numbers = [0: 0, 2: 1, 3: 2]
    for match in diff.equal {
      let parts = match.names.a.split(separator: ".")
      let expected = (parts.prefix(2) + ["\(numbers[Int(parts[2])!]!)"] + parts.dropFirst(3)).joined(separator: ".")
      #expect(match.names.b == expected)
    }
    // The other way round it is the second model that has more.
    let back = try T.diff(b, a)
    #expect(back.only.a.isEmpty && back.only.b.map(\.name) == block("encoder.layers.1.", 1).map(\.0))
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
