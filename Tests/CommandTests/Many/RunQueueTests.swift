import Bytes
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import AssayKit

@Suite struct RunQueueTests {
  private static let files = [
    "audio/containers/pcm16.flac", "audio/containers/a-law.wav", "audio/nowhere.wav", "audio/containers/stereo.mp3",
    "audio/containers/empty.wav", "audio/containers/mu-law.au", "audio/containers/ima.wav",
  ].map(Repository.golden)

  /// What comes of each input, in the order in which it is told.
  private func results(
    _ runner: Runner, _ files: [String] = files, threads: Int, jobs: Int? = nil, budget: Int = 1 << 30
  ) throws -> [String] {
    let queue = try RunQueue(runner, RunInput.all(files), threads: threads, jobs: jobs, budget: budget)
    var told: [String] = []
    try queue.run { _, result in
      result.outputs.map { "\($0.name) \($0.tensor.digest)" }.joined(separator: " ")
    } take: { input, outcome in
      switch outcome {
      case .success(let text): told.append("\(input.path) \(text)")
      case .failure(let failure): told.append("\(input.path) \(failure)")
      }
    }
    return told
  }

  /// Layer norm and group norm over time, as built and as ONNX files are read.
  @Test(arguments: [
    ("models/audeering/safetensors", false), ("models/base", false), ("onnx/superb-ts12/model.onnx", true),
    ("onnx/audeering-dynamo20/model.onnx", true),
  ])
  func aClipGivesTheSameBitsAloneAndInCompany(_ model: String, _ unfused: Bool) throws {
    let runner = try Runner(Model.open(Repository.golden(model), unfused: unfused), threads: 3, layers: true)
    let alone = try Self.files.map { try results(runner, [$0], threads: 3)[0] }
    #expect(alone.count(where: { $0.contains("layer.1 ") }) == 5 && Set(alone).count == 7)
    for (threads, jobs) in [(1, nil), (2, nil), (5, 3)] as [(Int, Int?)] {
      #expect(try results(runner, threads: threads, jobs: jobs) == alone, "\(threads) threads, \(jobs ?? 0) jobs")
    }
    // Where nothing fits beside anything, each runs alone.
    #expect(try results(runner, threads: 4, budget: 1) == alone)
  }

  @Test func aFailureOfTheOutputStopsTheRest() throws {
    struct Full: Error {}
    let runner = try Runner(Model.open(Recordings.model), threads: 2)
    let inputs = (0..<100).map { RunInput(path: Self.files[1], name: "\($0)") }
    let queue = try RunQueue(runner, inputs, threads: 2)
    let made = Atomic(0)
    var told = 0
    #expect(throws: Full.self) {
      try queue.run { input, _ in
        made.add(1, ordering: .relaxed)
        if input.name == "4" { throw Full() }
      } take: { _, _ in
        told += 1
      }
    }
    // Those before it are told of; a few had begun.
    #expect(told == 4 && made.load(ordering: .relaxed) <= 12)
    told = 0
    #expect(throws: Full.self) {
      try queue.run { _, _ in
      } take: { _, _ in
        told += 1
        throw Full()
      }
    }
    #expect(told == 1)
  }

  @Test func recordingsAreReadAsTheyAreNeeded() throws {
    let runner = try Runner(Model.open(Recordings.model), threads: 2)
    let queue = try RunQueue(runner, RunInput.all([String](repeating: Self.files[1], count: 30)), threads: 2)
    let made = Atomic(0)
    var (told, most) = (0, 0)
    try queue.run { _, _ in
      made.add(1, ordering: .relaxed)
    } take: { _, _ in
      told += 1
      most = max(most, made.load(ordering: .relaxed) - told)
    }
    #expect(told == 30 && most <= 2 * queue.jobs + 2)
  }

  @Test func threadsAreSharedOut() throws {
    let runner = try Runner(Model.open(Recordings.model), threads: 1)
    func shares(_ count: Int, threads: Int, jobs: Int? = nil, bytes: Int = 1) throws -> [Int] {
      let inputs = (0..<count).map { RunInput(path: "\($0)", name: "\($0)") }
      let queue = try RunQueue(runner, inputs, threads: threads, jobs: jobs, budget: 1000)
      return (0..<count).map { queue.share(of: $0, bytes: bytes) }
    }
    #expect(try shares(1, threads: 4) == [4])
    #expect(try shares(4, threads: 4) == [1, 1, 1, 1])
    // What is left at the end has more each.
    #expect(try shares(5, threads: 2) == [1, 1, 1, 1, 2])
    #expect(try shares(6, threads: 4) == [1, 1, 1, 1, 2, 2])
    #expect(try shares(3, threads: 4) == [2, 1, 1])
    #expect(try shares(4, threads: 4, jobs: 2) == [2, 2, 2, 2])
    #expect(try shares(3, threads: 4, jobs: 1) == [4, 4, 4])
    // Two fit into memory, and one that never does.
    #expect(try shares(4, threads: 4, bytes: 400) == [2, 2, 2, 2])
    #expect(try shares(4, threads: 4, bytes: 5000) == [4, 4, 4, 4])
  }

  @Test func theGateLetsInWhatFits() throws {
    let gate = RunGate(threads: 4, bytes: 100)
    let running = Mutex((0, 0))
    let most = Mutex((0, 0))
    try inOrder(300, threads: 8, window: 16) { number in
      let (threads, bytes) = (number % 3 + 1, number % 7 == 0 ? 1000 : number % 50)
      gate.run(threads: threads, bytes: bytes) {
        let now = running.withLock { running in
          running = (running.0 + threads, running.1 + bytes)
          return running
        }
        most.withLock { $0 = (max($0.0, now.0), max($0.1, bytes == 1000 ? 0 : now.1)) }
        if bytes == 1000 { #expect(now.1 == 1000) }
        usleep(500)
        running.withLock { $0 = ($0.0 - threads, $0.1 - bytes) }
      }
      return number
    } take: { _, _ in
    }
    let (threads, bytes) = most.withLock { $0 }
    #expect(threads <= 4 && bytes <= 100)
  }

  @Test func progressSaysHowFarItIs() {
    var progress = RunProgress(total: 100)
    #expect(progress.text(after: 0) == "0 of 100 files")
    for _ in 0..<20 { progress.add(seconds: 5) }
    #expect(progress.text(after: 4) == "20 of 100 files, 25.0 s of audio a second, 0:16 left")
    #expect(progress.text(after: 4000) == "20 of 100 files, 0.0 s of audio a second, 4:26:40 left")
    for _ in 0..<80 { progress.add(seconds: 0) }
    #expect(progress.text(after: 10) == "100 of 100 files, 10.0 s of audio a second")
  }
}
