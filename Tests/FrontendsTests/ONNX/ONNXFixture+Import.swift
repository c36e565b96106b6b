import Bytes
import Executor
import Formats
import Frontends
import IR
import Tensors
import TestSupport

extension ONNXFixture {
  /// A model that takes floats `x` of `shape`; `body` adds the rest.
  init(opset: Int = 18, _ shape: [Length], _ body: (inout ONNXFixture) -> Void) {
    self.init(opset: opset)
    input("x", shape)
    body(&self)
  }

  /// The graph as it is imported.
  func graph(fed: NamedTensors = [:]) throws -> Graph {
    let file = try ONNXFile(ByteRegion(copying: bytes, name: "/nowhere/model.onnx"))
    return try ImportedModel(.onnx(file), fed: fed, evaluating: Executor.elements).graph
  }

  /// What is wrong with the file, as one line; "accepted" where nothing is.
  var refusal: String {
    do {
      _ = try graph()
      return "accepted"
    } catch { return "\(error)" }
  }

  /// What is wrong with the graph, or with running it on tensors of the inputs' shapes, found before anything runs;
  /// lengths that are open are 3.
  var planned: String {
    do {
      let graph = try graph()
      _ = try Plan(graph, inputs: graph.inputs.map { Shape(graph[$0].type.dimensions.map { $0.value ?? 3 }) })
      return "accepted"
    } catch { return "\(error)" }
  }

  /// The tensor called y for these floats.
  func y(_ x: [Float], _ shape: Shape) throws -> Tensor {
    let outputs = try Executor(graph(), threads: 1).run(["x": Tensor(x, shape: shape)])
    guard let y = outputs["y"] else { throw FormatError("test", .missing("the output y")) }
    return y
  }
}

/// A list of integers.
func list(_ numbers: Int...) -> Tensor { Tensor(numbers.map(Int64.init)) }

/// One integer without an axis.
func scalar(_ number: Int) -> Tensor { Tensor([Int64(number)], shape: []) }
