import Kernels
import TestSupport

/// `count` numbers of -1 to 1, the same on every machine.
func randomNumbers(_ count: Int, seed: UInt64) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
}

/// A kernel of one array's results.
func mapped(
  _ x: [Float], threads: Int = 1,
  _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Workers) -> Void
) -> [Float] {
  [Float](unsafeUninitializedCapacity: x.count) { y, count in
    x.withUnsafeBufferPointer { kernel($0.baseAddress!, y.baseAddress!, x.count, Workers(threads)) }
    count = x.count
  }
}

/// How many floats lie between `value` and the true one, measured in the spacing of floats at the true value.
func ulps(_ value: Float, from truth: Double) -> Double {
  let spacing = Double(max(Float(truth.magnitude).ulp, .leastNonzeroMagnitude))
  return (Double(value) - truth).magnitude / spacing
}
