import Bytes
import Formats
import Tensors
import TestSupport
import Testing

/// What tools/golden/make_formats.py says of the files in golden/formats.
struct Corpus {
  let folder: String
  let expected: [JSON.Member]

  init(_ folder: String) throws {
    self.folder = Repository.golden("formats/" + folder)
    expected = try #require(try Repository.json(self.folder + "/expected.json").object)
  }

  func path(_ file: String) -> String { folder + "/" + file }
}

/// Opens a file as what it is and reads every tensor.
func readAll(_ region: ByteRegion, as format: FileFormat) throws(FormatError) {
  let source: any TensorSource
  switch format {
  case .safetensors: source = try SafetensorsFile(region)
  case .npy:
    _ = try NPYFile.read(region)
    return
  case .onnx: source = try ONNXFile(region)
  default: source = try PyTorchCheckpoint(region)
  }
  for entry in source.entries { _ = try source.tensor(entry.name).digest }
}

extension FormatError.Reason {
  /// The case's name.
  var kind: String { String(String(describing: Mirror(reflecting: self).children.first?.label ?? "")) }
}

/// The same names, types, shapes and digests, in the same order.
func expectTensors(_ source: some TensorSource, _ expected: JSON?, ordered: Bool = true, _ file: String) throws {
  var expected = try #require(expected?.array)
  var entries = source.entries
  if !ordered {
    expected.sort { Name($0["name"]?.string ?? "") < Name($1["name"]?.string ?? "") }
    entries.sort { Name($0.name) < Name($1.name) }
  }
  #expect(entries.map { Name($0.name) } == expected.map { Name($0["name"]?.string ?? "") }, "\(file)")
  for (entry, json) in zip(entries, expected) {
    #expect(entry.dataType.rawValue == json["dtype"]?.string, "\(file) \(entry.name)")
    #expect(entry.shape.dimensions == json["shape"]?.array?.compactMap(\.int), "\(file) \(entry.name)")
    let tensor = try source.tensor(entry.name)
    #expect(tensor.shape == entry.shape && tensor.dataType == entry.dataType, "\(file) \(entry.name)")
    #expect(tensor.digest.description == json["sha256"]?.string, "\(file) \(entry.name)")
  }
}

@Suite struct CorpusTests {
  @Test func pytorchFilesHoldWhatTorchSays() throws {
    let corpus = try Corpus("pytorch/accept")
    #expect(corpus.expected.count > 80)
    for (file, json) in corpus.expected.map({ ($0.name, $0.value) }) {
      let region = try ByteRegion.mapping(corpus.path(file))
      let checkpoint = try PyTorchCheckpoint(region)
      #expect(checkpoint.format.rawValue == json["format"]?.string, "\(file)")
      #expect(FileFormat.of(region) == checkpoint.format, "\(file)")
      #expect(checkpoint.globals.map(\.description) == json["globals"]?.array?.compactMap(\.string), "\(file)")
      #expect(checkpoint.leftOut.map(\.name) == json["leftOut"]?.array?.compactMap(\.string), "\(file)")
      try expectTensors(checkpoint, json["tensors"], file)
    }
    #expect(fileKind("canary-of-assay") == .missing)
  }

  @Test func safetensorsFilesHoldWhatTheLibrarySays() throws {
    let corpus = try Corpus("safetensors/accept")
    for (file, json) in corpus.expected.map({ ($0.name, $0.value) }) {
      let region = try ByteRegion.mapping(corpus.path(file))
      #expect(FileFormat.of(region) == .safetensors, "\(file)")
      let source = try SafetensorsFile(region)
      try expectTensors(source, json["tensors"], ordered: false, file)
      #expect(source.metadata.map(\.name) == json["metadata"]?.object?.map(\.name), "\(file)")
    }
  }

