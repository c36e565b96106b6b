import Bytes
import Formats
import IR
import Tensors
import Verification

/// The arrays and recordings of golden cases in a folder. No name leads out of it.
package final class GoldenFolder: GoldenFiles {
  private let folder: String
  private var opened: [Name: SafetensorsFile] = [:]

  package init(_ folder: String) { self.folder = folder }

  /// The cases at `path`: one document, or every `*.golden.json` of a folder, sorted by name, or a folder of ONNX's
  /// test data, whose tensors without a name are those of `model`.
  package static func cases(_ path: String, of model: ONNXModel? = nil) throws -> [GoldenCase] {
    try inFile(path) {
      switch fileKind(path) {
      case .folder:
        if ONNXTestData.isHere(path) { return [try ONNXTestData.golden(path, of: model)] }
        let names = try folderEntries(path).filter { $0.hasSuffix(GoldenCase.suffix) }
        guard !names.isEmpty else { throw Failure("\(path): no file here ends in \(GoldenCase.suffix)") }
        let files = GoldenFolder(path)
        return try names.map { try files.read($0) }
      case .file:
        let (folder, name) = splitPath(path)
        return [try GoldenFolder(folder).read(name)]
      case .missing, .other: throw Failure("\(path): there is no golden case or folder of cases of this name")
      }
    }
  }

  private func read(_ name: String) throws -> GoldenCase {
    let path = joinPath(folder, name)
    return try inFile(path) {
      let region = try ByteRegion.mapping(path)
      guard region.count <= 64 << 20 else { throw Failure("\(path): a golden case has at most 64 MiB of text") }
      return try GoldenCase(JSON.read(region.view, format: GoldenCase.format), files: self)
    }
  }

  package func recording(_ file: String) throws(FormatError) -> String {
    guard !file.isEmpty, file != "..", file != ".", !file.utf8.contains(UInt8(ascii: "/")), !file.utf8.contains(0)
    else {
      throw FormatError(
        GoldenCase.format, .invalid("a file of a case is a plain name in its folder, found \"\(file)\""))
    }
    return joinPath(folder, file)
  }

  package func array(file: String, tensor: String?) throws(FormatError) -> Tensor {
    let path = try recording(file)
    if let tensor {
      if opened[Name(file)] == nil { opened[Name(file)] = try SafetensorsFile.open(path) }
      return try opened[Name(file)]!.tensor(tensor)
    }
    return try NPYFile.read(ByteRegion.mapping(path))
  }
}

/// The arrays of golden cases inside an artifact.
package struct EmbeddedGoldens: GoldenFiles {
  private let tensors: [Name: Tensor]

  /// The cases that an artifact carries; one that is no golden case breaks the artifact's rule of them.
  package static func cases(_ artifact: Artifact) throws(FormatError) -> [GoldenCase] {
    let (files, graph) = (EmbeddedGoldens(artifact), artifact.graph)
    let (inputs, values) = (Set(graph.inputs.map { Name(graph[$0].name) }), graph.valuesByName)
    return try artifact.goldens.map { (document) throws(FormatError) in
      do throws(FormatError) {
        let golden = try GoldenCase(document, files: files, rule: ArtifactRule.fields.label)
        guard Name(golden.system) == Name(artifact.metadata.system) else {
          throw FormatError(
            GoldenCase.format, .invalid("the case is for the system \(golden.system)"), offset: document.offset)
        }
        if case .graph(let given) = golden.input, let name = inputs.first(where: { given[$0.text] == nil }) {
          throw FormatError(
            GoldenCase.format, .missing("the graph input \"\(name.text)\""), offset: document.offset)
        }
        for member in document["expected"]?.object ?? [] where values[Name(member.name)] == nil {
          throw FormatError(
            GoldenCase.format, .missing("an output, state or node called \"\(member.name)\""),
            offset: member.value.offset)
        }
        for member in document["input"]?["tensors"]?.object ?? [] where !inputs.contains(Name(member.name)) {
          throw FormatError(
            GoldenCase.format, .missing("a graph input called \"\(member.name)\""), offset: member.value.offset)
        }
        return golden
      } catch {
        throw error.breaking(ArtifactRule.goldens.label)
      }
    }
  }

  private init(_ artifact: Artifact) {
    tensors = Dictionary(artifact.goldenTensors.map { (Name($0.name), $0.tensor) }) { first, _ in first }
  }

  package func recording(_ file: String) throws(FormatError) -> String {
    throw FormatError(GoldenCase.format, .unsupported("an embedded case with a recording; it holds the waveform"))
  }

  package func array(file: String, tensor: String?) throws(FormatError) -> Tensor {
    let name = EmbeddedGoldens.name(file, tensor)
    guard let tensor = tensors[Name(name)] else {
      throw FormatError(GoldenCase.format, .missing("no golden array of the artifact is called \"\(name)\""))
    }
    return tensor
  }

  private static func name(_ file: String, _ tensor: String?) -> String { tensor.map { file + "/" + $0 } ?? file }

  /// `cases` as an artifact holds them: documents whose arrays stand in the artifact under `CASE/...`.
  ///
  /// A recording is embedded as the waveform it decodes to at `rate`.
  static func embedding(_ cases: [GoldenCase], rate: Int) throws -> (
    documents: [JSON], tensors: [(name: String, tensor: Tensor)]
  ) {
    var tensors: [(name: String, tensor: Tensor)] = []
    let documents = try cases.map { golden in
      func place(_ key: String, _ tensor: Tensor) -> [(String, JSON?)] {
        tensors.append((name("golden/" + golden.name, key), tensor))
        return [("file", JSON("golden/" + golden.name)), ("tensor", JSON(key))]
      }
      var input: JSON
      switch golden.input {
      case .zeros(let samples): input = ["kind": "zeros", "samples": JSON(samples)]
      case .waveform(let waveform): input = JSON(members: [("kind", "waveform")] + place("input", waveform))
      case .audio(let path):
        let samples = try Clip.load(path, rate: rate).samples
        input = JSON(members: [("kind", "waveform")] + place("input", Tensor(samples)))
      case .graph(let named):
        let members = named.map { name, tensor in
          (name, Optional(JSON(members: place("input." + name, tensor))))
        }
        input = ["kind": "graph", "tensors": JSON(members: members)]
      }
      let expected = golden.expected.map { expected -> (String, JSON?) in
        var members: [(String, JSON?)] = []
        if let places = expected.places {
          members = [
            ("shape", JSON(expected.shape.dimensions)), ("at", JSON(places.map { JSON($0) })),
            ("values", JSON(expected.values.floats.map { JSON($0) })),
          ]
        } else {
          members = place(expected.name, expected.values.reshaped(expected.shape))
        }
        return (expected.name, JSON(members: members + [("tolerance", expected.tolerance.json)]))
      }
      return [
        "golden": 1, "name": JSON(golden.name), "system": JSON(golden.system), "input": input,
        "expected": JSON(members: expected), "tolerance": golden.document["tolerance"], "maker": JSON(golden.maker),
      ] as JSON
    }
    return (documents, tensors)
  }
}
