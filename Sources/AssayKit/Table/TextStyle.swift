/// What a text for people is laid out for.
public struct TextStyle: Hashable, Sendable {
  /// Columns of a line that a table keeps to.
  public let width: Int
  /// True where bars may be made of block elements; they are made of `#` otherwise.
  public let hasBlocks: Bool

  /// No table is made for fewer columns.
  public static let narrowest = 40

  /// Creates a style of `width` columns, or the narrowest.
  public init(width: Int = 80, hasBlocks: Bool = true) {
    self.width = max(width, TextStyle.narrowest)
    self.hasBlocks = hasBlocks
  }

  /// The style that fits where the output goes: a terminal so many `columns` wide or something else, and what the
  /// environment's variables say.
  ///
  /// COLUMNS goes before the terminal's own width. The locale is what LC_ALL, LC_CTYPE or LANG says, the first that says
  /// anything; blocks need one of UTF-8. Where none does, a terminal is trusted with blocks.
  public init(isTerminal: Bool, columns: Int?, variable: (String) -> String?) {
    let asked = variable("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty }?.lowercased()
    self.init(
      width: asked ?? columns ?? 80,
      hasBlocks: locale.map { $0.contains("utf-8") || $0.contains("utf8") } ?? isTerminal)
  }
}
