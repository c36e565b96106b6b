import Bytes
import Formats
import Foundation
import Frontends
import IR
import TestSupport
import Testing

@Suite struct ModelFilesTests {
  private func open(_ package: String) throws -> ModelFiles {
    try ModelFiles.open(Repository.golden("models/" + package))
  }

  @Test(arguments: [
    ("audeering/pytorch", FileFormat.pytorchZip, ["pytorch_model.bin"]),
    ("audeering/pytorch-old-names", .pytorchZip, ["pytorch_model.bin"]),
    ("audeering/legacy", .pytorchLegacy, ["pytorch_model.bin"]),
    ("audeering/safetensors", .safetensors, ["model.safetensors"]),
    ("audeering/sharded", .safetensors, ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]),
  ])
  func folders(_ package: String, _ format: FileFormat, _ files: [String]) throws {
    let model = try open(package)
    #expect(model.format == format)
    #expect(model.weightFiles == files)
    #expect(model.notes == [])
    #expect(model.weights.entries.count == 90)
  }

  @Test func safetensorsIsTakenOfTwoAndThatIsSaid() throws {
    let model = try open("audeering/both")
    #expect(model.weightFiles == ["model.safetensors"])
    #expect(model.notes == ["model.safetensors was taken; the folder also holds pytorch_model.bin"])
    #expect(try ImportedModel(.checkpoint(model)).notes.contains(model.notes[0]))
  }

  @Test func foldersOfFunASRHoldModelPT() throws {
    let model = try ModelFiles.open(Repository.golden("pruned/emotion2vec"))
    #expect(model.weightFiles == ["model.pt"] && model.weights.entries.count == 113)
  }

  @Test func aFileIsOpenedWithTheConfigurationsBesideIt() throws {
    let model = try open("audeering/both/pytorch_model.bin")
    #expect(model.weightFiles == ["pytorch_model.bin"] && model.notes == [])
    #expect(try model.configuration("config.json")?["hidden_size"]?.int == 32)
    #expect(try model.configuration("nothing.json") == nil)
  }

  @Test func shardsKnowTheirTensors() throws {
    let model = try open("audeering/sharded")
    let json = try Repository.json(Repository.golden("models/audeering/sharded/model.safetensors.index.json"))
    for member in json["weight_map"]?.object ?? [] { #expect(model.file(of: member.name) == member.value.string) }
  }

  @Test func whatIsNoModelIsRefused() throws {
    func refusal(_ path: String) -> String {
      do {
        _ = try ModelFiles.open(path)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(refusal("/nothing/here").contains("there is no file or folder of this name"))
    #expect(refusal("/dev/null").contains("neither a file nor a folder"))
    #expect(refusal(Repository.golden("audio")).contains("a model folder holds one of model.safetensors"))
    #expect(refusal(Repository.golden("audio/speech.flac")).contains("weights are read from safetensors and PyTorch"))
  }
}
