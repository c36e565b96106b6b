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
  var inputs: [UnsafePointer<Float>?]
  /// The inputs that were prepared for products, at their places.
  let weights: [ProductWeight?]
  /// The inputs' shapes in the graph, whatever the arrangement in memory.
  var shapes: [Shape?]
  /// Room for the result.
  var output: UnsafeMutablePointer<Float>
  /// The result's shape.
  let outputShape: Shape
  /// The threads that share the work.
  let workers: Workers
  /// What a product does to its result beside adding the bias.
  var tail = Tail()

  /// What is fused to the end of a product.
  struct Tail {
    var gelu = false
    var addend: UnsafePointer<Float>?
  }

  /// What has been written of the result.
  var written: UnsafePointer<Float> { UnsafePointer(output) }

  /// The elements of an input that is there and not packed.
  subscript(_ index: Int) -> UnsafePointer<Float> { inputs[index]! }

  /// The elements of an input that may be left out.
  func optional(_ index: Int) -> UnsafePointer<Float>? { index < inputs.count ? inputs[index] : nil }

  /// The same constants, with other elements for the first input and room for the result.
  func feeding(_ input: UnsafePointer<Float>, _ shape: Shape, into output: UnsafeMutablePointer<Float>) -> Operands {
    var operands = self
    operands.inputs[0] = input
    operands.shapes[0] = shape
    operands.output = output
    return operands
  }

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
