/// A row of layers of one kind, by what names say: `encoder.layers` before the number in `encoder.layers.7.attention`.
///
/// A model may have several rows, whose layers are counted one after the other: of emotion2vec first those of
/// `modality_encoders.AUDIO.context_encoder.blocks`, then those of `blocks`.
public struct LayerStack: Hashable, Sendable {
  /// The components before the number, joined by dots, from the name's first one on.
  public let path: String
  /// What the layers of this row are called in the whole model.
  public let layers: Range<Int>

  private let components: [[UInt8]]

  /// A row whose layers have the numbers `layers` in the whole model.
  public init(_ path: String, _ layers: Range<Int>) {
    self.path = path
    self.layers = layers
    components = path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
  }

  /// The layer that a name belongs to, counted over all rows; nil for a name of something else.
  ///
  /// Components are parted by `.`, or by `/` as in ONNX's scopes (`/encoder/layers.7/attention/MatMul`).
  public func layer(of name: String) -> Int? {
    guard let number = number(in: name)?.value, number < layers.count else { return nil }
    return layers.lowerBound + number
  }

  /// The name as it is when only `selection` is kept: with another number, unchanged where it belongs to no layer of this
  /// row, nil where its layer goes.
  public func renamed(_ name: String, keeping selection: LayerSelection) -> String? {
    guard let number = number(in: name), number.value < layers.count else { return name }
    return renamed(name, asOf: layers.lowerBound + number.value, keeping: selection)
  }

  /// The name as it would be of another layer of this row, when only `selection` is kept; nil where that layer goes, or
  /// where the name belongs to no layer of this row.
  public func renamed(_ name: String, asOf layer: Int, keeping selection: LayerSelection) -> String? {
    guard let number = number(in: name), number.value < layers.count, layers.contains(layer),
      let place = selection.place(of: layer)
    else { return nil }
    let before = selection.kept.count { $0 < layers.lowerBound }
    let utf8 = name.utf8
    return String(utf8[..<number.place.lowerBound])! + String(place - before) + String(
      utf8[number.place.upperBound...])!
  }

  /// The number after the path and where its digits stand.
  private func number(in name: String) -> (value: Int, place: Range<String.Index>)? {
    let utf8 = name.utf8
    // A scope starts with the root, which has no name.
    var place = utf8.first == UInt8(ascii: "/") ? utf8.index(after: utf8.startIndex) : utf8.startIndex
    func component() -> Range<String.Index> {
      place..<(utf8[place...].firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") } ?? utf8.endIndex)
    }
    for expected in components {
      let found = component()
      guard utf8[found].elementsEqual(expected), found.upperBound < utf8.endIndex else { return nil }
      place = utf8.index(after: found.upperBound)
    }
    let digits = component()
    guard let value = LayerStack.number(utf8[digits]) else { return nil }
    return (value, digits)
  }

  /// The number that decimal digits say, as a program writes them: no sign, no leading zero, at most six.
  public static func number(_ digits: Substring.UTF8View) -> Int? {
    guard (1...6).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
    var value = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return value
  }
}
