import Bytes
import IR
import Tensors
import TestSupport
import Testing

/// Weights in panels: the order, the index that announces it, the file that holds it.
@Suite struct PanelsTests {
  /// A weight of random bits.
  static func weight(_ type: DataType, _ shape: Shape) -> Tensor {
    var random = SeededGenerator(seed: UInt64(shape.count))
    let bytes = (0..<shape.count * type.size).map { _ in UInt8.random(in: 0...255, using: &random) }
    return Tensor(type, shape, bytes: view(bytes))
  }

  static let weights: [(DataType, Shape, Int)] = [
    (.float32, [1, 1], 1), (.float32, [3, 5], 1), (.float16, [16, 40], 1), (.bfloat16, [17, 33], 1),
    (.float32, [1, 3, 5], 1), (.float32, [16, 2, 1], 4), (.float16, [68, 17, 5], 4), (.bfloat16, [64, 16, 5], 4),
    (.float32, [68, 18, 1], 4), (.float32, [4, 1, 5], 4), (.float32, [33, 7], 3),
  ]

  @Test(arguments: weights)
  func elementsLieWhereTheArticleSays(_ type: DataType, _ shape: Shape, _ groups: Int) throws {
    let tensor = Self.weight(type, shape)
    let rows = try #require(PanelTensor(arranging: tensor, groups: groups))
    let (outputs, channels) = (shape[0] / groups, shape[1])
    let kernel = shape.rank == 3 ? shape[2] : 1
    let panels = (outputs + 15) / 16
    #expect(rows.storedByteCount == groups * panels * 16 * channels * kernel * type.size)
    let stored = rows.piece(0..<groups * panels).stored
    let (bytes, source) = (stored.array, tensor.bytes.array)
    var (used, wrong) = (0, 0)
    for group in 0..<groups {
      for row in 0..<panels * 16 {
        for (tap, channel) in (0..<kernel).flatMap({ tap in (0..<channels).map { (tap, $0) } }) {
          let step = tap * channels + channel
          let place = (((group * panels + row / 16) * channels * kernel + step) * 16 + row % 16) * type.size
          let found = bytes[place..<place + type.size]
          if row < outputs {
            let element = (((group * outputs + row) * channels + channel) * kernel + tap) * type.size
            if !found.elementsEqual(source[element..<element + type.size]) { wrong += 1 }
            used += 1
          } else if !found.allSatisfy({ $0 == 0 }) {
            wrong += 1
          }
        }
      }
    }
    #expect(used == shape.count && wrong == 0)
  }

  @Test(arguments: weights)
  func rowsAndDigestComeBack(_ type: DataType, _ shape: Shape, _ groups: Int) throws {
    let tensor = Self.weight(type, shape)
    let rows = try #require(PanelTensor(arranging: tensor, groups: groups))
    let stored = PanelTensor(type, rows.layout, stored: rows.piece(0..<rows.layout.panels).stored)
    #expect(stored.wrongFill == nil)
    #expect(stored.shape == shape && stored.dataType == type)
    #expect(Constant.Storage.panels(stored).rowMajor.bytes.array == tensor.bytes.array)
    #expect(Constant.Storage.panels(rows).rowMajor.bytes.array == tensor.bytes.array)
    #expect(Constant.Storage.panels(stored).digest == tensor.digest)
    #expect(Constant.Storage.panels(rows).digest == tensor.digest)
  }

