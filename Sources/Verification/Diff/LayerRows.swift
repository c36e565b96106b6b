import Bytes
import IR

/// The rows of numbered modules that the names of a model's weights speak of: `encoder.layers.0.`, `encoder.layers.1.`, ...
struct LayerRows {
  /// Where a weight stands in a row.
  struct Place: Hashable {
    /// What stands before the number.
    let path: Name
    /// The number.
    let layer: Int
    /// What stands behind it.
    let rest: Name
  }

  /// A row whose numbers count from 0 without a gap.
  struct Row {
    /// How many layers it has.
    var count = 0
    /// The number of the first weight that stands in it.
    let first: Int
    /// What weights of its layers are called behind the number.
    var rests: Set<Name> = []
    fileprivate var layers: Set<Int> = []
  }

  /// The rows by their paths.
  private(set) var rows: [Name: Row] = [:]
  /// Where each weight stands: in several rows where numbers follow numbers.
  private(set) var places: [[Place]]

  /// More layers than this are none.
  static let countLimit = 4096

  init(_ weights: [Weight]) {
    places = weights.map { LayerRows.places(of: $0.name) }
    for (index, places) in places.enumerated() {
      for place in places {
        rows[place.path, default: Row(first: index)].layers.insert(place.layer)
        rows[place.path]!.rests.insert(place.rest)
      }
    }
    for (path, row) in rows { rows[path]!.count = row.layers.count }
    rows = rows.filter { $0.value.layers.max()! < $0.value.count && $0.value.count <= LayerRows.countLimit }
    places = places.map { [rows] places in places.filter { rows[$0.path] != nil } }
  }

  private static func places(of name: String) -> [Place] {
    let parts = name.split(separator: ".", maxSplits: NameRules.depthLimit, omittingEmptySubsequences: false)
    guard parts.count > 2 else { return [] }
    return (1..<parts.count - 1).compactMap { index in
      guard parts[index].utf8.count <= 4, let layer = LayerStack.number(parts[index].utf8) else { return nil }
      return Place(
        path: Name(parts[..<index].joined(separator: ".")), layer: layer,
        rest: Name(parts[(index + 1)...].joined(separator: ".")))
    }
  }
}
