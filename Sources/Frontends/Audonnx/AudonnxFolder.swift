import Bytes
import Formats

/// An ONNX model as audonnx keeps it: `model.yaml` and the ONNX file it names, or, as older ones have it, `model.onnx`
/// with `labels.yaml` and `transform.yaml` where there are any.
///
/// Follows audonnx 1.0.1 (`audonnx/core/api.py`, `model.py`); labels are read as text.
public struct AudonnxFolder: Sendable {
  /// The folder.
  public let folder: String
  /// The files that were read beside the ONNX file, in the folder.
  public let files: [String]
  /// The class and version that `model.yaml` starts with; nil without one.
  public let type: AudonnxClass?
  /// The path of the ONNX file.
  public let onnxPath: String
  /// The ONNX file.
  public let onnx: ONNXFile
  /// What is fed, in the file's order.
  public let inputs: [AudonnxInput]
  /// What comes out, in the file's order, with labels.
  public let outputs: [AudonnxOutput]
  /// Choices and oddities, a line each.
  public let notes: [String]

  private let transforms: [AudonnxDescription.Transform]

  /// What every waveform model's user should know.
  static let stereo = "stereo is mixed down to mono; audonnx would lay the channels end to end"

  /// True where there is something of audonnx at `path`: a folder with `model.yaml` or `model.onnx`, a yaml file, or an
  /// ONNX file that one describes.
  public static func isThere(_ path: String) -> Bool { AudonnxPlace(path) != nil }

  /// Opens what `isThere` finds at `path`. A model that does not take the waveform as it is opens too.
  public static func open(_ path: String) throws(FormatError) -> AudonnxFolder {
    guard let place = AudonnxPlace(path) else {
      throw FormatError(
        AudonnxDescription.format, .missing("model.yaml or model.onnx in a folder, or a yaml beside an ONNX file"),
        file: path)
    }
    let opened = try AudonnxFolder(place)
    if path.hasSuffix(".onnx"), fileKind(path) == .file, resolvedPath(path) != resolvedPath(opened.onnxPath) {
      throw FormatError(
        AudonnxDescription.format,
        .invalid("\(opened.files[0]) beside this file describes another, \(opened.onnxPath)"),
        file: path)
    }
    return opened
  }

  private init(_ place: AudonnxPlace) throws(FormatError) {
    let description = try place.description()
    (folder, files, type, transforms) = (place.folder, place.files, description.type, description.transforms)
    do throws(FormatError) {
      // What a yaml names stays in its folder; a name that nobody wrote is looked up as any other file.
      onnxPath = joinPath(folder, description.path)
      if type != nil {
        _ = try containedPath(
          description.path, in: folder, "the ONNX file", format: AudonnxDescription.format)
      }
    } catch {
      var error = error.inFile(joinPath(folder, files[0]))
      error.line = description.pathLine
      throw error
    }
    let region = try ByteRegion.mapping(onnxPath)
    guard FileFormat.of(region) == .onnx else {
      throw FormatError(
        AudonnxDescription.format, .invalid("the file's contents are \(FileFormat.of(region).rawValue), not onnx"),
        file: onnxPath)
    }
    onnx = try ONNXFile(region)
    let graph = onnx.model.graph
    let constants = Set(graph.initializers.map { Name($0.name) })
    inputs = graph.inputs.filter { !constants.contains(Name($0.name)) }.map { info in
      let transform = description.transforms.first { $0.input.map { Name($0) == Name(info.name) } ?? true }
      return AudonnxInput(name: info.name, shape: info.lengths, transform: transform?.type)
    }
    var notes = [place.passedOver].compactMap(\.self)
    do throws(FormatError) {
      outputs = try AudonnxFolder.outputs(graph, description.labels, &notes)
    } catch { throw error.inFile(joinPath(folder, files.first ?? description.path)) }
    if inputs.contains(where: \.isWaveform) { notes.append(AudonnxFolder.stereo) }
    self.notes = notes
  }

  private static func outputs(
    _ graph: ONNXGraph, _ labels: AudonnxDescription.Labels, _ notes: inout [String]
  ) throws(FormatError) -> [AudonnxOutput] {
    var stated: [Name: (labels: [String], line: Int)] = [:]
    switch labels {
    case .none: break
    case .ofTheOnlyOutput(let labels, let line):
      guard graph.outputs.count == 1 else {
        throw FormatError(
          AudonnxDescription.format, .invalid("one list of labels, and the model has \(graph.outputs.count) outputs"),
          line: line)
      }
      stated[Name(graph.outputs[0].name)] = (labels, line)
    case .byOutput(let lists):
      for list in lists { stated[Name(list.output)] = (list.labels, list.line) }
    }
    let outputs = try graph.outputs.map { (info) throws(FormatError) in
      let own = stated.removeValue(forKey: Name(info.name))
      do throws(FormatError) { return try AudonnxOutput(info, stated: own?.labels) } catch {
        var error = error
        error.line = own?.line
        throw error
      }
    }
    notes += stated.keys.sorted().map {
      "the labels of \"\($0.text)\" belong to no output; audonnx passes them over too"
    }
    return outputs
  }

  /// Throws where a transform would have to compute features, by its name.
  public func requireRawWaveform() throws(FormatError) {
    guard let transform = transforms.first else { return }
    let input = transform.input.map { " of the input \"\($0)\"" } ?? ""
    throw FormatError(
      AudonnxDescription.format,
      .unsupported(
        "the transform \(transform.type.name)\(input): features other than the raw waveform are not computed; "
          + "a model whose transform is null can be used"),
      line: transform.line, file: joinPath(folder, files.last ?? ""))
  }
}
