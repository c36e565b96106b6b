/// The lengths of one convolution along time, channels last.
public struct ConvShape: Sendable {
  var time, channels, outputs, kernel, stride, before, after, dilation, groups: Int

  /// Describes a convolution whose sizes the caller has checked.
  public init(
    time: Int, channels: Int, outputs: Int, kernel: Int, stride: Int, before: Int, after: Int, dilation: Int,
    groups: Int
  ) {
    self.time = time
    self.channels = channels
    self.outputs = outputs
    self.kernel = kernel
    self.stride = stride
    self.before = before
    self.after = after
    self.dilation = dilation
    self.groups = groups
  }

  /// Frames that come out.
  public var frames: Int { (time + before + after - dilation * (kernel - 1) - 1) / stride + 1 }

  /// True where every stride-long run of taps is a matrix product over the input as it lies.
  var readsInput: Bool {
    groups == 1 && before + after == 0 && dilation == 1 && kernel <= 3 * stride
  }
}

/// Rearranges a weight [outputs, channels, kernel] to [outputs, kernel, channels], so that a row of taps lies as a
/// row of frames does.
public func tapMajor(
  _ weight: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>, outputs: Int, channels: Int, kernel: Int,
  workers: Workers
) {
  workers.split(outputs, grain: 8) { range in
    for output in range {
      let (from, to) = (weight + output * channels * kernel, result + output * channels * kernel)
      for tap in 0..<kernel {
        for channel in 0..<channels { to[tap * channels + channel] = from[channel * kernel + tap] }
      }
    }
  }
}

/// One batch element of a convolution as matrix products of OpenBLAS: the reference, and for computed weights.
///
/// x [time, channels], weight [outputs, kernel, channels / groups] -> y [frames, outputs]. A kernel of a few strides
/// is cut into runs of at most `stride` taps: the rows that one run reads do not overlap, so nothing is copied.
/// Otherwise the taps of a tile of frames are gathered side by side, one group at a time.
public func conv(
  _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  into y: UnsafeMutablePointer<Float>, _ shape: ConvShape, workers: Workers
) {
  let (frames, outputs, rowLength) = (shape.frames, shape.outputs, shape.kernel * shape.channels / shape.groups)
  if shape.readsInput {
    for tap in stride(from: 0, to: shape.kernel, by: shape.stride) {
      let start = tap * shape.channels
      multiply(
        Matrix(x + start, stride: shape.stride * shape.channels), transposed: Matrix(weight + start, stride: rowLength),
        plus: tap == 0 ? .row(bias) : .result, into: y, columnStride: outputs, m: frames, n: outputs,
        k: min(shape.stride, shape.kernel - tap) * shape.channels, workers: workers)
    }
    return
  }
  let groupOutputs = outputs / shape.groups
  let tile = min(frames, max(8, min(64, gatheredLimit / rowLength)))
  let tiles = (frames + tile - 1) / tile
  workers.run(tasks: shape.groups * tiles) { task in
    let (group, first) = (task / tiles, task % tiles * tile)
    let rows = min(tile, frames - first)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * rowLength) { scratch in
      gather(x, into: scratch.baseAddress!, frames: first..<first + rows, group: group, shape)
      multiplyPiece(
        Matrix(scratch.baseAddress!, stride: rowLength),
        Matrix(weight + group * groupOutputs * rowLength, stride: rowLength),
        .row(bias.map { $0 + group * groupOutputs }), y + first * outputs + group * groupOutputs, outputs, rows,
        groupOutputs, rowLength)
    }
  }
}

/// About how many gathered numbers one task holds: 2 MiB of them.
private let gatheredLimit = 1 << 19

/// Copies the taps of output frames side by side, zeros where they fall on padding.
func gather(
  _ x: UnsafePointer<Float>, into rows: UnsafeMutablePointer<Float>, frames: Range<Int>, group: Int, _ shape: ConvShape
) {
  let width = shape.channels / shape.groups
  var row = rows
  for frame in frames {
    for tap in 0..<shape.kernel {
      let source = frame * shape.stride + tap * shape.dilation - shape.before
      if source >= 0 && source < shape.time {
        row.update(from: x + source * shape.channels + group * width, count: width)
      } else {
        row.update(repeating: 0, count: width)
      }
      row += width
    }
  }
}
