import Bytes
import Yams

extension YAML {
  /// No YAML document is larger.
  public static let sizeLimit = 16 << 20
  /// How deep lists and mappings may nest.
  public static let depthLimit = 64
  /// How many values a document may seem to have once its aliases are written out.
  public static let valueLimit = 1_000_000

  /// Reads the one YAML document in `view`; an empty one is null.
  ///
  /// UTF-8, no tag but YAML's own, no merge key, every key a text and there once, the limits above.
  public static func read(_ view: ByteView, format: String) throws(FormatError) -> YAML {
    guard view.count <= sizeLimit else {
      throw FormatError(format, .limitExceeded("YAML of more than \(sizeLimit) bytes"))
    }
    guard let text = view.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      throw FormatError(format, .invalid("YAML: this is no UTF-8"))
    }
    // The parser has no limits of its own that would do, so what could keep it busy is counted before.
    guard YAMLMarks(text).values <= Double(valueLimit) else {
      throw FormatError(format, .limitExceeded("YAML of more than \(valueLimit) values, aliases written out"))
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
    } catch { throw YAML.error(error, format) }
    guard let root else { return YAML(content: .scalar("", isPlain: true), line: 1, column: 1) }
    return try value(root, depth: 0, format)
  }

  private static func value(_ node: Node, depth: Int, _ format: String) throws(FormatError) -> YAML {
    let (line, column) = (node.mark?.line ?? 1, node.mark?.column ?? 1)
    guard depth <= depthLimit else {
      throw FormatError(format, .limitExceeded("YAML nested deeper than \(depthLimit)"), line: line)
    }
    guard ownTags.contains(Tag.Name(rawValue: node.tag.description)) else {
      throw FormatError(format, .unsupported("the YAML tag \(node.tag.description)"), line: line)
    }
    switch node {
    case .scalar(let scalar):
      return YAML(content: .scalar(scalar.string, isPlain: scalar.style == .plain), line: line, column: column)
    case .sequence(let sequence):
      let elements = try sequence.map { (node) throws(FormatError) in try value(node, depth: depth + 1, format) }
      return YAML(content: .sequence(elements), line: line, column: column)
    case .mapping(let mapping):
      let members = try mapping.map { (key, node) throws(FormatError) in
        guard case .scalar(let name) = key else {
          throw FormatError(format, .unsupported("a YAML key that is no text"), line: key.mark?.line ?? line)
        }
        guard name.style != .plain || name.string != "<<" else {
          throw FormatError(format, .unsupported("YAML's merge key <<"), line: name.mark?.line ?? line)
        }
        return Member(name: name.string, value: try value(node, depth: depth + 1, format))
      }
      return YAML(content: .mapping(members), line: line, column: column)
    case .alias: throw FormatError(format, .unsupported("a YAML alias of nothing"), line: line)
    }
  }

  /// Tags that say no more than what can be seen, or what would only be made of a text.
  private static let ownTags: Set<Tag.Name> = [
    .str, .seq, .map, .null, .bool, .int, .float, .timestamp, .implicit, .nonSpecific,
  ]

  /// What the parser says, in one sentence.
  private static func error(_ error: any Error, _ format: String) -> FormatError {
    func sentence(_ context: YamlError.Context?, _ problem: String, _ mark: Mark) -> FormatError {
      FormatError(
        format, .invalid("YAML: " + (context.map { $0.text + ", " } ?? "") + problem), line: mark.line)
    }
    switch error as? YamlError {
    case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
      return FormatError(format, .limitExceeded("YAML nested deeper than \(depthLimit)"), line: mark.line)
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      return sentence(context, problem, mark)
    case .reader(let problem, let offset, _, let yaml):
      let line = offset.map { yaml.prefix($0).count(where: \.isNewline) + 1 }
      return FormatError(format, .invalid("YAML: " + problem), line: line)
    case .duplicatedKeysInMapping(let names, let context):
      return FormatError(format, .duplicateName(names[0]), line: context.mark.line)
    default: return FormatError(format, .invalid("YAML: it cannot be read"))
    }
  }
}
