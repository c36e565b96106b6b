import IR
import Kernels
import Tensors

/// How an operator is computed. Each conformance stands in `Operators/` under the operator's own file name.
protocol Evaluation {
  /// Inputs whose memory the result may take over.
  var inPlaceInputs: [Int] { get }

  /// An arrangement of a constant input that `compute` wants instead of the one the graph has; made once, at load.
  func prepared(_ input: Int, _ shape: Shape) -> PreparedLayout?

  /// Writes every element of the result. All shapes have been checked by the plan.
  func compute(_ operands: Operands)
}

extension Evaluation {
  var inPlaceInputs: [Int] { [] }
  func prepared(_ input: Int, _ shape: Shape) -> PreparedLayout? { nil }
}

/// Arrangements of a weight other than the graph's own.
enum PreparedLayout: Hashable {
  /// [out, in] as it is, brought into panels while the product runs
  case rows
  /// [out, in, kernel] as [out, kernel · in], in panels for `groups` products
  case panels(groups: Int)
}

/// What a node sees while it runs.
struct Operands {
  /// The inputs' elements; nil where an optional input is left out, or packed.
  let inputs: [UnsafePointer<Float>?]
  /// The inputs that were prepared for products, at their places.
  let weights: [ProductWeight?]
  /// The inputs' shapes in the graph, whatever the arrangement in memory.
  let shapes: [Shape?]
  /// Room for the result.
  let output: UnsafeMutablePointer<Float>
  /// The result's shape.
  let outputShape: Shape
  /// The threads that share the work.
  let workers: Workers

  /// The elements of an input that is there and not packed.
  subscript(_ index: Int) -> UnsafePointer<Float> { inputs[index]! }

  /// The elements of an input that may be left out.
  func optional(_ index: Int) -> UnsafePointer<Float>? { index < inputs.count ? inputs[index] : nil }

  /// The shape of an input that is there.
  func shape(_ index: Int) -> Shape { shapes[index]! }
}

extension Operator {
  /// The case's contents as something that can be computed.
  var evaluation: any Evaluation {
    switch self {
    case .linear(let op): op
    case .conv(let op): op
    case .attention(let op): op
    case .layerNormalization(let op): op
    case .groupNormalization(let op): op
    case .gelu(let op): op
    case .unary(let op): op
    case .binary(let op): op
    case .reduce(let op): op
    case .slice(let op): op
    case .reshape(let op): op
    }
  }
}
