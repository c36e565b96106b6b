import Bytes
import Frontends
import IR
import Tensors
import TestSupport
import Testing

/// transformers' sequence classification, by its configuration.
@Suite struct ClassificationImportTests {
  private func names(_ model: ImportedModel) -> [String] { model.graph.nodes.map(\.name) }

  private func op(_ name: String, of model: ImportedModel) -> Operator? {
    model.graph.nodes.first { $0.name == name }?.op
  }

  @Test func superbAsItIsPublished() throws {
    let model = try ImportedModel(.checkpoint(ModelFiles.open(Repository.golden("models/superb"))))
    #expect(model.system == .wav2vec2Classification)
    #expect(model.labels == ["neu", "hap", "ang", "sad"])
    #expect(model.preprocessing == .init(sampleRate: 16000, normalizationEpsilon: nil, padding: .masked))
    #expect(model.graph.outputs.map(\.name) == ["logits", "scores"])
    // What enters the first layer, and what leaves each.
    let stack = try #require(model.graph.nodes.first { $0.name == "layer_sum.stack" })
    #expect(stack.inputs.count == 4)
    #expect(op("classifier.softmax", of: model) == .softmax(Softmax(axis: 1)))
  }

  @Test func theLastStateAloneWhereNoSumIsAskedFor() throws {
    var package = try TinyPackage("superb-stable")
    package.configure(#""use_weighted_layer_sum": true"#, #""use_weighted_layer_sum": false"#)
    #expect(package.refusal().contains("layer_weights"))
    package.tensors.removeAll { $0.name == "layer_weights" }
    let model = try package.imported()
    #expect(!names(model).contains { $0.hasPrefix("layer_sum") })
    let projector = try #require(model.graph.nodes.first { $0.name == "projector" })
    let last = try #require(model.graph.states.first { $0.name == "last_hidden_state" })
    #expect(projector.inputs[0] == last.value)
  }

  @Test func theSumTakesTheLastStateBeforeTheFinalNorm() throws {
    let model = try ImportedModel(.checkpoint(ModelFiles.open(Repository.golden("models/superb-stable"))))
    let state = try #require(model.graph.states.first { $0.name == "layer.3" })
    #expect(model.graph.nodes.first { $0.name == "layer_sum.states.3" }?.inputs == [state.value])
    #expect(model.preprocessing == .init(sampleRate: 16000, normalizationEpsilon: 1e-7, padding: .masked))
  }

  /// The rule of transformers' audio classification pipeline.
  @Test func scoresFollowTheProblem() throws {
    var package = try TinyPackage("superb-stable")
    #expect(op("classifier.sigmoid", of: try package.imported()) == .unary(Unary(.sigmoid)))
    package.configure("\"multi_label_classification\"", "\"single_label_classification\"")
    #expect(op("classifier.softmax", of: try package.imported()) == .softmax(Softmax(axis: 1)))
    package.configure("\"single_label_classification\"", "null")
    #expect(op("classifier.softmax", of: try package.imported()) == .softmax(Softmax(axis: 1)))
    package.configure("\"problem_type\": null", "\"problem_type\": \"regression\"")
    #expect(try package.imported().graph.outputs.map(\.name) == ["logits"])
    package.configure("\"regression\"", "\"ranking\"")
    #expect(package.refusal().contains("problem_type") && package.refusal().contains("ranking"))
  }

  @Test func fewerLabelsThanOutputsAreRefused() throws {
    var package = try TinyPackage("superb-stable")
    package.configure(#""2": "loud""#, "")
    package.configure(#""1": "tense","#, #""1": "tense""#)
    #expect(package.refusal().contains("has 3 outputs; id2label in config.json names 2"), "\(package.refusal())")
  }

  @Test func labelsAreGivenWhereTheFilesHaveNumbersOnly() throws {
    var package = try TinyPackage("superb-stable")
    var options = ImportOptions()
    options.labels = ["a", "b", "c"]
    #expect(package.refusal(options).contains("names the outputs: calm, tense, loud"), "\(package.refusal(options))")
    for (number, label) in ["calm", "tense", "loud"].enumerated() {
      package.configure(#""\#(number)": "\#(label)""#, #""\#(number)": "LABEL_\#(number)""#)
    }
    #expect(try package.imported().labels == ["LABEL_0", "LABEL_1", "LABEL_2"])
    #expect(try package.imported(options).labels == ["a", "b", "c"])
    options.labels = ["a", "b"]
    #expect(package.refusal(options).contains("2 names; the head has 3 outputs"))
  }
}
