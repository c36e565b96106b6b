import Bytes
import Frontends
import IR
import Tensors
import TestSupport
import Testing

@Suite struct ConfigurationPruningTests {
  func layers(_ names: [String], _ scales: Int = 1) throws -> CheckpointLayers {
    try CheckpointLayers(
      names.map { TensorEntry(name: $0, dataType: .float32, shape: [2]) }
        + [TensorEntry(name: "modality_encoders.AUDIO.alibi_scale", dataType: .float32, shape: [scales, 1])].filter {
          _ in scales > 1
        })
  }

  func encoder(_ count: Int) throws -> CheckpointLayers {
    try layers((0..<count).map { "encoder.layers.\($0).attention.w" })
  }

  func blocks(_ prenet: Int, _ depth: Int, scales: Int = 1) throws -> CheckpointLayers {
    try layers(
      (0..<prenet).map { "modality_encoders.AUDIO.context_encoder.blocks.\($0).attn.w" }
        + (0..<depth).map { "blocks.\($0).attn.w" }, scales)
  }

  func config(_ text: String, _ count: Int, keeping kept: [Int]) throws -> (text: String, steps: [String]) {
    let selection = try #require(LayerSelection(of: count, keeping: kept))
    let pruned = try encoder(count).pruning(config: view(Array(text.utf8)), keeping: selection)
    return (String(decoding: pruned.bytes, as: UTF8.self), pruned.steps)
  }

  func yaml(_ text: String, _ layers: CheckpointLayers, keeping kept: [Int]) throws -> (text: String, steps: [String]) {
    let selection = try #require(LayerSelection(of: layers.count, keeping: kept))
    let pruned = try layers.pruning(yaml: view(Array(text.utf8)), keeping: selection)
    return (String(decoding: pruned.bytes, as: UTF8.self), pruned.steps)
  }

  func refusal(_ body: () throws -> (text: String, steps: [String])) -> String {
    do { return try body().text } catch { return "\(error)" }
  }

  @Test(arguments: [
    (
      "{\n  \"z\": 24,\n  \"num_hidden_layers\": 24,\n  \"a\": \"24\"\n}\n",
      "{\n  \"z\": 24,\n  \"num_hidden_layers\": 2,\n  \"a\": \"24\"\n}\n"
    ),
    ("{\"num_hidden_layers\":24}", "{\"num_hidden_layers\":2}"),
    (
      "{\r\n\t\"a\" : {\"num_hidden_layers\": 24},\r\n\t\"num_hidden_layers\" :  24 ,\r\n\t\"b\": \"\\u00e9 é\"}\r\n",
      "{\r\n\t\"a\" : {\"num_hidden_layers\": 24},\r\n\t\"num_hidden_layers\" :  2 ,\r\n\t\"b\": \"\\u00e9 é\"}\r\n"
    ),
  ])
  func oneNumberChanges(_ before: String, _ after: String) throws {
    let pruned = try config(before, 24, keeping: [3, 9])
    #expect(pruned.text == after && Array(pruned.text.utf8) == Array(after.utf8))
    #expect(pruned.steps == ["num_hidden_layers 24 -> 2"])
    #expect(try config(before, 24, keeping: Array(0..<24)).text == before)
    #expect(try config(before, 24, keeping: Array(0..<24)).steps == [])
  }

