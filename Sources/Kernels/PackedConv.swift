/// One batch element of a convolution as products with a packed weight.
///
/// x [time, channels], weight [outputs, kernel · channels / groups] in `groups` groups -> y [frames, outputs]. The taps
/// of a frame are one row and neighbouring rows overlap, so nothing is copied; only padding and groups ask for a copy
/// of the frames that one task reads, and dilation for one of all its taps.
public func conv(
  _ x: UnsafePointer<Float>, weight: ProductWeight, bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>,
  _ shape: ConvShape, workers: Workers
) {
  let (frames, groups) = (shape.frames, shape.groups)
  if groups == 1 && shape.before + shape.after == 0 && shape.dilation == 1 {
    multiply(
      Matrix(x, stride: shape.stride * shape.channels), by: weight, ProductTail(bias: bias), into: y,
      columnStride: shape.outputs, m: frames, workers: workers)
    return
  }
  let width = shape.channels / groups
  let rowStride = (shape.dilation == 1 ? shape.stride : shape.kernel) * width
  // Enough tasks for all workers; where they are cut changes no bit.
  let limit = min(copiedRows, (frames + workers.count - 1) / workers.count)
  let tiles = (frames + limit - 1) / limit
  workers.run(tasks: groups * tiles) { task in
    let (group, tile) = (task / tiles, task % tiles)
    let part = frames * tile / tiles..<frames * (tile + 1) / tiles
    let capacity = (part.count - 1) * rowStride + shape.kernel * width
    withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { scratch in
      let rows = scratch.baseAddress!
      if shape.dilation == 1 {
        copy(x, into: rows, frames: part, group: group, shape)
      } else {
        gather(x, into: rows, frames: part, group: group, shape)
      }
      PackedProduct(
        a: Matrix(rows, stride: rowStride), weight: weight, group: group,
        tail: ProductTail(bias: bias.map { $0 + group * weight.outputs }),
        c: y + part.lowerBound * shape.outputs + group * weight.outputs, columnStride: shape.outputs
      ).compute(rows: 0..<part.count)
    }
  }
}

/// How many output frames one task computes at most.
private let copiedRows = 480

/// Copies the input frames that some output frames are made of, one group's channels, zeros where there is padding.
private func copy(
  _ x: UnsafePointer<Float>, into rows: UnsafeMutablePointer<Float>, frames: Range<Int>, group: Int, _ shape: ConvShape
) {
  let width = shape.channels / shape.groups
  let first = frames.lowerBound * shape.stride - shape.before
  let last = (frames.upperBound - 1) * shape.stride - shape.before + shape.kernel
  var row = rows
  for frame in first..<last {
    if frame >= 0 && frame < shape.time {
      row.update(from: x + frame * shape.channels + group * width, count: width)
    } else {
      row.update(repeating: 0, count: width)
    }
    row += width
  }
}
