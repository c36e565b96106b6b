import IR
import Tensors
import Testing

@testable import Passes

/// The fused graph computes what the graph said, or is not fused: whatever departs from plain attention.
@Suite struct FuseAttentionTests {
  /// How the sketch departs from attention of two heads of three.
  struct Form: Sendable {
    /// Heads are the inner of the two axes that the width becomes.
    var isInterleaved = false
    var queryScale: Float = 1 / Float(3).squareRoot()
    var keyScale: Float?
    var scoreScale: Float?
    var valueScale: Float?
    var hasMask = false
    var isExchanged = false
    var softmaxAxis = 3
    /// The result's heads are joined as if time were the inner axis.
    var isJoinedWrongly = false
    /// Scores are kept for somebody else.
    var isShared = false
    /// The scores are turned, so that keys ask queries.
    var isTurned = false
    var heads = 2
    var valueWidth = 6
    var keyTime = "time"
    var bias: Float?
  }

  private func graph(_ change: (inout Form) -> Void = { _ in }) throws -> Graph {
    var form = Form()
    change(&form)
    return try GraphSketch { g in
      let inputs = [("q", 6, "time"), ("k", 6, form.keyTime), ("v", form.valueWidth, form.keyTime)].map {
        g.input($0.0, [.symbol("batch"), .symbol($0.2), .fixed($0.1)])
      }
      func apart(_ x: ValueID, _ width: Int, keys: Bool = false) throws -> ValueID {
        let (h, d) = (Reshape.Length.fixed(form.heads), Reshape.Length.fixed(width / form.heads))
        let lengths: [Reshape.Length] = [.copy(axis: 0), .copy(axis: 1)] + (form.isInterleaved ? [d, h] : [h, d])
        let split = try g(.reshape(Reshape(lengths)), x)
        let order = form.isInterleaved ? (keys ? [0, 3, 2, 1] : [0, 3, 1, 2]) : keys ? [0, 2, 3, 1] : [0, 2, 1, 3]
        return try g(.transpose(Transpose(order)), split)
      }
      func scaled(_ x: ValueID, _ factor: Float?) throws -> ValueID {
        try factor.map { try g(.multiply, x, g.number($0)) } ?? x
      }
      let (first, second) = form.isExchanged ? (inputs[1], inputs[0]) : (inputs[0], inputs[1])
      let q = try scaled(apart(first, 6), form.queryScale)
      let k = try scaled(apart(second, 6, keys: true), form.keyScale)
      let v = try scaled(apart(inputs[2], form.valueWidth), form.valueScale)
      var scores = try scaled(g(.matMul(MatMul()), q, k), form.scoreScale)
      if form.isTurned { scores = try g(.transpose(Transpose([0, 1, 3, 2])), scores) }
      if form.hasMask { scores = try g(.add, scores, g.input("mask", [.symbol("time"), .symbol(form.keyTime)])) }
      if let bias = form.bias { scores = try g(.add, scores, g.number(bias)) }
      let weights = try g(.softmax(Softmax(axis: form.softmaxAxis)), scores)
      let mixed = try g(.matMul(MatMul()), weights, v)
      let joined = try g(.transpose(Transpose(form.isJoinedWrongly ? [0, 1, 2, 3] : [0, 2, 1, 3])), mixed)
      let y = try g(
        .reshape(
          Reshape(
            form.isJoinedWrongly
              ? [.copy(axis: 0), .copy(axis: 2), .fixed(form.valueWidth)]
              : [.copy(axis: 0), .copy(axis: 1), .fixed(form.valueWidth)])), joined)
      return try form.isShared ? g(.add, y, g.mean(weights, [0, 1, 2, 3])) : y
    }.graph
  }

  private func attention(_ graph: Graph) -> Attention? {
    graph.nodes.lazy.compactMap { if case .attention(let op) = $0.op { op } else { nil } }.first
  }

