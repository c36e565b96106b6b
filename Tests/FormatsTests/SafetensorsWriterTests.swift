import Bytes
import Formats
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsWriterTests {
  func tensors(_ source: SafetensorsFile) throws -> [(name: String, tensor: Tensor)] {
    try source.entries.map { ($0.name, try source.tensor($0.name)) }
  }

  @Test(arguments: ["dtypes", "odd", "none"])
  func writesTheLibrarysBytes(_ name: String) throws {
    let original = try ByteRegion.mapping(Repository.golden("formats/safetensors/accept/\(name).safetensors"))
    let source = try SafetensorsFile(original)
    var generator = SeededGenerator(seed: 3)
    try withTemporaryFolder { folder in
      for _ in 0..<3 {
        let path = folder + "/out.safetensors"
        try SafetensorsWriter.write(
          tensors(source).shuffled(using: &generator), metadata: source.metadata, to: path)
        #expect(try ByteRegion.mapping(path).view.array == original.view.array)
      }
    }
  }

  @Test func refusesWhatCannotBeWritten() throws {
    let one = Tensor([1] as [Float])
    let complex = Tensor(.complex128, [1], bytes: view([UInt8](repeating: 0, count: 16)))
    try withTemporaryFolder { folder in
      let path = folder + "/out.safetensors"
      #expect(throws: FormatError.self) { try SafetensorsWriter.write([("a", one), ("a", one)], to: path) }
      #expect(throws: FormatError.self) { try SafetensorsWriter.write([("__metadata__", one)], to: path) }
      #expect(throws: FormatError.self) { try SafetensorsWriter.write([("a", complex)], to: path) }
      #expect(throws: FormatError.self) {
        try SafetensorsWriter.write([("a", one)], metadata: [("k", "1"), ("k", "2")], to: path)
      }
      let entry = TensorEntry(name: "a", dataType: .float32, shape: [2])
      #expect(throws: FormatError.self) { try SafetensorsWriter.write([entry], to: path) { _ in one } }
      #expect(fileKind(path) == .missing)
      try SafetensorsWriter.write([("\u{e9}", one), ("e\u{301}", one)], to: path)
      #expect(try SafetensorsFile.open(path).entries.count == 2)
    }
  }
}
