import Bytes
import Tensors

/// One tensor in the index section.
struct ArtifactIndexEntry {
  /// Whose numbers these are.
  enum Role: String, CaseIterable { case constant, golden }

  /// How the elements follow each other.
  enum Order: String, CaseIterable {
    case rowMajor = "row-major"
    case panels
  }

  var name: String
  var role: Role
  var dataType: DataType
  var shape: Shape
  /// Where the elements lie, if they lie in panels; nil for rows.
  var panels: PanelLayout?
  /// From the start of the data section.
  var offset: Int

  /// Bytes in the file, those that fill up panels included.
  var bytes: Int { (panels?.storedCount ?? shape.count) * dataType.size }

  var json: JSON {
    [
      "name": JSON(name), "role": JSON(role.rawValue), "dtype": JSON(dataType.rawValue),
      "shape": JSON(shape.dimensions), "encoding": "raw",
      "order": JSON((panels == nil ? Order.rowMajor : .panels).rawValue), "groups": panels.map { JSON($0.groups) },
      "offset": JSON(offset), "bytes": JSON(bytes),
    ]
  }

  /// The elements, whose `bytes` lie in the file.
  func storage(_ bytes: ByteView) -> Constant.Storage {
    guard let panels else { return .rowMajor(Tensor(dataType, shape, bytes: bytes)) }
    return .panels(PanelTensor(dataType, panels, stored: bytes))
  }

  /// The index as the section's text.
  static func text(_ entries: [ArtifactIndexEntry]) -> String { JSON(entries.map(\.json)).lined(levels: 1) }

  /// The index of tensors laid out one after the other.
  static func layout(_ tensors: [(name: String, role: Role, storage: Constant.Storage)]) -> [ArtifactIndexEntry] {
    var offset = 0
    return tensors.map { name, role, storage in
      var entry = ArtifactIndexEntry(
        name: name, role: role, dataType: storage.dataType, shape: storage.shape, offset: offset)
      if case .panels(let tensor) = storage { entry.panels = tensor.layout }
      offset += entry.bytes
      offset += padding(after: offset, to: Artifact.alignment)
      return entry
    }
  }
}

extension ArtifactIndexEntry {
  /// Reads the index section: names unique, tensors in order, each where the one before it ends.
  static func read(_ text: ByteView, dataLength: Int, count: Int) throws(FormatError) -> [ArtifactIndexEntry] {
    let json = try JSON.readText(text)
    guard let elements = json.array else {
      throw ArtifactRule.fields.broken("the index is a list, found \(json.kind)", at: json)
    }
    guard elements.count == count else {
      throw ArtifactRule.footer.broken(
        "the footer is one for \(count) tensors; the index lists \(elements.count)", at: json)
    }
    var entries: [ArtifactIndexEntry] = []
    var names: Set<Name> = []
    var end = 0
    for element in elements {
      var fields = try element.artifactFields()
      let entry = try ArtifactIndexEntry(&fields, at: element)
      guard names.insert(Name(entry.name)).inserted else {
        throw ArtifactRule.names.broken("two tensors are called \"\(entry.name)\"", at: element)
      }
      if entry.role == .constant, entries.last?.role == .golden {
        throw ArtifactRule.roles.broken("the constant \"\(entry.name)\" follows a golden array", at: element)
      }
      let start = end + padding(after: end, to: Artifact.alignment)
      guard try fields.integer("bytes") == entry.bytes, entry.offset == start, start <= dataLength,
        entry.bytes <= dataLength - start
      else {
        throw ArtifactRule.placement.broken(
          "\"\(entry.name)\" needs the \(entry.bytes) bytes at \(start) of the data's \(dataLength)", at: element)
      }
      try fields.finish()
      end = start + entry.bytes
      entries.append(entry)
    }
    guard end == dataLength else {
      throw ArtifactRule.placement.broken(
        "the tensors end at \(end) of the data's \(dataLength) bytes", at: elements.last ?? json)
    }
    return entries
  }

  private init(_ fields: inout JSONFields, at json: JSON) throws(FormatError) {
    name = try fields.name("name")
    role = try ArtifactRule.roles.covers { () throws(FormatError) in try fields.choice("role") }
    dataType = try ArtifactRule.dtypes.covers { () throws(FormatError) in try fields.choice("dtype") }
    let lengths = try fields.integers("shape")
    do throws(FormatError) {
      shape = try Shape.checked(lengths, format: Artifact.format, offset: json.offset)
    } catch {
      if case .limitExceeded = error.reason { throw error.breaking(ArtifactRule.limits.label) }
      throw error.breaking(ArtifactRule.shapes.label)
    }
    offset = try fields.integer("offset")
    let encoding = try fields.string("encoding")
    guard encoding == "raw" else {
      throw ArtifactRule.encoding.broken(
        .unsupported("the encoding \"\(encoding)\"; this reader knows \"raw\""), at: fields.optional("encoding")?.offset
      )
    }
    let order: Order = try ArtifactRule.order.covers { () throws(FormatError) in try fields.choice("order") }
    guard order == .panels else { return }
    let groups = try fields.integer("groups")
    guard role == .constant, PanelTensor.dataTypes.contains(dataType), let layout = PanelLayout(shape, groups: groups)
    else {
      throw ArtifactRule.order.broken(
        "\"\(name)\" cannot lie in panels of \(groups) groups: that needs a constant of F32, F16 or BF16 with "
          + "two or three axes, none of them 0, the first a multiple of the groups", at: json)
    }
    panels = layout
  }
}
