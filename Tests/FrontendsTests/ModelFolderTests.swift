import Foundation
import Frontends
import TestSupport
import Testing

@Suite struct ModelFolderTests {
  private func kind(_ path: String) throws -> String {
    switch try ModelFolder.open(path) {
    case .checkpoint(let files): "checkpoint " + files.weightFiles.joined(separator: ", ") + files.notes.joined()
    case .audonnx(let folder): "audonnx " + folder.files.joined(separator: ", ")
    case .onnx: "onnx"
    }
  }

  @Test(arguments: [
    ("models/audeering/pytorch", "checkpoint pytorch_model.bin"),
    ("models/base/model.safetensors", "checkpoint model.safetensors"), ("audonnx/published", "audonnx model.yaml"),
    ("audonnx/published/model.onnx", "audonnx model.yaml"), ("audonnx/hand/tilde.yaml", "audonnx tilde.yaml"),
    ("audonnx/legacy", "audonnx labels.yaml"), ("audonnx/hand/model.onnx", "onnx"),
    ("formats/onnx/accept/types.onnx", "onnx"),
  ])
  func foldersAndFilesAreTold(_ path: String, _ expected: String) throws {
    #expect(try kind(Repository.golden(path)) == expected)
  }

  @Test func weightsGoBeforeAnONNXFileAndThatIsSaid() throws {
    try withTemporaryFolder { folder in
      for file in ["models/audeering/pytorch/pytorch_model.bin", "audonnx/published/model.onnx"] {
        try FileManager.default.copyItem(
          atPath: Repository.golden(file), toPath: folder + "/" + (file.split(separator: "/").last ?? ""))
      }
      #expect(
        try kind(folder)
          == "checkpoint pytorch_model.binpytorch_model.bin was taken; the folder also holds model.onnx")
    }
  }
}
