import Bytes
import Executor
import Frontends
import IR
import Passes
import Tensors

/// How clips of several lengths become one batch.
private enum BatchForm {
  /// Each clip is prepared, zeros follow it, and the model hears them.
  case zeros
  /// Zeros follow each clip, the whole row is prepared, and the model hears all of it.
  case row
  /// Each clip is prepared, zeros follow it, and the graph knows how long each is.
  case masked(MaskPadding.Promise)
}

extension Runner {
  /// All clips as one batch; one result for each clip, and the batch's own outputs.
  ///
  /// Without `masked` the batch is the one that the model's own framework makes of the clips, as far as that is known;
  /// with it each clip's results are those of a single run. Where the graph knows how long each clip is, a clip's results
  /// hold its own frames only, and the batch's outputs are zero beyond them.
  public func run(
    batch clips: [Clip], masked: Bool = false
  ) throws -> (results: [RunResult], outputs: [(name: String, tensor: Tensor)]) {
    for clip in clips { try model.check(clip.samples.count, clip.path) }
    try model.checkHolds(clips.count)
    let form = try model.batchForm(clips, masked)
    var inputs = try model.waveforms(clips, form)
    var (runner, own) = (self, MaskPadding.Masked?.none)
    if case .masked(let promise) = form {
      var heard = model
      let masked = try inFile(model.path) { try MaskPadding(promise).mask(&heard.graph) }
      inputs[masked.lengths] = Tensor(clips.map { Int64($0.samples.count) })
      (runner, own) = (try Runner(heard, threads: threads, outputs: names), masked)
    }
    let graph = runner.model.graph
    let computed = try runner.run(raw: inputs, name: "").outputs
    let outputs = names.map { name in
      let id = graph.value(called: name)!
      let tensor = computed.first { $0.name == name }!.tensor
      return BatchOutput(name, tensor, rows: graph.hasRows(id), extent: own?.extents[id])
    }
    let samples = clips.map(\.samples.count)
    let results = clips.enumerated().map { row, clip in
      RunResult(
        input: clip.path, name: clip.name, duration: clip.duration,
        outputs: outputs.map { ($0.name, $0.row(row, samples: samples[row])) }, labels: model.labels,
        preprocessing: model.preprocessing)
    }
    return (results, outputs.map { ($0.name, $0.zeroed(samples)) })
  }
}

extension Graph {
  /// True for a value whose first axis is the batch.
  fileprivate func hasRows(_ id: ValueID) -> Bool {
    self[id].type.dimensions.first == self[inputs[0]].type.dimensions.first
  }
}

extension Model {
  /// Throws where the graph's input is one waveform and there are more.
  fileprivate func checkHolds(_ count: Int) throws {
    let input = try requiredWaveformInput()
    guard count == 1 || input.rank > 1 && graph[graph.inputs[0]].type.dimensions[0].value == nil else {
      throw Failure(
        "\(path): the graph's input \"\(input.name)\" holds one waveform, and no batch; single runs, without --batch and "
          + "--masked, are what it can do")
    }
  }

  /// What is to be done; clips of one length need nothing.
  fileprivate func batchForm(_ clips: [Clip], _ masked: Bool) throws -> BatchForm {
    let longest = clips.map(\.samples.count).max() ?? 0
    guard let odd = clips.first(where: { $0.samples.count != longest }) else { return .zeros }
    if masked { return .masked(.singleRuns) }
    func refuse(_ why: String) -> Failure {
      Failure(
        "\(odd.path): is shorter than the longest clip, and \(why); --masked makes one batch that gives what single runs "
          + "give, clips of one length need no padding")
    }
    switch preprocessing.padding {
    case .zeros: return .zeros
    case .row: return .row
    case .masked: return .masked(.framework)
    case .single:
      throw refuse("this model's framework runs clips one by one, so that there is no padded batch like its")
    case nil: throw refuse("nothing says how this model's framework pads")
    }
  }

  /// The graph input that several waveforms become.
  fileprivate func waveforms(_ clips: [Clip], _ form: BatchForm) throws -> NamedTensors {
    let input = try requiredWaveformInput()
    let longest = clips.map(\.samples.count).max() ?? 0
    let rows = clips.flatMap { clip in
      let zeros = [Float](repeating: 0, count: longest - clip.samples.count)
      return if case .row = form { normalization(clip.samples + zeros) } else { normalization(clip.samples) + zeros }
    }
    return [input.name: Tensor(rows, shape: waveformShape(rows: clips.count, samples: longest))]
  }
}

/// One output of a batch.
private struct BatchOutput {
  let name: String
  private let tensor: Tensor
  private let hasRows: Bool
  private let extent: (axis: Int, count: FrameCount)?

  init(_ name: String, _ tensor: Tensor, rows: Bool, extent: (axis: Int, count: FrameCount)?) {
    (self.name, self.tensor, self.hasRows, self.extent) = (name, tensor, rows, extent)
  }

  /// What belongs to one clip, the batch's axis of length 1; all of it where no axis is the batch's.
  func row(_ index: Int, samples: Int) -> Tensor {
    guard hasRows else { return tensor }
    var lengths = tensor.shape.dimensions
    lengths[0] = 1
    let whole = Shape(lengths)
    let start = index * whole.count
    guard let extent else { return tensor.part([start..<start + whole.count], whole) }
    lengths[extent.axis] = own(samples, extent)
    let (inner, count) = (whole.strides[extent.axis], lengths[extent.axis])
    let blocks = stride(from: start, to: start + whole.count, by: max(whole[extent.axis] * inner, 1))
    return tensor.part(blocks.map { $0..<$0 + count * inner }, Shape(lengths))
  }

  /// How many positions a clip of so many samples has.
  private func own(_ samples: Int, _ extent: (axis: Int, count: FrameCount)) -> Int {
    min(max(extent.count(samples: samples), 0), tensor.shape[extent.axis])
  }

  /// The batch's output with zeros beyond each clip's own frames.
  func zeroed(_ samples: [Int]) -> Tensor {
    guard hasRows, let extent, tensor.count > 0 else { return tensor }
    let (size, shape) = (tensor.dataType.size, tensor.shape)
    let length = shape[extent.axis]
    let frame = shape.strides[extent.axis] * size
    var bytes = tensor.bytes.array
    for start in stride(from: 0, to: bytes.count, by: length * frame) {
      let row = start / (shape.strides[0] * size)
      let count = own(samples[row], extent)
      for place in start + count * frame..<start + length * frame { bytes[place] = 0 }
    }
    return Tensor(tensor.dataType, shape, bytes: ByteRegion(copying: bytes).view)
  }
}

extension Tensor {
  /// Some runs of elements as a tensor.
  fileprivate func part(_ runs: [Range<Int>], _ shape: Shape) -> Tensor {
    let size = dataType.size
    return Tensor(
      dataType, shape, pieces: runs.map { bytes[$0.lowerBound * size..<$0.upperBound * size] })
  }
}
