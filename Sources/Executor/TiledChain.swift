import IR
import Kernels
import Tensors

/// A run of time-local nodes, computed a tile of frames at a time: long audio needs no more memory than short.
///
/// Which frames a tile of the last value needs follows from each convolution's stride and kernel. Tiles are computed
/// side by side, each by one worker; no number depends on where tiles begin, but for a group norm's sums, which are
/// added up in the order of tiles that are cut the same way for any number of workers.
struct TiledChain {
  /// One node on the way.
  struct Stage {
    let node: Int
    /// Input frames from one output frame to the next, and how many one output frame needs.
    let stride, span: Int
    /// Frames and channels of the result.
    let frames, width: Int
  }

  let stages: [Stage]
  let batches: Int
  /// Frames and channels of what goes in.
  let inputFrames, inputWidth: Int

  /// A tile is at most this many frames of the chain's last value: what lies between fits the third cache.
  private static let tileFrames = 32
  /// Frames of a value whose statistics are taken, for one task: a sixth of a second of audio after its first
  /// convolution gives several workers a share.
  private static let statisticsFrames = 512

  init(_ nodes: [Int], _ graph: Graph, _ shapes: [Shape?]) {
    let input = shapes[graph.nodes[nodes[0]].inputs[0]!.index]!
    (batches, inputFrames) = (input[0], input[1])
    inputWidth = input.rank == 3 ? input[2] : 1
    stages = nodes.map { index in
      let shape = shapes[graph.nodes[index].output.index]!
      var (stride, span) = (1, 1)
      if case .conv(let conv) = graph.nodes[index].op {
        stride = conv.stride
        span = conv.dilation * (shapes[graph.nodes[index].inputs[1]!.index]![2] - 1) + 1
      }
      return Stage(node: index, stride: stride, span: span, frames: shape[1], width: shape[2])
    }
  }

  /// How many frames of the last value one task computes, for `workers` of them.
  private func tile(workers: Int) -> Int {
    max(1, min(TiledChain.tileFrames, (stages.last!.frames + workers - 1) / workers))
  }

  /// The frames that each stage up to `last` computes for `frames` of that one, and the input frames before them all.
  private func ranges(_ frames: Range<Int>, last: Int) -> (input: Range<Int>, stages: [Range<Int>]) {
    var ranges = [frames]
    for stage in stages[...last].reversed() {
      let needed = ranges[0]
      ranges.insert(
        needed.lowerBound * stage.stride..<(needed.upperBound - 1) * stage.stride + stage.span, at: 0)
    }
    return (ranges[0], Array(ranges.dropFirst()))
  }

  /// How many floats all workers hold at once between stages.
  func scratchCount(workers: Int) -> Int {
    let last = stages.count - 1
    return 2 * workers * roomCount(ranges(0..<tile(workers: workers), last: last).stages)
  }

  private func roomCount(_ ranges: [Range<Int>]) -> Int {
    zip(ranges, stages).map { $0.count * $1.width }.max() ?? 0
  }
}

extension TiledChain {
  /// Computes the chain's last value from `input` into `output`; `operands` gives a node's constants.
  func compute(
    _ graph: Graph, _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, pool: BlockPool,
    workers: Workers, constants: (_ node: Int, _ shape: Shape) -> Operands
  ) {
    var scales: [Int: [ColumnScales]] = [:]
    for (index, stage) in stages.enumerated() {
      guard case .groupNormalization(let norm) = graph.nodes[stage.node].op else { continue }
      let operands = constants(stage.node, [1, stage.frames, stage.width])
      scales[index] = (0..<batches).map { batch in
        let (sums, squares) = statistics(
          before: index, graph, input + batch * inputFrames * inputWidth, batch, pool, workers, scales, constants)
        return ColumnScales(
          sums: sums, squares: squares, count: stage.frames, groups: norm.groups, scale: operands.optional(1),
          bias: operands.optional(2), epsilon: norm.epsilon)
      }
    }
    let last = stages.count - 1
    let size = tile(workers: workers.count)
    let tiles = (stages[last].frames + size - 1) / size
    workers.run(tasks: batches * tiles) { task in
      let (batch, first) = (task / tiles, task % tiles * size)
      let frames = first..<min(first + size, stages[last].frames)
      let target = output + (batch * stages[last].frames + first) * stages[last].width
      walk(
        frames, to: last, graph, input + batch * inputFrames * inputWidth, batch, pool, scales, constants,
        result: target)
    }
  }

  /// Sums and sums of squares of each channel of what enters stage `index`, over all its frames.
  private func statistics(
    before index: Int, _ graph: Graph, _ input: UnsafePointer<Float>, _ batch: Int, _ pool: BlockPool,
    _ workers: Workers, _ scales: [Int: [ColumnScales]], _ constants: (Int, Shape) -> Operands
  ) -> (sums: [Double], squares: [Double]) {
    let stage = stages[index]
    let size = TiledChain.statisticsFrames
    let tiles = (stage.frames + size - 1) / size
    var partial = [[Double]](repeating: [], count: tiles)
    partial.withUnsafeMutableBufferPointer { partial in
      nonisolated(unsafe) let partial = partial  // each task has an element of its own
      workers.run(tasks: tiles) { tile in
        let frames = tile * size..<min((tile + 1) * size, stage.frames)
        let block = pool.take(frames.count * stage.width)
        walk(frames, to: index - 1, graph, input, batch, pool, scales, constants, result: block.pointer)
        var both = [Double](repeating: 0, count: 2 * stage.width)
        both.withUnsafeMutableBufferPointer {
          addColumnSums(
            block.contents, rows: frames.count, columns: stage.width, sums: $0.baseAddress!,
            squares: $0.baseAddress! + stage.width)
        }
        pool.give(back: block)
        partial[tile] = both
      }
    }
    let total = partial.dropFirst().reduce(partial[0]) { zip($0, $1).map { $0 + $1 } }
    return (Array(total[..<stage.width]), Array(total[stage.width...]))
  }

  /// Takes some frames of stage `last` all the way from the input.
  private func walk(
    _ frames: Range<Int>, to last: Int, _ graph: Graph, _ input: UnsafePointer<Float>, _ batch: Int, _ pool: BlockPool,
    _ scales: [Int: [ColumnScales]], _ constants: (Int, Shape) -> Operands, result: UnsafeMutablePointer<Float>
  ) {
    let (needed, ranges) = ranges(frames, last: last)
    var room = [pool.take(roomCount(ranges)), pool.take(roomCount(ranges))]
    defer { for block in room { pool.give(back: block) } }
    var current = input + needed.lowerBound * inputWidth
    var shape: Shape = [1, needed.count, inputWidth]
    for (index, stage) in stages[...last].enumerated() {
      let op = graph.nodes[stage.node].op
      // A waveform is frames of one channel as it lies.
      if case .reshape = op { continue }
      let isInPlace = op.evaluation.inPlaceInputs.contains(0) && current == room[0].contents
      let target = index == last ? result : isInPlace ? room[0].pointer : room[1].pointer
      let output: Shape = [1, ranges[index].count, stage.width]
      if let scales = scales[index] {
        scales[batch].apply(current, target, rows: output[1], stride: output[2])
      } else {
        op.evaluation.compute(constants(stage.node, output).feeding(current, shape, into: target))
      }
      if !isInPlace { room.swapAt(0, 1) }
      (current, shape) = (UnsafePointer(target), output)
    }
    // A chain that ends in a reshape has nothing left to compute.
    if current == input + needed.lowerBound * inputWidth { result.update(from: current, count: shape.count) }
  }
}
