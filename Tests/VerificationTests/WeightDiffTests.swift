import Bytes
import Tensors
import TestSupport
import Testing
import Verification

/// What is said of each weight of two models, by weights small enough to be worked out by hand.
@Suite struct WeightDiffTests {
  /// A weight of a file with so few tensors that they can be written down.
  static func weight(_ name: String, _ tensor: Tensor, ignored: String? = nil) -> Weight {
    var weight = Weight(TensorEntry(name: name, dataType: tensor.dataType, shape: tensor.shape)) { .rowMajor(tensor) }
    weight.ignored = ignored
    return weight
  }

  static func diff(_ a: [(String, Tensor)], _ b: [(String, Tensor)]) throws -> WeightDiff {
    try WeightDiff(a.map { weight($0.0, $0.1) }, b.map { weight($0.0, $0.1) }, threads: 2)
  }

  /// `a -> b` of each pair of equal ones, with the steps between them.
  static func pairs(_ diff: WeightDiff) -> [String] {
    diff.equal.map { match in
      let marks = (match.isShared ? ["shared"] : []) + (match.isMoved ? ["moved"] : [])
      let rest = match.steps.map(\.description) + marks
      return "\(match.names.a) -> \(match.names.b)" + (rest.isEmpty ? "" : ": " + rest.joined(separator: ", "))
    }
  }

