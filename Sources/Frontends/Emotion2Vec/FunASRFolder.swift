import Bytes

/// What FunASR's `configuration.json` says of a model folder's files, or, without one, what it looks for.
///
/// Follows `funasr/download/download_model_from_hub.py` of FunASR 1.4; what it names stays in the folder.
struct FunASRFolder {
  /// The weights; nil where none is named.
  let weights: String?
  /// The configuration; nil where none is there.
  let configuration: String?
  /// The words that a head's outputs stand for; nil where none is there.
  let tokens: String?

  static let name = "configuration.json"

  /// Throws where `configuration.json` cannot be read, or names files that are not in the folder.
  init(_ folder: String) throws(FormatError) {
    func isThere(_ name: String) -> Bool { fileKind(joinPath(folder, name)) == .file }
    let path = joinPath(folder, FunASRFolder.name)
    var (weights, config, tokens): (String?, String?, String?) = (nil, nil, nil)
    if fileKind(path) == .file {
      do throws(FormatError) {
        let region = try ByteRegion.mapping(path)
        guard region.count <= ModelFiles.configurationLimit else {
          throw FormatError("configuration", .limitExceeded("a file of \(ModelFiles.configurationLimit) bytes"))
        }
        let metas = try JSON.read(region.view, format: "configuration")["file_path_metas"]
        func file(_ json: JSON?, _ what: String) throws(FormatError) -> String? {
          guard let json, !json.isNull else { return nil }
          guard let name = json.string else {
            throw FormatError(
              "configuration", .invalid("\(what) needs a file's name, found \(json.kind)"), offset: json.offset)
          }
          _ = try containedPath(name, in: folder, what, format: "configuration", offset: json.offset)
          return name
        }
        weights = try file(metas?["init_param"], "init_param")
        config = try file(metas?["config"], "config")
        tokens = try file(metas?["tokenizer_conf"]?["token_list"], "token_list")
      } catch { throw error.inFile(path) }
    }
    self.weights = weights
    configuration = config ?? ["config.yaml"].first(where: isThere)
    self.tokens = tokens ?? ["tokens.json", "tokens.txt"].first(where: isThere)
  }

  /// The names of what describes the weights, in the folder.
  var descriptions: [String] { [configuration, tokens].compactMap(\.self) }
}
