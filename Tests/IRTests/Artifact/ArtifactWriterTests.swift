import Bytes
import IR
import Tensors
import TestSupport
import Testing

@Suite struct ArtifactWriterTests {
  @Test func whatIsWrittenIsRead() throws {
    let artifact = try MicroArtifact.make()
    let bytes = try MicroArtifact.bytes()
    #expect(bytes.count < 8192)
    #expect(MicroArtifact.sections(bytes)[4].lowerBound == 4096)
    let file = try ArtifactFile(ByteRegion(copying: bytes))
    try file.checkIntegrity()
    let read = file.artifact
    #expect(read.metadata == artifact.metadata)
    #expect(read.graph.description == artifact.graph.description)
    #expect(read.graph.inputs.map { read.graph[$0].type } == [f32("batch", 3)])
    #expect(read.goldens.map(\.compact) == artifact.goldens.map(\.compact))
    for (a, b) in zip(artifact.graph.constantOrder, read.graph.constantOrder) {
      #expect(artifact.graph[a].name == read.graph[b].name)
      #expect(artifact.graph.constants[a]?.provenance == read.graph.constants[b]?.provenance)
      #expect(artifact.graph.constants[a]?.tensor.digest == read.graph.constants[b]?.tensor.digest)
    }
    #expect(file.entries.map(\.name) == ["head.weight", "head.bias", "case/input"])
    #expect(file.entries.map(\.dataType) == [.float16, .float32, .float32])
    #expect(read.goldenTensors.map(\.tensor.floats) == [[1, 2, 3]])
    #expect(file.digests.last == Tensor([1 as Float, 2, 3]).digest)
  }

  @Test func theSameArtifactGivesTheSameBytes() throws { #expect(try MicroArtifact.bytes() == MicroArtifact.bytes()) }

  @Test func tensorsAndSectionsStartOnCacheLines() throws {
    let bytes = try MicroArtifact.bytes()
    let sections = MicroArtifact.sections(bytes)
    #expect(sections.allSatisfy { $0.lowerBound % 64 == 0 })
    #expect(sections.last?.upperBound == bytes.count)
    // Three tensors: 12 bytes, 8 bytes, 12 bytes.
    #expect(sections[4].count == 64 + 64 + 12)
    #expect(Array(bytes[sections[4]][sections[4].lowerBound..<sections[4].lowerBound + 4]) == [0x00, 0x3C, 0x00, 0xC0])
  }

  @Test func manyStridedConvolutionsHaveShortLengths() throws {
    var graph = Graph()
    var x = graph.addInput("x", f32("batch", "samples", 1))
    let weight = graph.addConstant("w", ones([1, 1, 1]))
    for number in 0..<2_000 { x = try graph.addNode("c\(number)", .conv(Conv(stride: 2)), [x, weight]) }
    #expect(graph[x].type.description.utf8.count < 1000)
    let again = try graph.addNode("same", .conv(Conv(stride: 2)), [graph.nodes[1998].output, weight])
    #expect(graph[again].type == graph[x].type)
  }

  @Test func aConstantThatIsOnlyAnOutputIsKept() throws {
    var artifact = try MicroArtifact.make()
    let id = artifact.graph.addConstant("centre", ones([2]))
    artifact.graph.addOutput("centre", id)
    let read = try ArtifactFile(ByteRegion(copying: MicroArtifact.bytes(artifact))).artifact.graph
    #expect(read.description == artifact.graph.description)
    #expect(read.constants.count == 3)
  }
}
