/// Bytes that are not what their format says they must be, or that cannot be read or written at all.
///
/// The one error of everything below the graph. It names the file, the place in it and what is wrong, in one line.
public struct FormatError: Error, Hashable, Sendable {
  /// What is wrong; each case says what would have been accepted.
  public enum Reason: Hashable, Sendable {
    /// More bytes are announced than the file holds.
    case truncated(needed: Int, available: Int)
    /// The bytes break a rule of the format.
    case invalid(String)
    /// The bytes are well formed, but this reader does not take them.
    case unsupported(String)
    /// A size computed from the file does not fit an integer.
    case overflow(String)
    /// A limit that protects the reader is passed; the text names the limit.
    case limitExceeded(String)
    /// The same name is given twice.
    case duplicateName(String)
    /// Something asked for by name is not there.
    case missing(String)
    /// Stored and computed digests differ.
    case digestMismatch(String)
    /// The operating system said no.
    case system(String)
  }

  /// The format being read: `zip`, `pickle`, `safetensors`, ...
  public let format: String
  /// What is wrong.
  public let reason: Reason
  /// Where, in bytes from the start of the file, if one place can be named.
  public var offset: Int?
  /// Where, as a line counted from 1, in formats that people write.
  public var line: Int?
  /// The file, as the user named it.
  public var file: String?
  /// Names of things inside the file that lead to the place, outermost first: a member, a tensor.
  public var place: [String]
  /// The rule that is broken, as the format's article numbers and names it; nil for formats without such an article.
  public var rule: String?

  /// Creates an error; the outer rooms add file and place as it passes through them.
  public init(
    _ format: String, _ reason: Reason, offset: Int? = nil, line: Int? = nil, file: String? = nil, place: [String] = []
  ) {
    self.format = format
    self.reason = reason
    self.offset = offset
    self.line = line
    self.file = file
    self.place = place
  }

  /// The same error, found inside `name`.
  public func inside(_ name: String) -> FormatError {
    var error = self
    error.place.insert(name, at: 0)
    return error
  }

  /// The same error in the file `path`, unless a file is already named.
  public func inFile(_ path: String) -> FormatError {
    var error = self
    if error.file == nil { error.file = path }
    return error
  }

  /// The same error as a breach of `rule`, unless one is already named.
  public func breaking(_ rule: String?) -> FormatError {
    var error = self
    if error.rule == nil { error.rule = rule }
    return error
  }
}

extension FormatError: CustomStringConvertible {
  /// One line: file, place, offset or line, what is wrong. Names from the file are escaped.
  public var description: String {
    var text = ""
    if let file { text += printable(file) + ": " }
    text += format
    for name in place { text += " \"" + printable(name) + "\"" }
    if let offset { text += " at byte \(offset)" }
    if let line { text += " in line \(line)" }
    text += ": " + printable(reason.description)
    if let rule { text += " (rule \(rule))" }
    return text
  }
}

extension FormatError.Reason: CustomStringConvertible {
  /// What is wrong, without the place.
  public var description: String {
    switch self {
    case .truncated(let needed, let available):
      "cut short: \(needed) bytes are needed and \(available) are left"
    case .invalid(let what): what
    case .unsupported(let what): "not supported: " + what
    case .overflow(let what): "too large to count: " + what
    case .limitExceeded(let what): "limit exceeded: " + what
    case .duplicateName(let name): "the name \"\(name)\" is given twice"
    case .missing(let what): "missing: " + what
    case .digestMismatch(let what): "damaged: " + what
    case .system(let what): what
    }
  }
}

/// `text` with control characters, and what could reorder a terminal's line, written as escapes.
public func printable(_ text: String) -> String {
  func harmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    default: true
    }
  }
  guard !text.unicodeScalars.allSatisfy(harmless) else { return text }
  var escaped = ""
  for scalar in text.unicodeScalars {
    if harmless(scalar) {
      escaped.unicodeScalars.append(scalar)
    } else {
      escaped += "\\u{" + String(scalar.value, radix: 16) + "}"
    }
  }
  return escaped
}
