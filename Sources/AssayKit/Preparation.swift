import Audio
import Bytes
import Formats
import Frontends
import IR
import Tensors

/// A recording brought to a model's rate, not yet normalised.
public struct Clip: Sendable {
  /// Where it was read, as the user named it.
  public let path: String
  /// What results call it; nil where nobody says.
  public let name: String?
  /// Mono samples at the model's rate.
  public let samples: [Float]
  /// Seconds of audio in the file.
  public let duration: Double

  /// Reads an audio file, or a `.npy` array taken as a mono waveform at the model's rate. Results
  /// call it `name`.
  public static func load(_ path: String, rate: Int, name: String? = nil) throws -> Clip {
    try inFile(path) {
      if fileKind(path) == .file {
        let region = try ByteRegion.mapping(path)
        if FileFormat.of(region) == .npy {
          let samples = try monoSamples(NPYFile.read(region), from: path)
          return Clip(path: path, name: name, samples: samples, duration: Double(samples.count) / Double(rate))
        }
      }
      let (waveform, duration) = try Waveform.load(path, rate: rate)
      return Clip(path: path, name: name, samples: waveform.samples, duration: duration)
    }
  }

  /// The samples of an array [n] or [1, n] of floats.
  static func monoSamples(_ tensor: Tensor, from place: String) throws -> [Float] {
    let shape = tensor.shape.dimensions
    guard tensor.dataType == .float32, shape.count == 1 || shape.count == 2 && shape[0] == 1 else {
      throw Failure("\(place): a waveform is an F32 array [n] or [1, n]; this is \(tensor.dataType.rawValue) \(shape)")
    }
    let samples = tensor.floats
    if let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw Failure("\(place): sample \(bad) is not finite")
    }
    return samples
  }
}

extension Model {
  /// The graph input that one waveform becomes: normalised as the model says, [1, samples] in a built graph.
  public func signal(_ samples: [Float], from place: String) throws -> NamedTensors {
    let input = try requiredWaveformInput()
    try check(samples.count, place)
    let normal = normalization(samples)
    return [input.name: Tensor(normal, shape: waveformShape(rows: 1, samples: normal.count))]
  }

  /// The graph's input that a waveform is; throws where there is none.
  func requiredWaveformInput() throws -> (name: String, rank: Int) {
    if let input = waveformInput { return input }
    let inputs = graph.inputs.map { "\(graph[$0].name): \(graph[$0].type)" }.joined(separator: ", ")
    throw Failure("\(path): no input of the graph is a waveform; feed \(inputs) with --input")
  }

  /// What is done to a waveform's level.
  var normalization: WaveformNormalization {
    preprocessing.normalizationEpsilon.map { .zeroMeanUnitVariance(epsilon: $0) } ?? .none
  }

  /// Throws where a clip is too short for one frame.
  func check(_ count: Int, _ place: String) throws {
    // Every layer works on a window; a clip shorter than all of them together has no frame. The search for the
    // shortest clip is for the message only.
    guard !accepts(samples: count) else { return }
    let minimum = minimumSamples
    guard count < minimum else { return }
    throw Failure(
      "\(place): \(count) samples at \(preprocessing.sampleRate) Hz are too few for one frame; "
        + "this model needs at least \(minimum)")
  }
}

extension Metadata.Preprocessing {
  /// The same with what the user says, where the model leaves it open.
  func normalizing(_ isAsked: Bool, _ system: ModelSystem) throws -> Metadata.Preprocessing {
    guard isAsked else { return self }
    guard system == .onnx else {
      throw Failure("a model of the system \(system.rawValue) says itself how recordings are normalised")
    }
    // A file of our own says it already.
    guard normalizationEpsilon == nil else { return self }
    // The constant that transformers adds to the variance.
    return Metadata.Preprocessing(sampleRate: sampleRate, normalizationEpsilon: 1e-7, padding: padding)
  }
}
