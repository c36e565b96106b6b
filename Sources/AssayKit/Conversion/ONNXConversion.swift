import Bytes
import Exporters
import Formats
import IR
import Tensors
import Verification

extension Conversion {
  /// Writes the graph as an ONNX model, reads the file back, judges it, and only then gives it its name.
  func writeONNX(
    _ source: ConversionSource, _ cases: [GoldenCase], to writer: FileWriter,
    proving prove: ((any TensorSource) throws -> Void)?, progress: @escaping @Sendable (Double) -> Void
  ) throws -> ConversionReport {
    let export = try ONNXExport(source.graph, metadata: source.metadata, producer: Conversion.tool)
    try export.write(
      to: writer, threads: threads, digests: { () throws(FormatError) in try source.knownDigests() },
      progress: { progress($0 * 0.7) })
    let stored = Background { () throws(FormatError) in try writer.sync() }
    let file = try ONNXFile(writer.readBack())
    try file.check(holds: source.graph, threads: threads)
    progress(0.9)
    // The file holds the constants of the graph bit for bit: the graph stands for it.
    let results = try cases.isEmpty ? [] : Judge(Model(target, source), threads: threads).results(cases)
    try stored.wait()
    if results.allSatisfy(\.holds) { try prove?(file) }
    return try report(
      source, Artifact(metadata: source.metadata, graph: source.graph), results, writer, root: nil,
      publishing: prove == nil, progress)
  }
}

extension ONNXFile {
  /// Throws unless the file's initializers, read as any reader would, are the constants of `graph`, bit for bit.
  func check(holds graph: Graph, threads: Int) throws(FormatError) {
    let constants = graph.constantOrder.map { graph.constants[$0]! }
    guard entries.count == constants.count else {
      throw FormatError("onnx", .digestMismatch("\(entries.count) initializers of \(constants.count) are there"))
    }
    try inParallel(constants.count, threads: threads) { (number) throws(FormatError) in
      let (found, expected) = (try tensor(entries[number].name), constants[number].storage)
      guard expected.hasSameElements(as: found) else {
        throw FormatError(
          "onnx", .digestMismatch("what was written does not read back as the model's elements"),
          place: [entries[number].name])
      }
    }
  }
}
