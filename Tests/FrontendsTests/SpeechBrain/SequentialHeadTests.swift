import Frontends
import IR
import Tensors
import Testing

/// What is read off the names and shapes of a Sequential's state dict.
@Suite struct SequentialHeadTests {
  private func imported(_ tensors: [(String, Shape)], _ activation: Activation? = nil) throws -> ImportedModel {
    var options = ImportOptions(system: .speechbrain)
    (options.head, options.headActivation) = ("FOLDER/head.pth", activation)
    return try package(tensors).imported(options)
  }

  private func package(_ tensors: [(String, Shape)]) throws -> TinyPackage {
    var package = try TinyPackage("speechbrain")
    package.others = [("head.pth", tensors.map { ($0.0, zeros($0.1)) })]
    return package
  }

  private func nodes(_ model: ImportedModel) -> [String] {
    model.graph.nodes.map(\.name).filter { $0.hasPrefix("head.") }
  }

  @Test func activationsStandBetweenLayersAndNotAfterTheLast() throws {
    let model = try imported([
      ("0.weight", [12, 16]), ("0.bias", [12]), ("3.weight", [10, 12]), ("3.bias", [10]), ("10.weight", [4, 10]),
    ])
    #expect(nodes(model) == ["head.0", "head.0.activation", "head.3", "head.3.activation", "head.10", "head.softmax"])
    #expect(model.graph.nodes.first { $0.name == "head.3.activation" }?.op == .unary(Unary(.relu)))
    #expect(model.graph.nodes.first { $0.name == "head.10" }?.inputs.last == .some(nil))
    #expect(model.labels.count == 4)
    let tanh = try imported([("0.weight", [12, 16]), ("2.weight", [3, 12])], .tanh)
    #expect(tanh.graph.nodes.first { $0.name == "head.0.activation" }?.op == .unary(Unary(.tanh)))
    #expect(!tanh.notes.contains { $0.contains("relu") })
  }

  /// Two modules of consecutive numbers have nothing between them.
  @Test func neighboursHaveNothingBetweenThem() throws {
    let model = try imported([("0.weight", [12, 16]), ("1.weight", [3, 12])])
    #expect(nodes(model) == ["head.0", "head.1", "head.softmax"])
    #expect(!model.notes.contains { $0.contains("relu") })
  }

  @Test func aWrapperStandsBeforeTheNumbers() throws {
    let model = try imported([("module.0.weight", [12, 16]), ("module.2.weight", [3, 12]), ("module.2.bias", [3])])
    #expect(nodes(model) == ["head.0", "head.0.activation", "head.2", "head.softmax"])
    let bias = try #require(model.graph.constants.first { model.graph[$0.key].name == "head.2.bias" })
    #expect(bias.value.provenance.sources.map(\.tensor) == ["module.2.bias"])
  }

  @Test(
    arguments: [
      ([("0.weight", [12, 16]), ("3.weight", [2, 11])], "\"3.weight\": takes 11 numbers, and the layer 0 gives 12"),
      (
        [("0.weight", [12, 16]), ("1.weight", [12]), ("1.bias", [12])], "\"1.weight\": has the shape [12], as a norm's"
      ),
      (
        [("0.weight", [16]), ("0.bias", [16]), ("1.weight", [2, 16])], "\"0.weight\": has the shape [16], as a norm's"
      ),
      ([("0.weight", [12, 16]), ("1.running_mean", [12])], "\"1.running_mean\": belongs to a batch norm"),
      ([("0.weight", [12, 16, 3])], "\"0.weight\": has the shape [12, 16, 3]; linear layers"),
      ([("0.weight", [12, 16]), ("0.bias", [11])], "\"0.bias\": has the shape [11]; its layer has 12 outputs"),
      ([("0.weight", [12, 16]), ("2.bias", [2])], "\"2.bias\": has no weight beside it"),
      ([("0.weight", [0, 16])], "\"0.weight\": has the shape [0, 16]"),
      ([("weight", [2, 16])], "\"weight\": is no tensor of a head"),
      ([("00.weight", [2, 16])], "\"00.weight\": is no tensor of a head"),
      ([("0.weight", [2, 16]), ("99999999999999999999.weight", [2, 2])], "is no tensor of a head"),
      ([("0.weight", [2, 16]), ("other.2.weight", [2, 2])], "\"other.2.weight\": stands beside 0.weight"),
      ([("0.weight", [2, 15])], "\"0.weight\": takes 15 numbers; the encoder gives 16"),
      ([], "holds no tensors"),
    ] as [([(String, Shape)], String)])
  func whatIsNoChainOfLayersIsRefusedByName(_ tensors: [(String, Shape)], _ expected: String) throws {
    var options = ImportOptions()
    options.head = "FOLDER/head.pth"
    let refusal = try package(tensors).refusal(options)
    #expect(refusal.replacing(" \"", with: "\"").contains(expected.replacing(" \"", with: "\"")), "\(refusal)")
    #expect(refusal.contains("/head.pth"), "\(refusal)")
  }

  /// What looks like a head and is none that can be read is no other file.
  @Test func aNormInAHeadThatIsFoundIsRefusedToo() throws {
    let norm = try package([("0.weight", [12, 16]), ("1.weight", [12]), ("1.bias", [12]), ("2.weight", [2, 12])])
    #expect(norm.refusal().contains("as a norm's"), "\(norm.refusal())")
  }
}
