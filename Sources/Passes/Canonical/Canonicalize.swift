import IR

/// Brings a graph into the form that builders write: the same model read from a checkpoint and from an ONNX file has
/// the same operators.
///
/// The passes are repeated until none finds anything: what one makes another may use.
public struct Canonicalize: Pass {
  /// canonicalize
  public static let name = "canonicalize"

  /// Graphs settle after two or three rounds; this many are never needed.
  public static let roundLimit = 12

  /// A graph of more nodes is left as it is: no model has as many, and a hostile file would take for ever.
  public static let nodeLimit = 10_000

  /// Creates the pass.
  public init() {}

  /// Runs all passes until nothing changes.
  public func run(on graph: inout Graph) throws -> PassReport {
    var report = PassReport(pass: Canonicalize.name)
    guard graph.nodes.count <= Canonicalize.nodeLimit else {
      report.declined.append("\(graph.nodes.count) nodes are more than \(Canonicalize.nodeLimit)")
      _ = try FoldConstants().run(on: &graph)
      return report
    }
    for _ in 0..<Canonicalize.roundLimit {
      var round = PassReport(pass: Canonicalize.name)
      for pass in Canonicalize.passes {
        let done = try pass.run(on: &graph)
        round.changes += done.changes.map { "\(done.pass): \($0)" }
        round.declined += done.declined.map { "\(done.pass): \($0)" }
      }
      report.changes += round.changes
      // What is declined at last stays so.
      report.declined = round.declined
      if round.changes.isEmpty { break }
    }
    return report
  }

  private static let passes: [any Pass] = [
    ResolveShapes(), ResolveMasks(), FuseLinear(), FoldConstants(), DropIdentities(), FuseGelu(),
    FuseLayerNormalization(), MoveTransposes(), FuseGroupNormalization(), FuseAttention(), NameWeights(),
  ]
}
