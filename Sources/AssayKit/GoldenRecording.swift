import Bytes
import Formats
import IR
import Tensors
import Verification

/// A golden case made of what a model computes here and now.
///
/// Such a case proves that a later model computes the same, never that it is right: its maker says so.
public struct GoldenRecording {
  /// The model.
  public let model: Model
  /// Whether the states of all layers are recorded too.
  public var layers = false
  /// How far a later model may be from the outputs.
  public var tolerance = Tolerance(
    absolute: 1e-5, relative: 0, reason: "float32 in another order of sums moves outputs by up to 3e-6")
  /// How far a later model may be from layer states.
  public var layerTolerance = Tolerance(
    absolute: 0, relative: 2e-4, reason: "float32 in another order of sums moves layers by up to 6e-6 of their largest")

  /// Starts with a model.
  public init(_ model: Model) { self.model = model }

  /// Runs the model on the recording at `input` and writes the case `target` (`NAME.golden.json`), its arrays beside it
  /// in `NAME.golden.safetensors`. Returns the names of both files.
  public func record(_ input: String, to target: String, threads: Int) throws -> [String] {
    guard target.hasSuffix(GoldenCase.suffix) else {
      throw Failure("\(target): the name of a golden case ends in \(GoldenCase.suffix)")
    }
    let (_, file) = splitPath(target)
    let name = String(file.dropLast(GoldenCase.suffix.count))
    guard !name.isEmpty else { throw Failure("\(target): a golden case has a name before \(GoldenCase.suffix)") }
    let clip = try Clip.load(input, rate: model.preprocessing.sampleRate)
    let result = try Runner(model, threads: threads, layers: layers).run(clip)
    let arrays = String(target.dropLast(".json".count)) + ".safetensors"
    func place(_ tensor: String) -> [(String, JSON?)] {
      [("file", JSON(splitPath(arrays).name)), ("tensor", JSON(tensor))]
    }
    let outputs = Set(model.graph.outputs.map { Name($0.name) })
    let document: JSON = [
      "golden": 1, "name": JSON(name), "system": JSON(model.system.rawValue),
      "input": JSON(members: [("kind", "waveform")] + place("input")),
      "expected": JSON(
        members: result.outputs.map { output in
          let own = outputs.contains(Name(output.name)) ? nil : layerTolerance.json
          return (output.name, JSON(members: place(output.name) + [("tolerance", own)]))
        }),
      "tolerance": tolerance.json, "maker": JSON(maker),
    ]
    try inFile(target) {
      // Both are whole before the first gets its name.
      let (writer, arrayWriter) = (try FileWriter(target), try FileWriter(arrays))
      try SafetensorsWriter.write([("input", Tensor(clip.samples))] + result.outputs, to: arrayWriter)
      try writer.write(Array(document.lined(levels: 2).utf8))
      try writer.sync()
      // An older document must not stand beside new arrays.
      try remove(target)
      try arrayWriter.publish()
      try writer.publish()
    }
    return [target, arrays]
  }

  /// The files of a recorded case as a document.
  public static func json(_ files: [String]) -> JSON { ["files": JSON(files)] }

  /// Who made the values: this tool, from which bytes.
  private var maker: String {
    var source = "a model folder"
    switch model.origin {
    case .artifact(let file): source = "an artifact with the root \(file.root)"
    case .source(let imported):
      let files = imported.files
      let weights = Set(files.weightFiles.map { Name($0) })
      let digests = files.places.filter { weights.contains(Name($0.name)) }.compactMap { name, path in
        (try? ByteRegion.mapping(path)).map { "\(name) sha256 \(Digest.of($0.view))" }
      }
      if !digests.isEmpty { source = digests.joined(separator: ", ") }
    }
    return "\(GoldenCase.selfMadeMaker), \(Conversion.tool), from \(source)"
  }
}