  @Test func theFormsOfExportersAreOneOperator() throws {
    let root = Float(1 / Float(3).squareRoot()).squareRoot()
    for (change, what) in [
      ({ _ in }, "the query is scaled"),
      ({ ($0.queryScale, $0.keyScale) = (root, root) }, "both are scaled by the root"),
      ({ ($0.queryScale, $0.scoreScale) = (1, 1 / Float(3).squareRoot()) }, "the scores are scaled"),
      ({ $0.keyTime = "other" }, "keys of another length"),
      ({ ($0.heads, $0.queryScale) = (1, 0.25) }, "one head, another scale"),
      ({ $0.heads = 3 }, "three heads"),
    ] as [((inout Form) -> Void, String)] {
      let before = try graph(change)
      let after = try before.after(FuseAttention())
      #expect(after.operators == ["Attention"], "\(what)")
      for time in [1, 4, 9] {
        #expect(try before.distance(to: after, lengths: ["time": time, "other": 7, "batch": 2]) < 1e-5, "\(what)")
      }
    }
    #expect(try attention(graph().after(FuseAttention())) == Attention(heads: 2, scale: Float(1 / 3.0.squareRoot())))
    let roots = try graph { ($0.queryScale, $0.keyScale) = (root, root) }
    #expect(try attention(roots.after(FuseAttention()))?.scale == Float(1 / 3.0.squareRoot()))
  }

  /// Queries and keys exchanged are attention of the keys' values to the queries: fused, the inputs must be too.
  @Test func queriesAndKeysAreToldApart() throws {
    let before = try graph { $0.isExchanged = true }
    let after = try before.after(FuseAttention())
    #expect(try before.distance(to: after) < 1e-5)
    if after.operators == ["Attention"] { #expect(after[after.nodes[0].inputs[0]!].name == "k") }
    let plain = try graph().after(FuseAttention())
    #expect(plain.nodes[0].inputs.map { plain[$0!].name } == ["q", "k", "v"])
  }

  @Test(arguments: 0..<10) func whatIsNoAttentionStays(_ number: Int) throws {
    let changes: [((inout Form) -> Void, String)] = [
      ({ $0.isInterleaved = true }, "heads interleaved"), ({ $0.valueScale = 0.5 }, "values scaled"),
      ({ $0.hasMask = true }, "a mask"), ({ $0.bias = 3 }, "a number added to the scores"),
      ({ $0.softmaxAxis = 2 }, "softmax over the queries"), ({ $0.softmaxAxis = 1 }, "softmax over the heads"),
      ({ $0.isJoinedWrongly = true }, "heads joined as rows"), ({ $0.isShared = true }, "weights that are shown"),
      ({ $0.isTurned = true }, "scores turned"), ({ $0.valueWidth = 8 }, "values of another width"),
    ]
    let (change, what) = changes[number]
    let before = try graph(change)
    let after = try before.after(FuseAttention())
    #expect(!after.operators.contains("Attention"), "\(what)")
    #expect(try before.distance(to: after, lengths: ["batch": 2]) < 1e-5, "\(what)")
    #expect(try before.isLeft(by: FuseAttention()), "\(what)")
  }

  @Test func whatIsNoAttentionStaysAmongAllPassesToo() throws {
    for change in [
      { $0.isInterleaved = true }, { $0.valueScale = 0.5 }, { $0.hasMask = true }, { $0.softmaxAxis = 2 },
      { $0.isJoinedWrongly = true }, { $0.isShared = true }, { $0.isTurned = true }, { $0.isExchanged = true },
    ] as [(inout Form) -> Void] {
      let before = try graph(change)
      let after = try before.after(Canonicalize())
      #expect(try before.distance(to: after, lengths: ["batch": 2]) < 1e-5)
    }
  }

  @Test func aSoftmaxAloneIsLeft() throws {
    let graph = try GraphSketch { g in
      try g(.softmax(Softmax(axis: 1)), g.input("x", [.symbol("time"), .fixed(4)]))
    }.graph
    #expect(try graph.isLeft(by: FuseAttention()))
  }
}
