import Bytes

// What stands inside attributes and functions: tensors, whose elements come into the file, and graphs, which use values of
// the graph around them by their names.

extension ONNXRewriter {
  /// TensorProto with its elements in the message and perhaps another name; nil where it stays.
  func tensor(_ view: ByteView, named name: String? = nil) throws(FormatError) -> ProtobufPieces? {
    let tensor = try ONNXReader().tensor(view)
    var elements: ByteView?
    if case .external = tensor.storage { elements = try file.tensor(tensor).bytes }
    var message = try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 8: return name.map { .named($0, not: tensor.name) } ?? .same
      case 13, 14: return elements == nil ? .same : .gone
      default: return .same
      }
    }
    if let elements { message?.add(9, elements) }
    return message
  }

  /// SparseTensorProto.
  func sparseTensor(_ view: ByteView, named name: String? = nil) throws(FormatError) -> ProtobufPieces? {
    try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: return try .changed(tensor(field.bytes("onnx"), named: name))
      case 2: return try .changed(tensor(field.bytes("onnx")))
      default: return .same
      }
    }
  }

  /// AttributeProto; `references` are the names that values of the outermost graph have now, but for those that graphs in
  /// between give to values of their own.
  func attribute(
    _ view: ByteView, _ references: [Name: String], hidden: [Set<Name>]
  ) throws(FormatError) -> ProtobufPieces? {
    try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 5, 10: return try .changed(tensor(field.bytes("onnx")))
      case 6, 11: return try .changed(inside(field.bytes("onnx"), references, hidden))
      case 22, 23: return try .changed(sparseTensor(field.bytes("onnx")))
      default: return .same
      }
    }
  }

  /// FunctionProto: its names are its own.
  func function(_ view: ByteView) throws(FormatError) -> ProtobufPieces? {
    try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 7: return try .changed(node(inside: field.bytes("onnx"), [:], []))
      case 11: return try .changed(attribute(field.bytes("onnx"), [:], hidden: []))
      default: return .same
      }
    }
  }

  /// GraphProto of an attribute; it is no deeper than `ONNXReader` reads.
  private func inside(
    _ view: ByteView, _ references: [Name: String], _ outer: [Set<Name>]
  ) throws(FormatError) -> ProtobufPieces? {
    let hidden = outer + [try given(view)]
    return try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: return try .changed(node(inside: field.bytes("onnx"), references, hidden))
      case 5: return try .changed(tensor(field.bytes("onnx")))
      case 12:
        let name = try ProtobufReader.text(1, in: field.bytes("onnx"), "onnx")
        return try .changed(
          ProtobufPieces.rewriting(field.bytes("onnx"), text: 1, reference(name, references, hidden)))
      case 15: return try .changed(sparseTensor(field.bytes("onnx")))
      default: return .same
      }
    }
  }

  /// The names that a graph gives to values of its own.
  private func given(_ view: ByteView) throws(FormatError) -> Set<Name> {
    var names: Set<Name> = []
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1:
        var node = ProtobufReader(try field.bytes("onnx"), format: "onnx")
        while let part = try node.next() {
          if part.number == 2 { names.insert(Name(try part.text("onnx"))) }
        }
      case 5: names.insert(Name(try ProtobufReader.text(8, in: field.bytes("onnx"), "onnx")))
      case 11: names.insert(Name(try ProtobufReader.text(1, in: field.bytes("onnx"), "onnx")))
      case 15:
        let values = try ProtobufReader.message(1, in: field.bytes("onnx"), "onnx")
        names.insert(Name(try ProtobufReader.text(8, in: values, "onnx")))
      default: break
      }
    }
    return names
  }

  /// What a name inside graphs is now.
  private func reference(_ name: String, _ references: [Name: String], _ hidden: [Set<Name>]) -> String {
    guard let now = references[Name(name)], !hidden.contains(where: { $0.contains(Name(name)) }) else { return name }
    return now
  }

  /// NodeProto inside an attribute or a function.
  private func node(
    inside view: ByteView, _ references: [Name: String], _ hidden: [Set<Name>]
  ) throws(FormatError) -> ProtobufPieces? {
    try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1:
        let name = try field.text("onnx")
        return .named(reference(name, references, hidden), not: name)
      case 5: return try .changed(attribute(field.bytes("onnx"), references, hidden: hidden))
      default: return .same
      }
    }
  }
}
