import Bytes
import Executor
import Tensors
import TestSupport
import Testing
import Verification

/// Which layers of one model are left in another one, by what their weights hold.
@Suite struct PrunedLayersTests {
  typealias T = WeightDiffTests
  typealias Weights = [(String, Tensor)]

  /// A layer with a matrix and a bias of its own, and a norm that is the same in every layer.
  private func layer(_ path: String, _ seed: Int) -> Weights {
    [
      (path + "norm.weight", Tensor([Float](repeating: 1, count: 8))),
      (path + "norm.bias", Tensor([Float](repeating: 0, count: 8))),
      (path + "fc.weight", T.random(UInt64(seed), [8, 8])), (path + "fc.bias", T.random(UInt64(seed + 1000), [8])),
      (path + "out.weight", T.random(UInt64(seed + 2000), [4, 8])),
    ]
  }

  /// A model whose layers have these numbers in the whole model.
  private func model(_ layers: [Int], path: String = "encoder.layers.") -> Weights {
    [("conv.weight", T.random(9000, [8, 3]))]
      + layers.enumerated().flatMap { layer("\(path)\($0).", $1) } + [("head.weight", T.random(9001, [2, 8]))]
  }

  private func changed(_ weights: Weights, _ names: String...) -> Weights {
    weights.map { name, tensor in
      guard names.contains(name) else { return (name, tensor) }
      var numbers = tensor.floats
      numbers[0] += 1
      return (name, Tensor(numbers, shape: tensor.shape))
    }
  }

  private func half(_ tensor: Tensor) -> Tensor {
    let cast = FloatCast(tensor, to: .float16).tensor
    return Tensor(.float16, tensor.shape, bytes: cast.bytes(of: 0..<tensor.count))
  }

  private func turned(_ tensor: Tensor) -> Tensor {
    Tensor(.float32, Shape(tensor.shape.dimensions.reversed()), bytes: tensor.transposed.bytes(of: 0..<tensor.count))
  }

  @Test(arguments: [
    [0, 1, 2, 3, 4, 5], [0, 2, 4, 6, 8, 10], [1, 2, 5, 11], [11], [0], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  ])
  func layersThatAreLeft(_ kept: [Int]) throws {
    let (whole, part) = (model(Array(0..<12)), model(kept))
    let diff = try T.diff(whole, part)
    #expect(diff.isSame && diff.pruned?.side == .b)
    #expect(diff.pruned?.selection.kept == kept && diff.pruned?.selection.count == 12)
    #expect(diff.pruned?.stacks.map(\.path) == ["encoder.layers"])
    let absent = whole.map(\.0).filter { name in
      name.hasPrefix("encoder.") && !kept.contains { name.hasPrefix("encoder.layers.\($0).") }
    }
    #expect(diff.absent.map(\.name) == absent)
    // Each under its own names.
    let pairs = kept.enumerated().flatMap { place, layer in
      self.layer("", 0).map { "encoder.layers.\(layer).\($0.0) -> encoder.layers.\(place).\($0.0)" }
    }
    #expect(T.pairs(diff) == ["conv.weight -> conv.weight"] + pairs + ["head.weight -> head.weight"])
    #expect(diff.equal.allSatisfy { $0.called.a == $0.called.b })

    let back = try T.diff(part, whole)
    #expect(back.isSame && back.pruned?.side == .a && back.pruned?.selection == diff.pruned?.selection)
    #expect(back.absent == diff.absent)
  }

  @Test func pathsTransposesAndCasts() throws {
    let part = model([1, 3], path: "x.layers.").map { name, tensor -> (String, Tensor) in
      guard name.hasSuffix("weight"), tensor.shape.rank == 2 else { return ("m." + name, tensor) }
      return ("m." + name, name.hasSuffix("out.weight") ? turned(tensor) : half(tensor))
    }
    let whole = model([0, 1, 2, 3, 4]).map { ("model." + $0.0, $0.1) }
    for diff in [try T.diff(whole, part), try T.diff(part, whole)] {
      #expect(diff.isSame && diff.pruned?.selection.kept == [1, 3], "\(T.pairs(diff))")
      #expect(diff.equal.contains { $0.steps == [.transpose] })
      #expect(diff.equal.contains { $0.steps == [.cast(from: .float32, to: .float16)] })
    }
    // What tells the names apart is the same in every layer.
    let rules = try T.diff(whole, part).equal.filter { $0.names.a.contains("layers") }.map { "\($0.renaming?.a ?? "")" }
    #expect(Set(rules) == ["model.encoder."])
  }

