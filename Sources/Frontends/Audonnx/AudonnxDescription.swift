import Bytes

/// What `model.yaml`, or `labels.yaml` and `transform.yaml`, say of an ONNX file.
struct AudonnxDescription: Sendable {
  /// Labels as they are written: for the only output, or by output.
  enum Labels: Sendable {
    case none
    case ofTheOnlyOutput([String], line: Int)
    case byOutput([(output: String, labels: [String], line: Int)])
  }

  /// The object that turns a signal into the features an input takes.
  struct Transform: Sendable {
    /// The input; nil where the model has only one.
    let input: String?
    /// The object's class.
    let type: AudonnxClass
    let line: Int
  }

  /// The class of the model; nil in a folder without `model.yaml`.
  var type: AudonnxClass?
  /// The ONNX file, relative to the yaml.
  var path: String
  /// The line that names it.
  var pathLine: Int?
  var labels = Labels.none
  var transforms: [Transform] = []

  static let format = "audonnx"

  /// An ONNX file that labels and a transform may lie beside.
  init(onnx: String) { path = onnx }

  /// A model as audonnx writes it (audonnx/core/model.py): `$class==version`, and the arguments that make one.
  init(_ yaml: YAML) throws(FormatError) {
    guard let object = yaml.mapping, let first = object.first, let type = AudonnxClass(first.name) else {
      throw AudonnxDescription.error(yaml, "needs one object, as in $\(AudonnxClass.model):, found \(yaml.kind)")
    }
    guard Name(type.name) == Name(AudonnxClass.model) else {
      throw FormatError(
        AudonnxDescription.format, .unsupported("the class \(type.name); \(AudonnxClass.model) is"), line: yaml.line)
    }
    guard object.count == 1 else {
      throw AudonnxDescription.error(object[1].value, "needs one object, found also \"\(object[1].name)\"")
    }
    self.type = type
    var stated: String?
    for member in first.value.mapping ?? [] {
      do throws(FormatError) {
        switch member.name {
        case "path":
          guard let text = member.value.text, !text.isEmpty, !member.value.isNull else {
            throw AudonnxDescription.error(member.value, "needs a file's name, found \(member.value.kind)")
          }
          (stated, pathLine) = (text, member.value.line)
        case "labels": labels = try AudonnxDescription.labels(member.value)
        case "transform": transforms = try AudonnxDescription.transforms(member.value)
        case "device", "num_workers", "session_options": break  // how onnxruntime is set up
        default:
          throw FormatError(
            AudonnxDescription.format, .unsupported("an argument of the model that is not known here"),
            line: member.value.line)
        }
      } catch { throw error.inside(member.name) }
    }
    guard let stated else {
      throw FormatError(AudonnxDescription.format, .missing("the path of the ONNX file"), line: yaml.line)
    }
    path = stated
  }

  /// A list of texts, or lists by output; null and what is empty mean none.
  static func labels(_ yaml: YAML) throws(FormatError) -> Labels {
    switch yaml.content {
    case .scalar where yaml.isNull: return .none
    case .scalar: throw error(yaml, "needs a list of labels, or lists by output, found \(yaml.kind)")
    case .sequence(let elements):
      return elements.isEmpty ? .none : .ofTheOnlyOutput(try texts(elements), line: yaml.line)
    case .mapping(let members):
      let lists = try members.map { (member) throws(FormatError) in
        guard let elements = member.value.sequence else {
          throw error(member.value, "needs a list of labels, found \(member.value.kind)").inside(member.name)
        }
        return (output: member.name, labels: try texts(elements), line: member.value.line)
      }
      return lists.isEmpty ? .none : .byOutput(lists)
    }
  }

  private static func texts(_ elements: [YAML]) throws(FormatError) -> [String] {
    try elements.map { (element) throws(FormatError) in
      guard let text = element.text else { throw error(element, "a label is a text, found \(element.kind)") }
      return text
    }
  }

  /// Null, an object, or objects by input.
  static func transforms(_ yaml: YAML) throws(FormatError) -> [Transform] {
    if yaml.isNull { return [] }
    guard let members = yaml.mapping else {
      throw error(yaml, "needs null, an object, or objects by input, found \(yaml.kind)")
    }
    if let object = members.first, let type = AudonnxClass(object.name) {
      return [Transform(input: nil, type: type, line: yaml.line)]
    }
    var transforms: [Transform] = []
    for member in members where !member.value.isNull {
      guard let object = member.value.mapping?.first, let type = AudonnxClass(object.name) else {
        throw error(member.value, "needs null or an object, found \(member.value.kind)").inside(member.name)
      }
      transforms.append(Transform(input: member.name, type: type, line: member.value.line))
    }
    return transforms
  }

  /// The object in `transform.yaml`; its class may be written without the `$`.
  static func transform(_ yaml: YAML) throws(FormatError) -> Transform {
    guard let object = yaml.mapping?.first else { throw error(yaml, "needs an object, found \(yaml.kind)") }
    let type = AudonnxClass(object.name) ?? AudonnxClass(object.name[...])
    return Transform(input: nil, type: type, line: yaml.line)
  }

  private static func error(_ yaml: YAML, _ what: String) -> FormatError {
    FormatError(format, .invalid(what), line: yaml.line)
  }
}
