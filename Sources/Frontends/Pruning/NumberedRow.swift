import Bytes
import IR
import Tensors

/// Tensors whose names differ in one number only, as those of a model's layers do.
struct NumberedRow {
  /// What one of the numbers holds: a name after the number, and the shape.
  struct Part: Hashable {
    let name: Name
    let shape: Shape
  }

  /// What stands before the number, joined by dots.
  let path: String
  /// The components of the path.
  var components: [Name] { NumberedRow.components(path) }
  /// What each number holds.
  private(set) var layers: [Int: Set<Part>] = [:]

  /// A model has no more rows; names can be made of numbers alone.
  static let limit = 10_000

  /// All rows of some tensors, in the order of their first names.
  static func all(of entries: [TensorEntry]) throws(FormatError) -> [NumberedRow] {
    var rows: [NumberedRow] = []
    var places: [Name: Int] = [:]
    for entry in entries {
      let components = entry.name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      for index in components.indices.dropFirst() {
        guard let number = LayerStack.number(components[index]) else { continue }
        let path = String(entry.name.utf8[..<entry.name.utf8.index(before: components[index].startIndex)])!
        let place = places[Name(path)] ?? rows.count
        if place == rows.count {
          places[Name(path)] = place
          guard place < limit else {
            throw FormatError("layers", .limitExceeded("\(limit) rows of numbered names"), place: [entry.name])
          }
          rows.append(NumberedRow(path: path))
        }
        let rest = entry.name.utf8[components[index].endIndex...].dropFirst()
        rows[place].layers[number, default: []].insert(Part(name: Name(String(rest)!), shape: entry.shape))
      }
    }
    return rows
  }

  /// True where the numbers have attention in them, as transformer layers do.
  var hasAttention: Bool {
    layers.values.contains { parts in
      parts.contains { part in
        part.name.text.utf8.split(separator: UInt8(ascii: "."))
          .contains { component in NumberedRow.attention.contains { component.elementsEqual($0.utf8) } }
      }
    }
  }

  private static let attention = ["attention", "self_attn", "attn", "self_attention"]

  /// True where the path ends in these components.
  func ends(in path: String) -> Bool {
    let end = NumberedRow.components(path)
    return components.count >= end.count && components.suffix(end.count).elementsEqual(end)
  }

  static func components(_ path: String) -> [Name] {
    path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Name(String($0)!) }
  }

  /// How many layers there are; throws unless their numbers are 0, 1, ... without a hole.
  func count() throws(FormatError) -> Int {
    let numbers = layers.keys.sorted()
    for (expected, number) in numbers.enumerated() where expected != number {
      throw FormatError(
        "layers",
        .invalid("layer \(expected) is missing, and layer \(number) is there; they count from 0 without a hole"),
        place: [path])
    }
    return numbers.count
  }

  /// What some layers hold and others do not, by layer.
  var oddities: [(layer: Int, name: String)] {
    guard var common = layers.values.first else { return [] }
    for parts in layers.values { common.formIntersection(parts) }
    return layers.sorted { $0.key < $1.key }.flatMap { layer, parts in
      parts.subtracting(common).map { "\(path).\(layer).\($0.name.text)" }.sorted { Name($0) < Name($1) }
        .map { (layer, $0) }
    }
  }
}