  @Test func oneChangedElementIsStillAChange() throws {
    let (whole, part) = (model(Array(0..<6)), changed(model([1, 4, 5]), "encoder.layers.1.fc.weight"))
    let diff = try T.diff(whole, part)
    #expect(!diff.isSame && diff.pruned?.selection.kept == [1, 4, 5])
    #expect(diff.changed.count == 1 && diff.only.a.isEmpty && diff.only.b.isEmpty)
    #expect(diff.changed[0].names.a == "encoder.layers.4.fc.weight")
    #expect(diff.changed[0].names.b == "encoder.layers.1.fc.weight")
    #expect(diff.changed[0].numbers.differing == 1)
    #expect(!diff.equal.contains { $0.isMoved })
    // Also of a weight that is the same in every layer, and of one outside of them.
    let norm = try T.diff(whole, changed(model([1, 4, 5]), "encoder.layers.2.norm.bias", "head.weight"))
    #expect(!norm.isSame && norm.changed.map(\.names.a) == ["encoder.layers.5.norm.bias", "head.weight"])
    // What the whole model does not have is no part of it.
    let more = try T.diff(whole, model([1, 4, 5]) + [("extra", T.random(1, [8]))])
    #expect(!more.isSame && more.pruned != nil && more.only.b.map(\.name) == ["extra"])
    let less = try T.diff(whole + [("extra", T.random(1, [8]))], model([1, 4, 5]))
    #expect(!less.isSame && less.pruned != nil && less.only.a.map(\.name) == ["extra"])
  }

  @Test func aMapThatTheWeightsDoNotSayIsNotTaken() throws {
    let whole = model(Array(0..<6))
    // Two of the three weights that could tell a layer are others.
    let half = try T.diff(whole, changed(model([1, 4]), "encoder.layers.1.fc.weight", "encoder.layers.1.fc.bias"))
    #expect(half.pruned == nil && !half.isSame)
    // Layers in another order are another model.
    let turned = try T.diff(whole, model([4, 1]))
    #expect(turned.pruned == nil && !turned.isSame && turned.equal.contains { $0.isMoved })
    // One layer twice.
    let twice = try T.diff(whole, model([1, 1]))
    #expect(twice.pruned == nil && !twice.isSame)
    // As many layers.
    #expect(try T.diff(whole, whole).pruned == nil)
    #expect(try !T.diff(whole, model([0, 1, 2, 3, 5, 4])).isSame)
    // A layer of neither.
    #expect(try T.diff(whole, model([1, 77])).pruned == nil)
    // Each has lost layers of the other.
    let first = model([0, 1, 2]) + model([10, 12], path: "decoder.layers.").dropFirst().dropLast()
    let second = model([0, 2]) + model([10, 11, 12], path: "decoder.layers.").dropFirst().dropLast()
    let both = try T.diff(first, second)
    #expect(both.pruned == nil && !both.isSame)
    // Two rows that are made of one.
    let split = try T.diff(model([0, 1, 2, 3]), model([0, 1], path: "x.layers.") + model([2, 3], path: "y.layers."))
    #expect(split.pruned == nil)
  }

  /// All of these are the same model: whichever of the equal layers are said to be left.
  @Test func equalLayersDoNotConfuse() throws {
    for (whole, kept) in [
      ([7, 7, 7], [7, 7]), ([7, 8, 7, 8], [7, 8]), ([7, 8, 8, 9], [8, 9]), ([7, 8, 7], [8, 7]),
    ] {
      let diff = try T.diff(model(whole), model(kept))
      #expect(diff.isSame && diff.pruned?.selection.kept.count == kept.count, "\(whole) \(kept)")
      #expect(try T.diff(model(kept), model(whole)).isSame)
    }
    // Where one weight tells two layers apart, it does.
    let whole = model([7, 7, 9])
    let part = changed(model([7]), "encoder.layers.0.fc.bias")
    let told = changed(whole, "encoder.layers.1.fc.bias")
    #expect(try T.diff(told, part).pruned?.selection.kept == [1])
    #expect(try T.diff(told, part).isSame)
  }

