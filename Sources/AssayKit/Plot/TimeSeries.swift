import Tensors

/// A value that a model gives for each frame: [1, time, channels].
struct TimeSeries {
  let name: String
  let tensor: Tensor
  /// Positions before the first frame that are no time: tokens that a model sets before them.
  let tokens: Int
  /// Seconds from one frame to the next; nil where no audio was heard.
  let hop: Double?

  var frames: Int { tensor.shape[1] - tokens }
  var channels: Int { tensor.shape[2] }

  /// wav2vec 2.0's and data2vec's feature convolutions take a step of 320 samples at 16 kHz.
  private static let usualHop = 0.02

  /// All values of a result that are [1, time, channels], in its order. A layer's state that is longer than the result's
  /// `frames` has tokens before them.
  static func all(of result: RunResult) -> [TimeSeries] {
    let found = result.outputs.filter { _, tensor in
      tensor.dataType == .float32 && tensor.shape.rank == 3 && tensor.shape[0] == 1 && tensor.count > 0
    }
    let frames = found.first { $0.name == "frames" }?.tensor.shape[1]
    return found.map { name, tensor in
      let tokens = name.hasPrefix("layer.") ? frames.map { max(tensor.shape[1] - $0, 0) } ?? 0 : 0
      let count = tensor.shape[1] - tokens
      // The last frame ends where no further one fits: less than a hop and a half before the recording does.
      let isUsual = abs(result.duration - Double(count) * usualHop) <= 1.5 * usualHop
      let hop = isUsual ? usualHop : result.duration / Double(count)
      return TimeSeries(name: name, tensor: tensor, tokens: tokens, hop: result.duration > 0 ? hop : nil)
    }
  }

  /// The mean of each of `rows` x `columns` bins, channels down and time across, row by row; not a number or infinite where
  /// an element is.
  func means(rows: Int, columns: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: rows * columns)
    var counts = [Double](repeating: 0, count: rows * columns)
    let (rowOf, columnOf) = (TimeSeries.bins(channels, rows), TimeSeries.bins(frames, columns))
    tensor.withFloats { values in
      for (frame, column) in columnOf.enumerated() {
        let start = (tokens + frame) * channels
        for (channel, row) in rowOf.enumerated() {
          sums[row * columns + column] += Double(values[start + channel])
          counts[row * columns + column] += 1
        }
      }
    }
    return zip(sums, counts).map { $0 / $1 }
  }

  /// The L2 norm of the frames, their mean in each of `columns` bins.
  func norms(columns: Int) -> [Double] {
    var (sums, counts) = ([Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns))
    tensor.withFloats { values in
      for (frame, column) in TimeSeries.bins(frames, columns).enumerated() {
        let start = (tokens + frame) * channels
        sums[column] += values[start..<start + channels].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        counts[column] += 1
      }
    }
    return zip(sums, counts).map { $0 / $1 }
  }

  /// The bin of each of `count` positions; `bins` are no more than those.
  private static func bins(_ count: Int, _ bins: Int) -> [Int] { (0..<count).map { $0 * bins / count } }
}
