import Bytes
import Tensors

// The metadata section, rules 11 to 14.

extension Metadata {
  /// The section's text.
  var text: String { json.lined(levels: 2) }

  /// The metadata as a file holds it.
  public var json: JSON {
    [
      "system": JSON(system),
      "preprocessing": preprocessing.json,
      "labels": JSON(labels),
      "license": license.map { ["id": JSON($0.id), "from": JSON($0.from)] } ?? .null,
      "sources": JSON(
        sources.map { ["name": JSON($0.name), "bytes": JSON($0.bytes), "sha256": JSON($0.digest.description)] }),
      "recipe": JSON(recipe.map(\.json)),
      "ignored": JSON(ignored.map(\.json)),
      "tool": JSON(tool),
      "about": JSON(members: about.sorted { Name($0.name) < Name($1.name) }.map { ($0.name, JSON($0.text)) }),
      "edited": JSON(edited),
    ]
  }

  /// Reads what `json` wrote.
  init(_ json: JSON) throws(FormatError) {
    var fields = try json.artifactFields()
    system = try fields.string("system")
    preprocessing = try Preprocessing(fields.any("preprocessing"))
    labels = try fields.strings("labels")
    license = nil
    let stated = try fields.any("license")
    if !stated.isNull { license = try License(stated) }
    sources = try fields.list("sources") { (source) throws(FormatError) in try SourceFile(&source) }
    if let double = sources.map(\.name).firstDuplicate {
      throw ArtifactRule.sources.broken("two sources are called \"\(double)\"", at: fields.optional("sources")!)
    }
    recipe = try fields.list("recipe") { (step) throws(FormatError) in try Step(&step) }
    ignored = try fields.list("ignored") { (entry) throws(FormatError) in
      Ignored(tensor: try entry.string("tensor"), reason: try entry.string("reason"))
    }
    tool = try fields.string("tool")
    var about: [Note] = []
    let notes = try fields.any("about")
    guard let members = notes.object else {
      throw ArtifactRule.fields.broken("\"about\" needs an object, found \(notes.kind)", at: notes)
    }
    for member in members {
      guard let text = member.value.string else {
        throw ArtifactRule.fields.broken(
          "\"\(member.name)\" needs a text, found \(member.value.kind)", at: member.value)
      }
      about.append(Note(name: member.name, text: text))
    }
    self.about = about
    edited = try fields.strings("edited")
    guard zip(edited, edited.dropFirst()).allSatisfy({ Name($0) < Name($1) }),
      edited.allSatisfy({ ["labels", "license"].contains($0) || $0.utf8.starts(with: Metadata.aboutPrefix.utf8) })
    else {
      throw ArtifactRule.fields.broken(
        "\"edited\" lists labels, license and about.NAME, each once, sorted", at: fields.optional("edited")!)
    }
    try fields.finish()
  }

  /// What the name of a note starts with where fields of all kinds are named.
  public static let aboutPrefix = "about."
}

extension Metadata.Ignored {
  /// The tensor and the rule as documents name them.
  public var json: JSON { ["tensor": JSON(tensor), "reason": JSON(reason)] }
}

extension Metadata.Preprocessing {
  fileprivate init(_ json: JSON) throws(FormatError) {
    var fields = try json.artifactFields()
    let rate = try fields.integer("sample_rate")
    guard (1...1_000_000).contains(rate) else {
      throw ArtifactRule.preprocessing.broken("a sample rate of 1 to 1000000 is needed, found \(rate)", at: json)
    }
    var epsilon: Double?
    if try !fields.any("normalization").isNull {
      var normalization = try fields.object("normalization")
      let value = try normalization.double("epsilon")
      guard value.isFinite, value >= 0, normalization.optional("epsilon")?.string == nil else {
        throw ArtifactRule.preprocessing.broken("an epsilon of 0 or more is needed", at: json)
      }
      epsilon = value
      try normalization.finish()
    }
    var padding: Padding?
    if fields.optional("padding") != nil {
      padding = try ArtifactRule.preprocessing.covers { () throws(FormatError) in try fields.choice("padding") }
    }
    try fields.finish()
    self.init(sampleRate: rate, normalizationEpsilon: epsilon, padding: padding)
  }
}

extension Metadata.License {
  fileprivate init(_ json: JSON) throws(FormatError) {
    var fields = try json.artifactFields()
    self.init(id: try fields.string("id"), from: try fields.string("from"))
    guard !id.isEmpty else { throw ArtifactRule.license.broken("a licence has a name", at: json) }
    try fields.finish()
  }
}

extension Metadata.SourceFile {
  fileprivate init(_ fields: inout JSONFields) throws(FormatError) {
    let (name, text, bytes) = (try fields.string("name"), try fields.string("sha256"), try fields.integer("bytes"))
    guard let digest = Digest(hex: text) else {
      throw ArtifactRule.sources.broken(
        "\"sha256\" needs 64 lower-case hexadecimal digits", at: fields.optional("sha256")!)
    }
    guard bytes >= 0 else {
      throw ArtifactRule.sources.broken("a file has 0 bytes or more", at: fields.optional("bytes")!)
    }
    self.init(name: name, bytes: bytes, digest: digest)
  }
}

extension Metadata.Step {
  fileprivate var json: JSON {
    switch self {
    case .cast(let type): ["step": "cast", "dtype": JSON(type.rawValue)]
    case .prune(let layers, let keep): ["step": "prune", "layers": JSON(layers), "keep": JSON(keep)]
    }
  }

  fileprivate init(_ fields: inout JSONFields) throws(FormatError) {
    let step = try fields.string("step")
    func broken(_ what: String) -> FormatError { ArtifactRule.recipe.broken(what, at: fields.optional("step")!) }
    switch step {
    case "cast":
      let type = try ArtifactRule.recipe.covers { () throws(FormatError) -> DataType in try fields.choice("dtype") }
      guard PanelTensor.dataTypes.contains(type) else { throw broken("weights are cast to F32, F16 or BF16") }
      self = .cast(type)
    case "prune":
      let (layers, keep) = (try fields.integer("layers"), try fields.integers("keep"))
      guard !keep.isEmpty, zip(keep, keep.dropFirst()).allSatisfy({ $0 < $1 }), keep[0] >= 0, keep.last! < layers else {
        throw broken("layers to keep are rising numbers from 0 below \(layers)")
      }
      self = .prune(layers: layers, keep: keep)
    default: throw broken("no step is called \"\(step)\"; cast and prune are known")
    }
  }
}

extension [String] {
  /// A name that is there twice, byte for byte.
  var firstDuplicate: String? {
    var seen: Set<Name> = []
    return first { !seen.insert(Name($0)).inserted }
  }
}

extension Metadata.Preprocessing {
  /// The description as documents hold it.
  public var json: JSON {
    JSON(
      members: [
        ("sample_rate", JSON(sampleRate)),
        ("normalization", normalizationEpsilon.map { ["epsilon": JSON($0)] } ?? .null),
      ] + (padding.map { [("padding", JSON($0.rawValue))] } ?? []))
  }
}
