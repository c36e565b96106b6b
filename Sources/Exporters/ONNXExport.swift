import Bytes
import IR

/// A graph as an ONNX model, ready to be written.
///
/// The file's initializers are the graph's constants: their names, shapes, types and elements, and nothing beside them.
/// A linear layer's weight stays [out, in], as checkpoints have it, with a Transpose that runtimes compute once at load,
/// so that names and digests are those of the checkpoint. What was measured with onnxruntime 1.31 and 600 MB of weights,
/// beside weights written transposed, and beside Gemm over rows of all batches with Reshapes around: runs take the same
/// time; loading takes 1.15 s, not 0.85 s, and 0.3 GB more until it is done.
public struct ONNXExport: Sendable {
  /// The version of ONNX's operators that the model is written in.
  public static let operatorSet = 17
  /// The version of the file's messages.
  public static let irVersion = 8
  /// Bytes of a file at most: a protobuf message has no more.
  public static let sizeLimit = Int(Int32.max)

  private let metadata: Metadata
  private let states: [(name: String, value: String)]
  /// The message's fields up to the graph, which is the last whose length takes work.
  private let start: ProtobufMessage

  /// Says `graph` in ONNX; `producer` is the writing program's name and version, with a space between them.
  ///
  /// Throws where ONNX has no word for something in the graph, and where the file would be too long.
  public init(_ graph: Graph, metadata: Metadata, producer: String) throws(GraphError) {
    var assembly = try ONNXAssembly(graph)
    for node in graph.nodes { try node.op.inONNX.export(node, to: &assembly) }
    for output in graph.outputs {
      let name = try assembly.value(output.value, .plain)
      if Name(name) != Name(output.name) { try assembly.copy(output.value, to: output.name) }
    }
    var message = ProtobufMessage()
    for node in assembly.nodes { message.add(1, node) }
    message.add(2, metadata.system)
    for id in graph.constantOrder {
      message.add(5, try .tensor(assembly.initializerName(id), graph.constants[id]!.storage))
    }
    for id in graph.inputs { message.add(11, try .value(graph[id].name, graph[id].type)) }
    for output in graph.outputs { message.add(12, try .value(output.name, graph[output.value].type)) }

    var start = ProtobufMessage()
    let words = producer.split(separator: " ", maxSplits: 1)
    start.add(1, ONNXExport.irVersion)
    start.add(2, words.first.map(String.init) ?? "")
    start.add(3, words.count > 1 ? String(words[1]) : "")
    start.add(7, message)
    self.start = start
    self.metadata = metadata
    states = graph.states.compactMap { state in
      assembly.plainName(state.value).map { (name: state.name, value: $0) }
    }
    guard byteCount <= ONNXExport.sizeLimit else {
      throw GraphError(
        "",
        "an ONNX file has at most \(ONNXExport.sizeLimit) bytes, and this model takes \(byteCount); "
          + "weights of half the width may fit")
    }
  }

  /// The file's length.
  public var byteCount: Int { start.count + end(metadata).count }

  /// The fields after the graph: operators' version, and what the model says of itself.
  private func end(_ metadata: Metadata) -> ProtobufMessage {
    var end = ProtobufMessage()
    end.add(8, .operatorSet(ONNXExport.operatorSet))
    for (key, value) in metadata.onnxProperties(states: states) { end.add(14, .entry(key, value)) }
    return end
  }

  /// Writes the model through `writer`; the same graph and metadata give the same bytes, on however many threads.
  ///
  /// Memory for a few pieces of a tensor is enough. The caller judges the file and publishes it. `digests` may give the
  /// sources' digests, which are wanted only when the tensors are written: until then any do. `progress` is called with
  /// the share of the tensors that is written, from 0 to 1, by one thread at a time.
  public func write(
    to writer: FileWriter, threads: Int = 1, digests: () throws(FormatError) -> [Digest]? = { nil },
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(FormatError) {
    try writer.reserve(byteCount)
    try start.write(to: writer, at: 0, threads: threads, progress: progress)
    var metadata = metadata
    if let digests = try digests() {
      for number in metadata.sources.indices { metadata.sources[number].digest = digests[number] }
    }
    let end = end(metadata)
    precondition(start.count + end.count == byteCount)
    try end.write(to: writer, at: start.count, threads: 1)
  }
}
