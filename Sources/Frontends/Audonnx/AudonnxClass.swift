/// A class and its version as audobject writes them: `$module.Class==version`, `$package:module.Class`.
public struct AudonnxClass: Hashable, Sendable {
  /// Module and class.
  public let name: String
  /// The version of the package that wrote it; anything.
  public let version: String?

  /// The class of models.
  static let model = "audonnx.core.model.Model"

  /// Nil where `key` does not start with `$`.
  init?(_ key: String) {
    guard key.utf8.first == UInt8(ascii: "$") else { return nil }
    self.init(key.dropFirst())
  }

  init(_ text: Substring) {
    let mark = text.firstRange(of: "==")
    let path = text[..<(mark?.lowerBound ?? text.endIndex)]
    name = String(path[(path.firstIndex(of: ":").map(path.index(after:)) ?? path.startIndex)...])
    version = mark.map { String(text[$0.upperBound...]) }
  }
}

extension AudonnxClass: CustomStringConvertible {
  /// `$module.Class==version`
  public var description: String { "$" + name + (version.map { "==" + $0 } ?? "") }
}