  @Test func onnxFilesHoldWhatTheOnnxPackageSays() throws {
    let corpus = try Corpus("onnx/accept")
    #expect(corpus.expected.count >= 10)
    for (file, json) in corpus.expected.map({ ($0.name, $0.value) }) {
      let region = try ByteRegion.mapping(corpus.path(file))
      #expect(FileFormat.of(region) == .onnx, "\(file)")
      let source = try ONNXFile(region)
      try expectTensors(source, json["tensors"], file)
      #expect(source.leftOut.map(\.name) == json["leftOut"]?.array?.compactMap(\.string), "\(file)")
      #expect(source.model.graph.nodes.count == json["nodes"]?.int)
      #expect(source.model.opsets.first?.domain == "" && source.model.opsets.first?.version == json["opset"]?.int)
    }
  }

  @Test func onnxGraphsAreShownWhetherTheyCanRunOrNot() throws {
    func lines(_ file: String) throws -> [String] {
      try ONNXFile(ByteRegion.mapping(Repository.golden("formats/onnx/accept/\(file).onnx"))).model.lines
    }
    #expect(
      try lines("attributes") == [
        "input x: FLOAT[batch, 2]",
        "y, _ = com.example::Strange(x, _, w) {alpha=1.5, axis=-1, numbers=[1, 2], text=\"t\u{E9}xt\", "
          + "words=[\"a\", \"b\"]}  odd\n",
        "output y: FLOAT",
      ])
    #expect(
      try lines("subgraph") == [
        "input x: FLOAT[batch, 2]",
        "y = If(x) {else_branch=graph then, then_branch=graph then}  choice",
        "  else_branch: graph then", "    c = Constant() {value=FLOAT[1]}", "    output c: FLOAT[1]",
        "  then_branch: graph then", "    c = Constant() {value=FLOAT[1]}", "    output c: FLOAT[1]",
        "output y: FLOAT",
      ])
    #expect(try lines("function").suffix(2) == ["function local::Twice(a) -> b", "  b = Add(a, a)"])
  }

  @Test func arraysHoldWhatNumPySays() throws {
    let corpus = try Corpus("npy/accept")
    for (file, json) in corpus.expected.map({ ($0.name, $0.value) }) {
      let region = try ByteRegion.mapping(corpus.path(file))
      #expect(FileFormat.of(region) == .npy, "\(file)")
      let tensor = try NPYFile.read(region)
      #expect(tensor.dataType.rawValue == json["dtype"]?.string, "\(file)")
      #expect(tensor.shape.dimensions == json["shape"]?.array?.compactMap(\.int), "\(file)")
      #expect(tensor.digest.description == json["sha256"]?.string, "\(file)")
      if json["fortran"]?.bool == false && !file.hasPrefix("version") {
        #expect(try NPYFile.encode(tensor) == region.view.array, "\(file)")
      }
    }
  }

  @Test(arguments: [("pytorch", FileFormat.pytorchZip), ("safetensors", .safetensors), ("npy", .npy), ("onnx", .onnx)])
  func refusesForTheRightReason(_ folder: String, _ format: FileFormat) throws {
    let corpus = try Corpus(folder + "/reject")
    #expect(corpus.expected.count > 15)
    for (file, json) in corpus.expected.map({ ($0.name, $0.value) }) {
      do throws(FormatError) {
        try readAll(ByteRegion.mapping(corpus.path(file)), as: format)
        Issue.record("accepted \(file)")
      } catch {
        #expect(error.reason.kind == json.string, "\(file): \(error)")
        #expect(error.file != nil && !error.description.contains("\n"), "\(file): \(error)")
      }
    }
  }

  @Test(arguments: ["model.safetensors.index.json", "pytorch_model.bin.index.json"])
  func readsShards(_ index: String) throws {
    let corpus = Repository.golden("formats/sharded/")
    let source = try ShardedCheckpoint.open(corpus + index)
    try expectTensors(source, try Repository.json(corpus + "expected.json"), index)
  }
}