  /// Numbers of their own for each seed.
  static func random(_ seed: UInt64, _ shape: Shape) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor((0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }, shape: shape)
  }

  @Test func equalAndRenamed() throws {
    let (x, y) = (Tensor([1 as Float, 2]), Tensor([3 as Int64]))
    let diff = try Self.diff([("x", x), ("n.y", y)], [("other", y), ("x", Tensor([1 as Float, 2]))])
    #expect(diff.isSame)
    #expect(Self.pairs(diff) == ["x -> x", "n.y -> other"])
    #expect(diff.changed.isEmpty && diff.only.a.isEmpty && diff.only.b.isEmpty && diff.ignored.isEmpty)
  }

  @Test func theSameBitsOfAnotherTypeOrShapeAreNotEqual() throws {
    let zeros = Tensor([0 as Float, 0])
    let one = try Self.diff([("a", zeros)], [("b", Tensor([0 as Int64]))])
    #expect(!one.isSame && one.only.a.map(\.name) == ["a"] && one.only.b.map(\.name) == ["b"])
    let two = try Self.diff(
      [("a", Tensor([1 as Float, 2, 3, 4, 5, 6], shape: [2, 3]))],
      [("a", Tensor([1 as Float, 2, 3, 4, 5, 6], shape: [3, 2]))])
    #expect(!two.isSame && two.changed.count == 1)
  }

  @Test func transposed() throws {
    let matrix = Tensor([1 as Float, 2, 3, 4, 5, 6], shape: [2, 3])
    let turned = Tensor([1 as Float, 4, 2, 5, 3, 6], shape: [3, 2])
    #expect(try Self.pairs(Self.diff([("w", matrix)], [("t", turned)])) == ["w -> t: transpose"])
    // Of a square the shape does not tell.
    let square = Tensor([1 as Float, 2, 3, 4], shape: [2, 2])
    let mirrored = Tensor([1 as Float, 3, 2, 4], shape: [2, 2])
    #expect(try Self.pairs(Self.diff([("w", square)], [("w", mirrored)])) == ["w -> w: transpose"])
    #expect(try !Self.diff([("w", square)], [("w", Tensor([1 as Float, 3, 4, 2], shape: [2, 2]))]).isSame)
  }

  @Test func axesOfOneComeAndGo() throws {
    let row = Tensor([1 as Float, 2, 3], shape: [1, 3, 1])
    #expect(try Self.pairs(Self.diff([("w", row)], [("w", row.reshaped([3]))])) == ["w -> w: reshape"])
    #expect(try Self.pairs(Self.diff([("w", row.reshaped([3, 1]))], [("w", row)])) == ["w -> w: reshape"])
  }

  /// The narrowed numbers are PyTorch's.
  @Test(arguments: [
    ("float16.numbers", "float16.narrowed", "cast F32 to F16"),
    ("bfloat16.numbers", "bfloat16.narrowed", "cast F32 to BF16"),
    ("float64.numbers", "float64.float32", "cast F64 to F32"),
    ("float64.numbers", "float64.float16", "cast F64 to F16"),
    ("float64.numbers", "float64.bfloat16", "cast F64 to BF16"),
  ])
  func cast(_ wide: String, _ narrow: String, _ step: String) throws {
    let file = try SafetensorsFixture(Repository.golden("casts/casts.safetensors"))
    // What a NaN's payload becomes is not the same everywhere.
    let (all, narrowed) = (try file[wide], try file[narrow])
    let numbers = all.elements(0..<all.count).numbers
    let places = numbers.indices.filter { !numbers[$0].isNaN }
    func chosen(_ tensor: Tensor) -> Tensor {
      Tensor(
        tensor.dataType, [2, places.count / 2],
        pieces: places.prefix(places.count / 2 * 2).map { tensor.elements($0..<$0 + 1).bytes })
    }
    let (a, b) = (chosen(all), chosen(narrowed))
    #expect(try Self.pairs(Self.diff([("w", a)], [("v", b)])) == ["w -> v: " + step])
    #expect(try Self.pairs(Self.diff([("v", b)], [("w", a)])) == ["v -> w: " + step])
    let turned = Tensor(a.dataType, [a.shape[1], 2], bytes: a.transposed.bytes(of: 0..<a.count))
    #expect(try Self.pairs(Self.diff([("w", turned)], [("v", b)])) == ["w -> v: transpose, " + step])
    #expect(try Self.pairs(Self.diff([("v", b)], [("w", turned)])) == ["v -> w: transpose, " + step])
  }

  /// By hand: the largest difference is 2 at [1, 0]; the scalar product is 1 + 4 + 15 + 16, the squares sum to 30 and 46.
  @Test func changed() throws {
    let a = Tensor([1 as Float, 2, 3, 4], shape: [2, 2])
    let diff = try Self.diff([("w", a)], [("w", Tensor([1 as Float, 2, 5, 4], shape: [2, 2]))])
    #expect(!diff.isSame && diff.equal.isEmpty)
    let change = try #require(diff.changed.first)
    #expect(change.names.a == "w" && change.names.b == "w" && change.steps.isEmpty)
    #expect(change.numbers.difference == 2 && change.numbers.place == [1, 0])
    #expect(change.numbers.values.a == 3 && change.numbers.values.b == 5)
    #expect(change.numbers.differing == 1 && change.numbers.count == 4)
    #expect(abs(change.numbers.cosine - 36 / (30.0 * 46).squareRoot()) < 1e-15)

    // Turned and narrowed before it is compared: 1.0009765625 is the number after 1 in F16.
    let halves = Tensor(.float16, [3, 2], pieces: [view([0, 0x3C, 0, 0x40, 0, 0x42, 1, 0x3C, 0, 0x44, 0, 0x45])])
    let wide = Tensor([1 as Float, 3, 4, 2, 1, 5], shape: [2, 3])
    let turned = try #require(try Self.diff([("w", wide)], [("w", halves)]).changed.first)
    #expect(turned.steps == [.transpose, .cast(from: .float32, to: .float16)])
    #expect(turned.numbers.place == [1, 1] && turned.numbers.differing == 1)
    #expect(turned.numbers.difference == 0x1p-10 && turned.numbers.values.b == 1 + 0x1p-10)
  }

  @Test func changesThatArithmeticHardlySees() throws {
    func change(_ a: Tensor, _ b: Tensor) throws -> WeightChange {
      try #require(try Self.diff([("w", a)], [("w", b)]).changed.first).numbers
    }
    let signs = try change(Tensor([0 as Float, 1]), Tensor([-0.0 as Float, 1]))
    #expect(signs.difference == 0 && signs.differing == 1 && signs.place == [0])
    let nan = try change(Tensor([0 as Float, 1]), Tensor([0 as Float, .nan]))
    #expect(nan.difference == .infinity && nan.place == [1] && nan.cosine.isNaN)
    // One more than the largest integer that a double holds with all smaller ones.
    let integers = try change(Tensor([1 as Int64, 1 << 53]), Tensor([1 as Int64, 1 << 53 + 1]))
    #expect(integers.differing == 1 && integers.place == [1])
    let shapes = try change(Tensor([1 as Float, 2]), Tensor([1 as Float, 2, 3]))
    #expect(shapes.mismatch == "has the shape [2] in A and [3] in B")
    let types = try change(Tensor([1 as Float, 2]), Tensor([1 as Int64, 2]))
    #expect(types.mismatch == "has the type F32 in A and I64 in B")
    // Far beyond a piece.
    let count = 200_000
    var numbers = [Float](repeating: 0.5, count: count)
    let before = Tensor(numbers)
    numbers[150_001] = 0.75
    let late = try change(before, Tensor(numbers))
    #expect(late.place == [150_001] && late.differing == 1 && late.count == count && late.difference == 0.25)
  }

  @Test func whatOneSideLacksAndWhatIsIgnored() throws {
    let (x, mask) = (Tensor([1 as Float]), Tensor([2 as Float]))
    let a = [Self.weight("x", x), Self.weight("mask", mask, ignored: "for training")]
    let diff = try WeightDiff(a, [Self.weight("x", x)], threads: 1)
    #expect(diff.isSame && diff.only.a.isEmpty)
    #expect(diff.ignored.map(\.name) == ["mask"] && diff.ignored.map(\.reason) == ["for training"])
    // Ignored on one side is ignored, other numbers or not.
    let other = Self.weight("mask", Tensor([3 as Float]), ignored: "for training")
    let both = try WeightDiff(a, [Self.weight("x", x), other], threads: 1)
    #expect(both.isSame && both.ignored.map(\.side) == [.a, .b])
    let lone = try WeightDiff([Self.weight("x", x)], [Self.weight("x", x), Self.weight("y", mask)], threads: 1)
    #expect(!lone.isSame && lone.only.b.map(\.name) == ["y"] && lone.only.a.isEmpty)
  }
}
