import Bytes
import Tensors
import TestSupport
import Testing
import Verification

/// Weight norm stored in two parts beside the weight that a framework folded.
@Suite struct WeightFoldingTests {
  typealias T = WeightDiffTests

  private func file() throws -> SafetensorsFixture {
    try SafetensorsFixture(Repository.golden("folded/folded.safetensors"))
  }

  /// The folded weights are PyTorch's: in float32 as its modules compute it, and in float64 rounded once.
  @Test(
    arguments: ["even", "odd", "one-tap"],
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")])
  func torchsFoldingIsRecognised(_ name: String, _ spelling: (String, String)) throws {
    let file = try file()
    let parts = [("conv." + spelling.0, try file[name + ".g"]), ("conv." + spelling.1, try file[name + ".v"])]
    for kind in [".torch", ".exact"] {
      let folded = [("onnx::Conv_7", try file[name + kind])]
      let diff = try T.diff(parts, folded)
      #expect(diff.isSame)
      #expect(T.pairs(diff) == ["conv.weight -> onnx::Conv_7: folding"])
      let match = try #require(diff.equal.first)
      #expect(match.parts.a == parts.map(\.0) && match.parts.b == [])
      if let folding = match.folding {
        let largest = folded[0].1.numbers.map(abs).max()!
        #expect(folding.difference > 0 && folding.difference <= folding.limit && folding.limit < 2e-6 * largest)
      }
      #expect(try T.pairs(T.diff(folded, parts)) == ["onnx::Conv_7 -> conv.weight: folding"])
    }
  }

  /// ‖[3, 4]‖ = 5 and ‖[6, 8]‖ = 10: rows scaled to 10 and 5.
  @Test func normsOfRows() throws {
    let v = Tensor([3 as Float, 4, 6, 8], shape: [2, 1, 2])
    let g = Tensor([10 as Float, 5], shape: [2, 1, 1])
    let folded = Tensor([6 as Float, 8, 3, 4], shape: [2, 1, 2])
    let diff = try T.diff([("weight_g", g), ("weight_v", v)], [("weight", folded)])
    #expect(T.pairs(diff) == ["weight -> weight: folding"])
    #expect(diff.equal.first?.folding == nil)
    // In halves, exactly as well.
    let halves = Tensor(.float16, [2, 1, 2], pieces: [view([0, 0x46, 0, 0x48, 0, 0x42, 0, 0x44])])
    #expect(
      try T.pairs(T.diff([("weight_g", g), ("weight_v", v)], [("weight", halves)]))
        == ["weight -> weight: folding, cast F32 to F16"])
  }

  @Test func whatIsBeyondRoundingIsAChange() throws {
    let file = try file()
    let parts = [("c.weight_g", try file["even.g"]), ("c.weight_v", try file["even.v"])]
    var numbers = try file["even.torch"].floats
    let largest = numbers.map(abs).max()!
    numbers[77] += 4e-6 * largest
    let diff = try T.diff(parts, [("c.weight", Tensor(numbers, shape: try file["even.torch"].shape))])
    #expect(!diff.isSame && diff.equal.isEmpty)
    let change = try #require(diff.changed.first)
    #expect(change.names.a == "c.weight" && change.steps == [.fold])
    #expect(change.numbers.difference > 3e-6 * Double(largest))
    let v = try file["even.v"].shape
    #expect(change.numbers.place == [77 / (v[1] * v[2]), 77 / v[2] % v[1], 77 % v[2]])
    // Without a name in common the parts are told as the file holds them.
    let lone = try T.diff(parts, [("x", Tensor(numbers, shape: v))])
    #expect(lone.only.a.map(\.name) == ["c.weight_g", "c.weight_v"] && lone.only.b.map(\.name) == ["x"])
  }

  @Test func whatWasNotFoldedMayNotDifferAtAll() throws {
    let torchs = try file()["even.torch"]
    var numbers = torchs.floats
    numbers[5] = numbers[5].nextUp
    let diff = try T.diff([("c.weight", torchs)], [("c.weight", Tensor(numbers, shape: torchs.shape))])
    #expect(diff.changed.first?.numbers.differing == 1)
  }

  @Test func partsThatBothHaveAreComparedAsTheyAre() throws {
    let file = try file()
    let (g, v) = (try file["even.g"], try file["even.v"])
    var numbers = g.floats
    numbers[0] = numbers[0].nextUp
    let diff = try T.diff(
      [("c.weight_g", g), ("c.weight_v", v)], [("c.weight_g", Tensor(numbers, shape: g.shape)), ("c.weight_v", v)])
    #expect(diff.changed.map(\.names.a) == ["c.weight_g"] && T.pairs(diff) == ["c.weight_v -> c.weight_v"])
    let other = T.random(1, v.shape)
    let both = try T.diff(
      [("c.weight_g", g), ("c.weight_v", v)],
      [("c.weight_g", Tensor(numbers, shape: g.shape)), ("c.weight_v", other)])
    #expect(both.changed.map(\.names.a) == ["c.weight_g", "c.weight_v"])
  }

  /// 1 + 2^-11 lies in the middle between two halves: foldings on both sides of it round to different ones.
  @Test func foldingsThatWereRoundedToHalvesSince() throws {
    var half = T.weight("w", Tensor(.float16, [1, 1, 2], pieces: [view([0, 0x3C, 0, 0x3C])]))
    half.normSize = 1
    let near = Tensor([1 as Float, 1 + 0x1p-11 + 0x1p-23], shape: [1, 1, 2])
    let diff = try WeightDiff([half], [T.weight("w", near)], threads: 1)
    #expect(T.pairs(diff) == ["w -> w: folding, cast F32 to F16"])
    let far = Tensor([1 as Float, 1 + 0x1p-11 + 0x1p-19], shape: [1, 1, 2])
    #expect(try !WeightDiff([half], [T.weight("w", far)], threads: 1).isSame)
    // Two halves are never called two foldings: there is nothing to tell how far they may be apart.
    let next = Tensor(.float16, [1, 1, 2], pieces: [view([0, 0x3C, 1, 0x3C])])
    #expect(try !WeightDiff([half], [T.weight("w", next)], threads: 1).isSame)
  }

  @Test func foldingsByTheSameStepsRoundTheSame() throws {
    func folded(_ last: Float, _ steps: [String]) -> Weight {
      var weight = T.weight("w", Tensor([1 as Float, last], shape: [1, 1, 2]))
      (weight.normSize, weight.steps) = (1, steps)
      return weight
    }
    #expect(try !WeightDiff([folded(1, ["s"])], [folded(1 + 0x1p-23, ["s"])], threads: 1).isSame)
    #expect(try WeightDiff([folded(1, ["s"])], [folded(1 + 0x1p-23, ["t"])], threads: 1).isSame)
  }
}
