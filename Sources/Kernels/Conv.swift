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

  /// Numbers that `conv` needs as scratch for each worker: none where rows of the input serve as they are.
  public var scratchCount: Int {
    if dilation > 1 { return frames * kernel * channels / groups }
    return groups == 1 && before + after == 0 ? 0 : (time + before + after) * (channels / groups)
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

/// One batch element of a convolution as matrix products over overlapping rows.
///
/// x [time, channels], weight [outputs, kernel, channels / groups] -> y [frames, outputs]. Without padding, groups
/// and dilation nothing is copied: output frame t multiplies the kernel · channels numbers that start at frame
/// t · stride. Otherwise each group's padded channels are gathered first, once.
public func conv(
  _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  into y: UnsafeMutablePointer<Float>, _ shape: ConvShape, workers: Workers
) {
  let (frames, outputs) = (shape.frames, shape.outputs)
  if shape.scratchCount == 0 {
    multiply(
      Matrix(x, stride: shape.stride * shape.channels),
      transposed: Matrix(weight, stride: shape.kernel * shape.channels), bias: bias, into: y, columnStride: outputs,
      m: frames, n: outputs, k: shape.kernel * shape.channels, workers: workers)
    return
  }
  let (width, groupOutputs) = (shape.channels / shape.groups, shape.outputs / shape.groups)
  let rowLength = shape.kernel * width
  let alone = Workers(1)
  workers.run(tasks: shape.groups) { group in
    withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.scratchCount) { scratch in
      let rows = scratch.baseAddress!
      if shape.dilation == 1 {
        gather(x + group * width, into: rows, shape, width)
      } else {
        gatherDilated(x + group * width, into: rows, shape, width)
      }
      multiply(
        Matrix(rows, stride: shape.dilation == 1 ? shape.stride * width : rowLength),
        transposed: Matrix(weight + group * groupOutputs * rowLength, stride: rowLength),
        bias: bias.map { $0 + group * groupOutputs }, into: y + group * groupOutputs, columnStride: outputs, m: frames,
        n: groupOutputs, k: rowLength, workers: shape.groups == 1 ? workers : alone)
    }
  }
}

/// Copies a group's channels between zeros for the padding.
private func gather(_ x: UnsafePointer<Float>, into rows: UnsafeMutablePointer<Float>, _ shape: ConvShape, _ width: Int)
{
  rows.update(repeating: 0, count: shape.before * width)
  for frame in 0..<shape.time {
    (rows + (shape.before + frame) * width).update(from: x + frame * shape.channels, count: width)
  }
  (rows + (shape.before + shape.time) * width).update(repeating: 0, count: shape.after * width)
}

/// Copies the taps of every output frame side by side, zeros where they fall on padding.
private func gatherDilated(
  _ x: UnsafePointer<Float>, into rows: UnsafeMutablePointer<Float>, _ shape: ConvShape, _ width: Int
) {
  for frame in 0..<shape.frames {
    for tap in 0..<shape.kernel {
      let source = frame * shape.stride + tap * shape.dilation - shape.before
      let row = rows + (frame * shape.kernel + tap) * width
      if (0..<shape.time).contains(source) {
        row.update(from: x + source * shape.channels, count: width)
      } else {
        row.update(repeating: 0, count: width)
      }
    }
  }
}
