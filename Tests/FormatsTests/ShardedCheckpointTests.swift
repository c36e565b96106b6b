import Bytes
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct ShardedCheckpointTests {
  func open(_ index: String) throws {
    try withTemporaryFolder { folder in
      try SafetensorsWriter.write([("x", Tensor([1] as [Float]))], to: folder + "/a.safetensors")
      try SafetensorsWriter.write([("y", Tensor([2] as [Float]))], to: folder + "/b.safetensors")
      let path = folder + "/m.index.json"
      try Data(index.utf8).write(to: URL(fileURLWithPath: path))
      _ = try ShardedCheckpoint.open(path)
    }
  }

  @Test func acceptsAnIndexThatAgrees() throws {
    try open(#"{"weight_map":{"y":"b.safetensors","x":"a.safetensors"}}"#)
  }

  @Test(arguments: [
    #"{}"#, #"{"weight_map":{}}"#, #"{"weight_map":{"x":1}}"#,
    #"{"weight_map":{"x":"../a.safetensors"}}"#, #"{"weight_map":{"x":"/etc/passwd"}}"#,
    #"{"weight_map":{"x":".."}}"#, #"{"weight_map":{"x":""}}"#, #"{"weight_map":{"x":"a.safetensors\u0000"}}"#,
    #"{"weight_map":{"x":"c.safetensors"}}"#, #"{"weight_map":{"x":"m.index.json"}}"#,
    #"{"weight_map":{"x":"a.safetensors","z":"a.safetensors"}}"#,
    #"{"weight_map":{"x":"a.safetensors","y":"a.safetensors"}}"#,
    #"{"weight_map":{"x":"b.safetensors","y":"b.safetensors"}}"#,
    #"{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}"#,
  ])
  func refuses(_ index: String) { #expect(throws: FormatError.self) { try open(index) } }
}