  /// Rows of one kind are counted on, as emotion2vec's prenet and its blocks are; others are not.
  @Test func severalRows() throws {
    func rows(_ prenet: [Int], _ blocks: [Int], _ conv: [Int]) -> Weights {
      prenet.enumerated().flatMap { layer("context.blocks.\($0).", $1) }
        + blocks.enumerated().flatMap { layer("blocks.\($0).", $1) }
        + conv.enumerated().map { ("conv_layers.\($0).weight", T.random(UInt64($1), [8, 4])) }
    }
    let whole = rows([100, 101], [0, 1, 2, 3], [50, 51, 52])
    let diff = try T.diff(whole, rows([101], [0, 2], [50, 51, 52]))
    #expect(diff.isSame && diff.pruned?.selection.count == 6 && diff.pruned?.selection.kept == [1, 2, 4])
    #expect(diff.pruned?.stacks.map(\.path) == ["context.blocks", "blocks"])
    // The row of which nothing is gone counts as well.
    let some = try T.diff(whole, rows([100, 101], [1, 3], [50, 51, 52]))
    #expect(some.isSame && some.pruned?.selection.count == 6 && some.pruned?.selection.kept == [0, 1, 3, 5])
  }

  /// A teacher's copy of all layers is no second half of the model.
  @Test func copies() throws {
    func both(_ own: [Int], _ copy: [Int]) -> Weights {
      model(own) + copy.enumerated().flatMap { layer("_ema.encoder.layers.\($0).", $1 + 300) }
    }
    let diff = try T.diff(both([0, 1, 2, 3], [0, 1, 2, 3]), both([1, 2], [1, 2]))
    #expect(diff.isSame && diff.pruned?.selection.count == 4 && diff.pruned?.selection.kept == [1, 2])
    #expect(diff.absent.count == 20)
    #expect(try T.diff(both([0, 1, 2, 3], [0, 1, 2, 3]), both([1, 2], [0, 2])).pruned == nil)
  }

  // MARK: Weights of states

  @Test func weightsOfStates() throws {
    func diff(_ part: [Float], _ whole: [Float] = [1, 2, 3, 4, 5], shape: Shape? = nil) throws -> WeightDiff {
      try T.diff(
        model([0, 1, 2, 3]) + [("layer_weights", Tensor(whole, shape: shape.map { Shape([5] + $0.dimensions) }))],
        model([1, 2]) + [("layer_weights", Tensor(part, shape: shape.map { Shape([3] + $0.dimensions) }))])
    }
    let plain = try diff([1, 3, 4])
    #expect(plain.isSame && T.pairs(plain).last == "layer_weights -> layer_weights: states 0, 2, 3 of 5")
    #expect(try diff([1, 3, 4], shape: [1, 1]).isSame)
    let wrong = try diff([1, 2, 4])
    #expect(!wrong.isSame && wrong.changed.map(\.names.a) == ["layer_weights"])
    #expect(try !diff([1, 3, 4.0001]).isSame)
    // 0.5 + 0.125 + 0.125 are 0.75.
    let divided = try diff([0.5 / 0.75, 0.125 / 0.75, 0.125 / 0.75], [0.5, 0.125, 0.125, 0.125, 0.125])
    #expect(divided.isSame)
    #expect(T.pairs(divided).last == "layer_weights -> layer_weights: states 0, 2, 3 of 5, divided by their sum")
    #expect(try !diff([0.6, 0.2, 0.2], [0.5, 0.125, 0.125, 0.125, 0.125]).isSame)
    // The whole must have been weights that add up to one.
    #expect(try !diff([1 / 8, 3 / 8, 4 / 8]).isSame)
    // Under another name as well.
    let named = try T.diff(
      model([0, 1, 2, 3]) + [("onnx::Mul_449", Tensor([1, 2, 3, 4, 5] as [Float]))],
      model([1, 2]) + [("onnx::Mul_61", half(Tensor([1, 3, 4] as [Float])))])
    #expect(named.isSame)
    #expect(
      T.pairs(named).last == "onnx::Mul_449 -> onnx::Mul_61: states 0, 2, 3 of 5, cast F32 to F16")
    // A row for each layer.
    let rows = try T.diff(
      model([0, 1, 2, 3]) + [("alibi_scale", Tensor([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [4, 2]))],
      model([1, 2]) + [("alibi_scale", Tensor([3, 4, 5, 6] as [Float], shape: [2, 2]))])
    #expect(rows.isSame && T.pairs(rows).last == "alibi_scale -> alibi_scale: layers 1, 2 of 4")
    // Without layers that are gone there are no states that are gone.
    #expect(
      try !T.diff([("layer_weights", Tensor([1, 2, 3] as [Float]))], [("layer_weights", Tensor([1, 2] as [Float]))])
        .isSame)
  }
}
