import IR
import Passes

extension Graph {
  /// Calls what enters and leaves each transformer layer `layer.0`, `layer.1`, ..., where the graph has no such states yet
  /// and has layers. Returns why there are none where something like layers is there.
  mutating func addLayerStates() -> String? {
    guard !states.contains(where: { $0.name.utf8.starts(with: "layer.".utf8) }) else { return nil }
    do throws(GraphError) {
      guard let blocks = try LayerBlocks.find(in: self) else { return nil }
      for (number, state) in blocks.states.enumerated() { addState(LayerBlocks.stateName(number), state) }
      return nil
    } catch {
      return "there are no layer states: \(error)"
    }
  }
}