  @Test(arguments: weights)
  func anyElementsCanBeAskedFor(_ type: DataType, _ shape: Shape, _ groups: Int) throws {
    let tensor = Self.weight(type, shape)
    let rows = try #require(PanelTensor(arranging: tensor, groups: groups))
    let stored = PanelTensor(type, rows.layout, stored: rows.piece(0..<rows.layout.panels).stored)
    let derived = DerivedTensor(type, shape) { view(Array(tensor.bytes.array[$0.bytes(type)])) }
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let places = [Int.random(in: 0...shape.count, using: &random), .random(in: 0...shape.count, using: &random)]
        .sorted()
      let range = places[0]..<places[1]
      let expected = Array(tensor.bytes.array[range.bytes(type)])
      for storage in [Constant.Storage.panels(stored), .panels(rows), .rowMajor(tensor), .derived(derived)] {
        #expect(storage.elements(range).array == expected, "\(range)")
      }
    }
  }

  @Test func whatCannotLieInPanels() {
    for (shape, groups) in [
      ([4] as Shape, 1), ([2, 2, 2, 2], 1), ([0, 4], 1), ([4, 0, 3], 1), ([4, 4], 3), ([4, 4], 0), ([4, 4], -1),
      ([4, 4], 8), ([1 << 55, 1], 1 << 55), ([1 << 30, 1 << 28, 2], 1),
    ] {
      #expect(PanelLayout(shape, groups: groups) == nil, "\(shape) in \(groups) groups")
    }
    #expect(PanelTensor(arranging: Tensor([Int64](repeating: 1, count: 4), shape: [2, 2])) == nil)
  }

  /// A file with one weight [17, 2, 5] in a convolution of one group, one of four groups, and a bias.
  private static func file(_ type: DataType = .float32) throws -> [UInt8] {
    var graph = Graph()
    let x = graph.addInput("x", TensorType(.float32, [.fixed(1), .fixed(9), .fixed(2)]))
    func constant(_ name: String, _ tensor: Tensor, groups: Int? = nil) -> ValueID {
      let panels = groups.map { PanelTensor(arranging: tensor, groups: $0)! }
      return graph.addConstant(
        name, Constant(panels.map { .panels($0) } ?? .rowMajor(tensor), provenance: Provenance()))
    }
    let first = try graph.addNode(
      "first", .conv(Conv()),
      [x, constant("a", weight(type, [20, 2, 5]), groups: 1), constant("bias", weight(.float32, [20]))])
    let second = try graph.addNode(
      "second", .conv(Conv(groups: 4)), [first, constant("b", weight(type, [68, 5, 1]), groups: 4)])
    graph.addOutput("y", second)
    let metadata = Metadata(
      system: "wav2vec2", preprocessing: .init(sampleRate: 16000, normalizationEpsilon: nil), labels: [],
      recipe: type == .float32 ? [] : [.cast(type)], tool: "test")
    return try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/model.assay")
      try Artifact(metadata: metadata, graph: graph).write(to: writer)
      return try writer.readBack().view.array
    }
  }

  @Test(arguments: [DataType.float32, .float16, .bfloat16])
  func anArtifactHoldsThemAndItsDigestsAreTheWeights(_ type: DataType) throws {
    let file = try ArtifactFile(ByteRegion(copying: Self.file(type)))
    try file.checkIntegrity()
    #expect(file.entries.map(\.name) == ["a", "bias", "b"])
    #expect(file.entries.map(\.shape) == [[20, 2, 5], [20], [68, 5, 1]])
    let weights = [Self.weight(type, [20, 2, 5]), Self.weight(.float32, [20]), Self.weight(type, [68, 5, 1])]
    #expect(file.digests == weights.map(\.digest))
    for (entry, weight) in zip(file.entries, weights) {
      let id = try #require(file.artifact.graph.constants.keys.first { file.artifact.graph[$0].name == entry.name })
      let constant = file.artifact.graph.constants[id]!
      #expect(constant.tensor.bytes.array == weight.bytes.array)
      #expect(constant.digest == weight.digest)
      guard entry.name != "bias" else { continue }
      guard case .panels(let panels) = constant.storage else {
        Issue.record("\(entry.name) is not in panels")
        continue
      }
      #expect(try #require(panels.stored).isAligned(to: 64))
    }
    // What was read is written again as it was.
    let again = try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/again.assay")
      try file.artifact.write(to: writer)
      return try writer.readBack().view.array
    }
    #expect(try again == Self.file(type))
  }

  @Test(arguments: [
    (#""groups":4"#, #""groups":3"#), (#""groups":4"#, #""groups":0"#), (#""groups":4"#, #""groups":1"#),
    (#""groups":4"#, #""gruops":4"#), (#""order":"panels","groups":1"#, #""order":"row-major"             "#),
    (#""order":"panels""#, #""order":"planes""#), (#""encoding":"raw""#, #""encoding":"zip""#),
    (#""order":"row-major""#, #""order":"panels"   "#), (#""dtype":"F32","shape":[68"#, #""dtype":"I32","shape":[68"#),
    (#""role":"constant","dtype":"F32","shape":[68"#, #""role":"golden"  ,"dtype":"F32","shape":[68"#),
    (#""shape":[68,5,1]"#, #""shape":[85,4,1]"#), (#""shape":[68,5,1]"#, #""shape":[68,5  ]"#),
  ])
  func theIndexIsRefused(_ text: String, _ other: String) throws {
    var bytes = try Self.file()
    let index = MicroArtifact.sections(bytes)[2]
    let original = String(decoding: bytes[index], as: UTF8.self)
    try #require(original.contains(text))
    var changed = Array(original.replacing(" ", with: "").replacing(text, with: other).utf8)
    try #require(changed.count <= index.count)
    changed += [UInt8](repeating: UInt8(ascii: " "), count: index.count - changed.count)
    bytes.replaceSubrange(index, with: changed)
    bytes = MicroArtifact.sealed(bytes)
    let isSpelling = text.contains("[68,5,1]") && other.contains("[68,5  ]")
    if isSpelling {
      // The bytes would be those of a matrix just as well; the graph's operator says it is none.
      #expect(throws: FormatError.self) { try ArtifactFile(ByteRegion(copying: bytes)) }
    } else {
      let error = #expect(throws: FormatError.self) { try ArtifactFile(ByteRegion(copying: bytes)) }
      #expect(index.contains(try #require(error?.offset)), "\(error!)")
    }
  }

  @Test func aPanelFilledUpWithSomethingElseIsRefused() throws {
    var bytes = try Self.file()
    // "a" is the first tensor: the second of its two panels has rows 16 to 19, then zeros.
    let data = MicroArtifact.sections(bytes)[4]
    let place = data.lowerBound + (10 * 16 + 3 * 16 + 4) * 4 + 1
    #expect(bytes[place] == 0)
    bytes[place] = 1
    let error = #expect(throws: FormatError.self) { try ArtifactFile(ByteRegion(copying: bytes)).checkIntegrity() }
    #expect(error?.place == ["a"])
    // With a checksum to match, it is still no zero.
    let footer = MicroArtifact.sections(bytes)[5].lowerBound
    let crc = bytes[data.lowerBound..<data.lowerBound + 1280].withUnsafeBytes { crc32($0) }
    for byte in 0..<4 { bytes[footer + byte] = UInt8(truncatingIfNeeded: crc >> (8 * byte)) }
    bytes = MicroArtifact.sealed(bytes)
    let other = #expect(throws: FormatError.self) { try ArtifactFile(ByteRegion(copying: bytes)).checkIntegrity() }
    #expect(other?.place == ["a"])
    #expect(other?.offset == place)
    #expect(other.map { "\($0)".contains("filled up") } == true)
  }

  @Test func everyFlippedByteIsFound() throws {
    let bytes = try Self.file(.float16)
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 0x10
      #expect(throws: FormatError.self, "byte \(place)") {
        try ArtifactFile(ByteRegion(copying: damaged)).checkIntegrity()
      }
    }
  }
}

extension Range<Int> {
  /// Where the bytes of some elements lie.
  fileprivate func bytes(_ type: DataType) -> Range<Int> { lowerBound * type.size..<upperBound * type.size }
}
