import Bytes

/// What FunASR's `configuration.json` says of a model folder's files, or, without one, what it looks for.
///
/// Follows `funasr/download/download_model_from_hub.py` of FunASR 1.4; what it names stays in the folder.
public struct FunASRFolder {
  /// The weights; nil where none is named.
  public let weights: String?
  /// The configuration; nil where none is there.
  public let configuration: String?
  /// The words that a head's outputs stand for; nil where none is there.
  public let tokens: String?

  /// What describes the folder.
  public static let name = "configuration.json"

  /// Throws where `configuration.json` cannot be read, or names files that are not in the folder.
  public init(_ folder: String) throws(FormatError) {
    func isThere(_ name: String) -> Bool { fileKind(joinPath(folder, name)) == .file }
    let path = joinPath(folder, FunASRFolder.name)
    var (weights, config, tokens): (String?, String?, String?) = (nil, nil, nil)
    if fileKind(path) == .file {
      (weights, config, tokens) = try ModelFiles.reading(path) { (view) throws(FormatError) in
        let metas = try JSON.read(view, format: "configuration")["file_path_metas"]
        func file(_ json: JSON?, _ what: String) throws(FormatError) -> String? {
          guard let json, !json.isNull else { return nil }
          guard let name = json.string else {
            throw FormatError(
              "configuration", .invalid("\(what) needs a file's name, found \(json.kind)"), offset: json.offset)
          }
          // Hubs keep a model's files elsewhere and link to them.
          _ = try containedPath(
            name, in: folder, what, format: "configuration", offset: json.offset, linksMayLeave: true)
          return name.utf8.starts(with: "./".utf8) ? String(name.dropFirst(2)) : name
        }
        return (
          try file(metas?["init_param"], "init_param"), try file(metas?["config"], "config"),
          try file(metas?["tokenizer_conf"]?["token_list"], "token_list")
        )
      }
    }
    self.weights = weights
    configuration = config ?? ["config.yaml"].first(where: isThere)
    self.tokens = tokens ?? ["tokens.json", "tokens.txt"].first(where: isThere)
  }

  /// The names of what describes the weights, in the folder.
  var descriptions: [String] { [configuration, tokens].compactMap(\.self) }
}
