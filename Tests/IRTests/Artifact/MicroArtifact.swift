import Bytes
import IR
import Tensors
import TestSupport

/// A whole artifact of about 3 kB: two constants of two types, one golden array, every kind of section.
enum MicroArtifact {
  static func make() throws -> Artifact {
    var graph = Graph()
    let x = graph.addInput("signal", f32("batch", 3))
    let halves = ByteRegion(copying: [0x00, 0x3C, 0x00, 0xC0, 0x00, 0x38, 0xFF, 0x7B, 0x01, 0x00, 0x00, 0x00]).view
    let weight = Constant(
      Tensor(.float16, [2, 3], bytes: halves),
      provenance: Provenance(sources: [.init(file: "model.safetensors", tensor: "head.weight")], steps: ["F32 to F16"]))
    let w = graph.addConstant("head.weight", weight)
    let bias = Constant(Tensor([0.5 as Float, -0.25]), provenance: Provenance())
    let b = graph.addConstant("head.bias", bias)
    let dense = try graph.addNode("head", .linear(Linear()), [x, w, b])
    graph.addState("layer.0", dense)
    graph.addOutput("logits", try graph.addNode("head.activation", .gelu(Gelu(approximation: .tanh)), [dense]))
    let metadata = Metadata(
      system: "wav2vec2-regression", preprocessing: .init(sampleRate: 16000, normalizationEpsilon: 1e-7),
      labels: ["arousal", "no"], license: .init(id: "cc-by-nc-sa-4.0", from: "README.md"),
      sources: [.init(name: "model.safetensors", bytes: 12, digest: .of(view([1, 2, 3])))], recipe: [.cast(.float16)],
      ignored: [.init(tensor: "masked_spec_embed", reason: "masks features in training")], tool: "assay 0",
      about: [.init(name: "name", text: "micro")])
    let golden: JSON = [
      "golden": 1, "name": "case", "input": ["kind": "waveform", "file": "case", "tensor": "input"],
    ]
    return Artifact(
      metadata: metadata, graph: graph, goldens: [golden],
      goldenTensors: [("case/input", Tensor([1 as Float, 2, 3], shape: [1, 3]))])
  }

  /// The bytes of the file.
  static func bytes(_ artifact: Artifact) throws -> [UInt8] {
    try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/micro.assay")
      try artifact.write(to: writer)
      return try writer.readBack().view.array
    }
  }

  static func bytes() throws -> [UInt8] { try bytes(make()) }

  /// Where the four texts, the data and the footer lie.
  static func sections(_ bytes: [UInt8]) -> [Range<Int>] {
    var place = 64
    return (0..<6).map { section in
      let field = bytes[16 + 8 * section..<24 + 8 * section]
      let length = field.reversed().reduce(0) { $0 << 8 | Int($1) }
      place += padding(after: place, to: section == 4 ? 4096 : 64)
      defer { place += length }
      return place..<place + length
    }
  }

  /// The file with the text of one section changed, and every length, CRC and digest made right again.
  static func rewrite(
    _ bytes: [UInt8], section: Int, header: ((inout [UInt8]) -> Void)? = nil, _ change: (String) -> String
  ) -> [UInt8] {
    let ranges = sections(bytes)
    var parts = ranges.map { Array(bytes[$0]) }
    parts[section] = Array(change(String(decoding: parts[section], as: UTF8.self)).utf8)
    var head = Array(bytes[..<64])
    for (index, part) in parts.enumerated() {
      for byte in 0..<8 { head[16 + 8 * index + byte] = UInt8(truncatingIfNeeded: part.count >> (8 * byte)) }
    }
    header?(&head)
    var writer = ByteWriter()
    writer.write(head)
    for (number, part) in parts.enumerated() {
      writer.pad(to: number == 4 ? 4096 : 64)
      writer.write(part)
    }
    return sealed(writer.bytes)
  }

  /// The file with the CRCs of header and texts and the root made right.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let sections = sections(bytes)
    let footer = sections[5]
    let crcs = footer.upperBound - 40 - 4 - 5 * 4
    for (index, range) in ([0..<64] + sections[..<4]).enumerated() {
      let crc = bytes[range].withUnsafeBytes { crc32($0) }
      for byte in 0..<4 { bytes[crcs + 4 * index + byte] = UInt8(truncatingIfNeeded: crc >> (8 * byte)) }
    }
    let covered = bytes[..<sections[4].lowerBound] + bytes[footer.lowerBound..<footer.upperBound - 40]
    bytes.replaceSubrange(footer.upperBound - 40..<footer.upperBound - 8, with: Digest.of(view(Array(covered))).bytes)
    return bytes
  }

  /// Opens the file and reads every byte; why that failed, or nil.
  static func refusal(_ bytes: [UInt8]) -> FormatError? {
    do throws(FormatError) {
      try ArtifactFile(ByteRegion(copying: bytes)).checkIntegrity()
      return nil
    } catch { return error }
  }
}
