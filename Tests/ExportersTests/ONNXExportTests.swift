import Bytes
import Exporters
import Formats
import IR
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite struct ONNXExportTests {
  @Test func theModelSaysWhatItIs() throws {
    let metadata = Metadata(
      system: "wav2vec2-regression", preprocessing: .init(sampleRate: 8000, normalizationEpsilon: 1e-7),
      labels: ["arousal", "no"], license: .init(id: "cc-by-4.0", from: "README.md"),
      sources: [.init(name: "a.bin", bytes: 3, digest: .of(view([1])))], recipe: [.cast(.float16)],
      ignored: [.init(tensor: "t", reason: "r")], tool: "assay 0",
      about: [.init(name: "z", text: "2"), .init(name: "a", text: "1\n")],
      edited: ["about.a"])
    let model = try Exported(single(.unary(Unary(.relu)), [type("batch", "samples")]), metadata: metadata).file.model
    #expect(model.irVersion == 8)
    #expect(model.opsets.map(\.version) == [17] && model.opsets.map(\.domain) == [""])
    #expect(model.producer == ("assay", "1.2.3"))
    #expect(model.graph.name == "wav2vec2-regression")
    let digest = Digest.of(view([1])).description
    let expected = [
      ("system", "wav2vec2-regression"), ("sample_rate", "8000"), ("normalization_epsilon", "1e-07"),
      ("labels", #"["arousal","no"]"#), ("license", "cc-by-4.0"), ("license_from", "README.md"),
      ("sources", #"[{"name":"a.bin","bytes":3,"sha256":"\#(digest)"}]"#),
      ("recipe", #"[{"step":"cast","dtype":"F16"}]"#), ("ignored", #"[{"tensor":"t","reason":"r"}]"#),
      ("tool", "assay 0"), ("edited", #"["about.a"]"#), ("about.a", "1\n"), ("about.z", "2"),
    ]
    #expect(model.metadata.map(\.name) == expected.map { "assay." + $0.0 })
    #expect(model.metadata.map(\.value) == expected.map(\.1))
    let plain = try Exported(single(.unary(Unary(.relu)), [type("batch")])).file.model
    #expect(plain.metadata.map(\.name) == ["assay.system", "assay.sample_rate", "assay.tool"])
  }

  /// Lengths that a sum or a quotient makes keep their formula as a name.
  @Test func lengthsHaveNames() throws {
    let graph = try single(.conv(Conv(stride: 2)), [type("batch", "samples", 1)], constants: [[4, 1, 3]])
    let exported = try Exported(graph)
    #expect(exported.graph.inputs.map(\.description) == ["x: FLOAT[batch, samples, 1]"])
    #expect(exported.graph.outputs.map(\.description) == ["y: FLOAT[batch, (samples-3)/2+1, 4]"])
  }

  @Test func digestsMayComeLast() throws {
    var metadata = Metadata.plain
    let (unknown, known) = (Digest.of(view([])), Digest.of(view([5])))
    let graph = try single(.linear(Linear()), [type("rows", 3)], constants: [[2, 3]])
    func bytes(_ digest: Digest, _ later: [Digest]?) throws -> [UInt8] {
      metadata.sources = [.init(name: "a", bytes: 1, digest: digest)]
      let export = try ONNXExport(graph, metadata: metadata, producer: "assay")
      return try withTemporaryFolder { folder in
        let writer = try FileWriter(folder + "/model.onnx")
        try export.write(to: writer, digests: { later })
        #expect(writer.count == export.byteCount)
        return try writer.readBack().view.array
      }
    }
    #expect(try bytes(unknown, [known]) == bytes(known, nil))
    #expect(try bytes(unknown, nil) != bytes(known, nil))
  }

  @Test func progressEndsAtOne() throws {
    let graph = try single(.linear(Linear()), [type("rows", 3)], constants: [[2, 3], [2]])
    let shares = Shares()
    try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/model.onnx")
      try ONNXExport(graph, metadata: .plain, producer: "assay").write(to: writer, progress: { shares.add($0) })
    }
    #expect(shares.all == [0.75, 1])
  }

  /// 2.4 GB of numbers that nobody makes: the length is known before.
  @Test func aFileThatProtobufCannotHoldIsRefused() throws {
    func graph(_ rows: Int) throws -> Graph {
      var graph = Graph()
      let x = graph.addInput("x", type("rows", 1000))
      let storage = Constant.Storage.derived(
        DerivedTensor(.float32, [rows, 1000]) { _ in preconditionFailure("nobody needs the numbers") })
      let w = graph.addConstant("w", Constant(storage, provenance: Provenance()))
      graph.addOutput("y", try graph.addNode("node", .linear(Linear()), [x, w]))
      return graph
    }
    #expect(throws: GraphError.self) { try ONNXExport(graph(600_000), metadata: .plain, producer: "assay") }
    _ = try ONNXExport(graph(500_000), metadata: .plain, producer: "assay")
    #expect(ONNXExport.sizeLimit == 2_147_483_647)
  }

  @Test func typesThatCameLaterAreRefused() throws {
    var graph = Graph()
    let x = graph.addInput("x", type("rows", 2))
    let c = graph.addConstant(
      "c", Constant(Tensor(.float8E5M2, [2], bytes: view([0, 0])), provenance: Provenance()))
    graph.addOutput("y", try graph.addNode("node", .unary(Unary(.relu)), [x]))
    graph.addOutput("c8", c)
    let error = #expect(throws: GraphError.self) { try ONNXExport(graph, metadata: .plain, producer: "assay") }
    #expect(error?.description.contains("F8_E5M2") == true)
  }
}

/// What a callback was told.
private final class Shares: Sendable {
  private let told = Mutex<[Double]>([])
  var all: [Double] { told.withLock { $0 } }
  func add(_ share: Double) { told.withLock { $0.append(share) } }
}
