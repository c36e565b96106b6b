import Bytes
import Executor
import Frontends
import IR
import Kernels
import Tensors
import Verification

/// As many threads as the machine has cores.
public let defaultThreads = activeProcessorCount()

/// Runs golden cases on a model as its own preprocessing says.
public struct Judge {
  private let model: Model
  private let verifier: Verifier

  /// Prepares `model` for running on `threads` threads.
  public init(_ model: Model, threads: Int) throws {
    self.model = model
    verifier = Verifier(try inFile(model.path) { try Executor(model.graph, threads: threads) })
  }

  /// The outcome of each case; a case that cannot be judged throws, and is named.
  public func results(_ cases: [GoldenCase]) throws -> [CaseResult] {
    try cases.map { golden in
      try golden.requireSystem(model.system, of: model.path)
      return try inFile(model.path) { try verifier.judge(golden, prepare: prepare) }
    }
  }

  private func prepare(_ input: GoldenCase.Input) throws -> NamedTensors {
    switch input {
    case .graph(let tensors): return tensors
    case .zeros(let samples):
      return try model.signal([Float](repeating: 0, count: samples), from: "the case's silence")
    case .waveform(let waveform):
      return try model.signal(Clip.monoSamples(waveform, from: "the case's waveform"), from: "the case's waveform")
    case .audio(let path):
      return try model.signal(Clip.load(path, rate: model.preprocessing.sampleRate).samples, from: path)
    }
  }
}

extension GoldenCase {
  /// Throws unless the case is for the system of the model at `path`.
  func requireSystem(_ system: ModelSystem, of path: String) throws {
    guard self.system == system.rawValue else {
      throw Failure(
        "\(path): the case \"\(name)\" is for the system \(self.system); the model is of \(system.rawValue)")
    }
  }
}
