import Bytes
import IR

/// A model's configuration with other numbers of layers; not a byte beside them is another one.
public struct PrunedConfiguration: Sendable {
  /// The whole file.
  public let bytes: [UInt8]
  /// What is changed, in a few fixed words; empty where nothing is.
  public let steps: [String]
}

extension CheckpointLayers {
  /// The rows, with the layers they have and keep.
  public func counts(_ selection: LayerSelection) -> [(path: String, before: Int, after: Int)] {
    stacks.map { stack in
      (stack.path, stack.layers.count, selection.kept.count { stack.layers.contains($0) })
    }
  }

  /// How many blocks data2vec 2.0's audio encoder, or what follows it, has and keeps; a row that is not there has none.
  public func blockCount(isPrenet: Bool, _ selection: LayerSelection) -> (before: Int, after: Int) {
    let row = counts(selection).first { $0.path.hasSuffix("context_encoder.blocks") == isPrenet }
    return row.map { ($0.before, $0.after) } ?? (0, 0)
  }

  /// `config.json` of transformers with `num_hidden_layers` as it is afterwards; where it is left out, it is put first.
  ///
  /// Throws where it speaks of another number of layers than the weights have.
  public func pruning(config view: ByteView, keeping selection: LayerSelection) throws(FormatError)
    -> PrunedConfiguration
  {
    let key = "num_hidden_layers"
    func refuse(_ what: String, at value: JSON? = nil) -> FormatError {
      FormatError("configuration", .invalid(what), offset: value?.offset, place: [key])
    }
    let json = try JSON.read(view, format: "configuration")
    guard let members = json.object else {
      throw FormatError("configuration", .invalid("an object is needed, found \(json.kind)"), offset: json.offset)
    }
    if let heads = json["pruned_heads"]?.object, !heads.isEmpty {
      throw FormatError(
        "configuration", .unsupported("heads that are left out layer by layer"), offset: json["pruned_heads"]?.offset,
        place: ["pruned_heads"])
    }
    var splice = TextSplice(view)
    let after = String(selection.kept.count)
    let step = ["\(key) \(count) -> \(after)"]
    if let value = json[key], !value.isNull {
      guard value.int == count, case .number(let digits) = value.content else {
        throw refuse("\(value.compact) layers, and the weights have \(count)", at: value)
      }
      splice.replace(value.offset - view.offset..<value.offset - view.offset + digits.utf8.count, with: after)
      return PrunedConfiguration(bytes: splice.result, steps: selection.dropped.isEmpty ? [] : step)
    }
    let type = json["model_type"]?.string
    guard json[key] == nil, type.map({ CheckpointLayers.typesOfTwelve.contains($0) }) == true, count == 12 else {
      throw refuse("no number of layers is stated, and the weights have \(count); a number would do")
    }
    guard !selection.dropped.isEmpty, let first = members.first else {
      return PrunedConfiguration(bytes: splice.result, steps: [])
    }
    // What stands between the brace and the first name stands between this one and the next, too.
    let start = json.offset - view.offset + 1
    let space = splice.run(from: start) { $0 == UInt8(ascii: "\"") }
    let gap = splice.has("\"\(first.name)\": ", at: start + space.utf8.count) ? " " : ""
    splice.replace(start..<start, with: "\(space)\"\(key)\":\(gap)\(after),")
    return PrunedConfiguration(bytes: splice.result, steps: step)
  }

  /// The model types whose default is 12 layers.
  private static let typesOfTwelve: Set<String> = [
    "wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat", "wav2vec2-conformer", "sew", "sew-d",
  ]

  /// FunASR's or fairseq's `config.yaml` of a data2vec 2.0 model with `depth` and `modalities.audio.prenet_depth` as they
  /// are afterwards.
  ///
  /// Throws where they are not stated in plain numbers, or speak of other numbers than the weights have.
  public func pruning(yaml view: ByteView, keeping selection: LayerSelection) throws(FormatError) -> PrunedConfiguration
  {
    let root = try YAML.read(view, format: "configuration")
    let homes = [root] + ["model_conf", "model"].compactMap { root[$0] }
    guard let home = homes.first(where: { $0["modalities"]?["audio"] != nil }) else {
      throw FormatError("configuration", .missing("modalities.audio, which says how many layers the audio encoder has"))
    }
    var splice = TextSplice(view)
    var steps: [String] = []
    func row(_ isPrenet: Bool) -> (before: Int, after: Int) { blockCount(isPrenet: isPrenet, selection) }
    let audio = home["modalities"]?["audio"]
    var places = [
      ("modalities.audio.prenet_depth", audio?["prenet_depth"], row(true)), ("depth", home["depth"], row(false)),
    ]
    // Position biases that have a scale for each layer are made as many as this says.
    if hasScalePerLayer, let value = audio?["model_depth"] {
      places.append(("modalities.audio.model_depth", value, row(false)))
    }
    for (key, value, (before, after)) in places {
      guard let value, let text = value.text, Int(text) == before else {
        throw FormatError(
          "configuration", .invalid("\(value?.text ?? "no number of") layers, and the weights have \(before)"),
          line: value?.line, place: [key])
      }
      guard before != after else { continue }
      guard let place = splice.place(line: value.line, column: value.column), splice.has(text, at: place),
        Name(String(before)) == Name(text)
      else {
        throw FormatError(
          "configuration", .unsupported("a number that does not stand here in plain digits, and so cannot be changed"),
          line: value.line, place: [key])
      }
      splice.replace(place..<place + text.utf8.count, with: String(after))
      steps.append("\(key) \(before) -> \(after)")
    }
    return PrunedConfiguration(bytes: splice.result, steps: steps)
  }
}