  @Test func aNumberThatIsLeftOutIsPutFirst() throws {
    for (before, after) in [
      ("{\n  \"model_type\": \"wav2vec2\"\n}\n", "{\n  \"num_hidden_layers\": 3,\n  \"model_type\": \"wav2vec2\"\n}\n"),
      ("{\"model_type\":\"hubert\",\"a\":1}", "{\"num_hidden_layers\":3,\"model_type\":\"hubert\",\"a\":1}"),
    ] {
      #expect(try config(before, 12, keeping: [0, 1, 2]).text == after)
      #expect(try config(before, 12, keeping: Array(0..<12)).text == before)
      #expect(
        refusal { try config(before, 24, keeping: [0]) }.contains(
          "\"num_hidden_layers\": no number of layers is stated, and the weights have 24"))
    }
    #expect(
      refusal { try config("{\"model_type\":\"bert\"}", 12, keeping: [0]) }.contains("no number of layers is stated"))
  }

  @Test func aConfigurationOfAnotherModelIsRefused() {
    for text in ["{\"num_hidden_layers\": 12}", "{\"num_hidden_layers\": 24.0}", "{\"num_hidden_layers\": \"24\"}"] {
      #expect(refusal { try config(text, 24, keeping: [0]) }.contains("layers, and the weights have 24"))
    }
    #expect(refusal { try config("{\"num_hidden_layers\": null}", 12, keeping: [0]) }.contains("no number of layers"))
    #expect(refusal { try config("[]", 24, keeping: [0]) }.contains("an object is needed"))
    #expect(
      refusal { try config("{\"num_hidden_layers\": 2, \"pruned_heads\": {\"1\": [0]}}", 2, keeping: [0]) }.contains(
        "\"pruned_heads\""))
    #expect(
      refusal { try config("{\"num_hidden_layers\": 2, \"num_hidden_layers\": 2}", 2, keeping: [0]) }.contains(
        "given twice"))
  }

  static let funasr = """
    # depth: 8
    model: Emotion2vec
    model_conf:
        depth: 8   # blocks
        other: {depth: 8}
        modalities:
            image: {prenet_depth: 4}
            audio:
                prenet_depth: 4
                model_depth: 8
                decoder:
                    depth: 8
    é: "8"

    """

  @Test func twoNumbersOfYAMLChange() throws {
    let (text, steps) = try yaml(Self.funasr, blocks(4, 8), keeping: [0, 2, 4, 9, 11])
    #expect(
      text
        == Self.funasr.replacing("    depth: 8   #", with: "    depth: 3   #")
        .replacing("            prenet_depth: 4\n", with: "            prenet_depth: 2\n"))
    #expect(steps == ["modalities.audio.prenet_depth 4 -> 2", "depth 8 -> 3"])
    #expect(try yaml(Self.funasr, blocks(4, 8), keeping: Array(0..<12)).text == Self.funasr)
    // A scale for each layer is made by the number of layers that stands beside it.
    let scaled = try yaml(Self.funasr, blocks(4, 8, scales: 12), keeping: [0, 1, 2, 3, 5]).text
    #expect(scaled.contains("model_depth: 1\n") && scaled.contains("    prenet_depth: 4\n"))
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"]) func linesEndAsYAMLSays(_ end: String) throws {
    let text =
      "\u{FEFF}# é \u{1F600}\(end)a: [é, {modalities: 1}]\(end)\(end)\"é\": 1\(end)depth:  3 \(end)modalities: {audio: {\u{20}\"prenet_depth\": 1}, x: é}\(end)"
    let expected = text.replacing("depth:  3", with: "depth:  1").replacing(
      "prenet_depth\": 1", with: "prenet_depth\": 0")
    #expect(Array(try yaml(text, blocks(1, 3), keeping: [2]).text.utf8) == Array(expected.utf8))
  }

  @Test(arguments: [
    ("depth: 3\nmodalities: {audio: {prenet_depth: 1}}", "\"depth\" in line 1: 3 layers, and the weights have 2"),
    ("modalities: {audio: {prenet_depth: 1}}", "\"depth\": no number of layers, and the weights have 2"),
    ("depth: 2\nmodalities: {audio: {}}", "\"modalities.audio.prenet_depth\": no number of layers"),
    ("depth: \"2\"\nmodalities: {audio: {prenet_depth: 1}}", "does not stand here in plain digits"),
    ("depth: &d 2\nmodalities: {audio: {prenet_depth: 1}}", "does not stand here in plain digits"),
    ("x: &d 2\ndepth: *d\nmodalities: {audio: {prenet_depth: 1}}", "does not stand here in plain digits"),
    ("depth: +2\nmodalities: {audio: {prenet_depth: 1}}", "does not stand here in plain digits"),
    ("depth: 02\nmodalities: {audio: {prenet_depth: 1}}", "does not stand here in plain digits"),
    ("depth: 2", "modalities.audio, which says how many layers"),
  ])
  func yamlThatCannotBeChangedIsRefused(_ text: String, _ reason: String) throws {
    let layers = try blocks(1, 2)
    #expect(refusal { try yaml(text, layers, keeping: [0, 1]) }.contains(reason))
  }
}
