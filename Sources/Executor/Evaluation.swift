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
  /// The inputs' element types.
  let types: [DataType?]
  /// Room for the result.
  var output: UnsafeMutablePointer<Float>
  /// The result's shape.
  let outputShape: Shape
  /// The result's element type.
  let outputType: DataType
  /// Told what is wrong, where numbers are that nobody can compute with.
  let trouble: Trouble
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

  /// The bytes of an input that is there and not packed.
  func raw(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(inputs[index]!) }

  /// Room for the bytes of the result.
  var rawOutput: UnsafeMutableRawPointer { UnsafeMutableRawPointer(output) }

  /// The elements of an input that is there, which are of the type that `T` is.
  func elements<T>(_ index: Int, as type: T.Type) -> UnsafePointer<T> { raw(index).assumingMemoryBound(to: T.self) }

  /// Room for elements of the type that `T` is.
  func result<T>(as type: T.Type) -> UnsafeMutablePointer<T> { rawOutput.assumingMemoryBound(to: T.self) }

  /// The numbers of a list of integers; nil where it is left out.
  func integers(_ index: Int) -> [Int]? {
    guard index < inputs.count, inputs[index] != nil else { return nil }
    return types[index] == .int32
      ? (0..<shape(index).count).map { Int(elements(index, as: Int32.self)[$0]) }
      : (0..<shape(index).count).map { Int(elements(index, as: Int64.self)[$0]) }
  }

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

/// What went wrong while a node ran; the first trouble counts.
final class Trouble {
  private(set) var what: String?

  func report(_ what: String) { if self.what == nil { self.what = what } }
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
    case .matMul(let op): op
    case .softmax(let op): op
    case .transpose(let op): op
    case .cast(let op): op
    case .select(let op): op
    case .shapeOf(let op): op
    case .reshapeTo(let op): op
    case .stridedSlice(let op): op
    case .expand(let op): op
    case .gather(let op): op
    case .scatter(let op): op
    case .concat(let op): op
    case .arange(let op): op
    case .pad(let op): op
    case .tile(let op): op
    }
  }
}
