/// The sum of `values`, or of their squares, in 32-bit arithmetic and numpy's order, to the last bit.
///
/// Up to 128 values in eight interleaved partial sums, longer runs in halves cut at a multiple of eight
/// (`pairwise_sum` in numpy/_core/src/umath/loops_utils.h.src).
func pairwiseSum(_ values: UnsafeBufferPointer<Float>, squared: Bool = false) -> Float {
  let count = values.count
  if count > 128 {
    let half = count / 2 / 8 * 8
    return pairwiseSum(UnsafeBufferPointer(rebasing: values[..<half]), squared: squared)
      + pairwiseSum(UnsafeBufferPointer(rebasing: values[half...]), squared: squared)
  }
  var sum: Float = 0
  let whole = count / 8 * 8
  if whole > 0 {
    let bytes = UnsafeRawBufferPointer(values)
    var partial = SIMD8<Float>(repeating: -0.0)
    for start in stride(from: 0, to: whole, by: 8) {
      let next = bytes.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)
      partial += squared ? next * next : next
    }
    let pairs = partial.evenHalf + partial.oddHalf
    sum = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
  }
  for value in values[whole...] { sum += squared ? value * value : value }
  return sum
}
