import Bytes
import Tensors

/// Writes a model's messages anew as a plan says; what the plan does not touch stays byte for byte.
struct ONNXRewriter {
  let file: ONNXFile
  private let plan: ONNXCutPlan
  private let names: ONNXCutNames
  private let rename: ONNXCut.Renaming
  /// What is now called otherwise, for graphs inside attributes.
  private let references: [Name: String]

  init(_ plan: ONNXCutPlan, _ names: ONNXCutNames, _ rename: @escaping ONNXCut.Renaming) {
    (file, self.plan, self.names, self.rename) = (plan.file, plan, names, rename)
    var references: [Name: String] = [:]
    for (value, name) in plan.flow.names.enumerated() {
      let now = names[plan.redirected[value] ?? value]
      if Name(now) != Name(name) { references[Name(name)] = now }
    }
    self.references = references
  }

  /// ModelProto.
  func model() throws(FormatError) -> ProtobufPieces {
    let model = try ProtobufPieces.rewriting(file.view) { (field) throws(FormatError) in
      switch field.number {
      case 7: return .message(try graph(field.bytes("onnx")))
      case 20:
        throw FormatError("onnx", .unsupported("cutting a model that says how it is trained"), offset: field.offset)
      case 25: return try .changed(function(field.bytes("onnx")))
      default: return .same
      }
    }
    return model!
  }

  /// GraphProto.
  private func graph(_ view: ByteView) throws(FormatError) -> ProtobufPieces {
    let untyped = Set(
      file.model.graph.outputs.map { Name($0.name) } + plan.sums.shortened.map { Name(plan.flow.names[$0]) })
    var (message, index) = (ProtobufPieces(), 0)
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      guard [1, 5, 11, 13, 14, 15].contains(field.number) else {
        message.add(field)
        continue
      }
      let inner = try field.bytes("onnx")
      var changed: ProtobufPieces?
      switch field.number {
      case 1:
        defer { index += 1 }
        if !plan.isRemoved[index] {
          if let shape = plan.sums.lengths[index]?.shape {
            let name = names.lengths[index]!
            message.add(1, .constant(name, named: name, shape))
          }
          if let node = try node(inner, index) { message.add(1, node) } else { message.add(field) }
        }
        if index == plan.isRemoved.count - 1 {
          for copy in plan.copies { message.add(1, .identity(of: names[copy.value], copy.output)) }
        }
        continue
      case 5:
        let name = try ProtobufReader.text(8, in: inner, "onnx")
        guard let value = plan.flow.value(name), !plan.isGone[value] else { continue }
        if let slice = plan.sums.sliced[value] {
          changed = try .tensor(like: inner, named: names[value], slice.tensor)
        } else {
          changed = try tensor(inner, named: names[value])
        }
      case 11, 13:
        let name = try ProtobufReader.text(1, in: inner, "onnx")
        if field.number == 13, untyped.contains(Name(name)) { continue }
        // Types may be said of values that are not there.
        guard let value = plan.flow.value(name) else { break }
        guard !plan.isGone[value] else { continue }
        if let slice = plan.sums.sliced[value] {
          let type = ONNXTensor.dataTypes.first { $1 == slice.tensor.dataType }!.key
          changed = .valueInfo(names[value], type, slice.tensor.shape.dimensions)
        } else {
          changed = try ProtobufPieces.rewriting(inner, text: 1, names[value])
        }
      case 14:
        let name = try ProtobufReader.text(1, in: inner, "onnx")
        if let value = plan.flow.value(name), plan.isGone[value] { continue }
        changed = try annotation(inner)
      default:
        let name = try ProtobufReader.text(8, in: ProtobufReader.message(1, in: inner, "onnx"), "onnx")
        guard let value = plan.flow.value(name), !plan.isGone[value] else { continue }
        changed = try sparseTensor(inner, named: names[value])
      }
      if let changed { message.add(field.number, changed) } else { message.add(field) }
    }
    return message
  }

  /// NodeProto of the outermost graph; nil where it stays.
  private func node(_ view: ByteView, _ index: Int) throws(FormatError) -> ProtobufPieces? {
    let node = file.model.graph.nodes[index]
    if let output = plan.flow.outputs[index].first, let slice = plan.sums.sliced[output] {
      return .constant(names[output], named: names.nodes[index], slice.tensor)
    }
    let used = plan.used(by: index)
    var (inputs, outputs) = (0, 0)
    return try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1:
        defer { inputs += 1 }
        if let value = used[inputs] { return .named(names[value], not: node.inputs[inputs]) }
        if plan.sums.lengths[index]?.position == inputs { return .text(names.lengths[index]!) }
        return plan.sums.gone[index]?.contains(inputs) == true ? .gone : .same
      case 2:
        defer { outputs += 1 }
        guard let value = plan.flow.value(node.outputs[outputs]) else { return .same }
        return .named(names[value], not: node.outputs[outputs])
      case 3: return .named(names.nodes[index], not: node.name)
      case 5: return try .changed(attribute(field.bytes("onnx"), references, hidden: []))
      case 9: return try .changed(scopes(field.bytes("onnx")))
      case 10: throw node.refused("says on which devices it runs, by names")
      default: return .same
      }
    }
  }

  /// TensorAnnotation: which tensors quantise another one.
  private func annotation(_ view: ByteView) throws(FormatError) -> ProtobufPieces? {
    try ProtobufPieces.rewriting(view) { (field) throws(FormatError) in
      switch field.number {
      case 1:
        let name = try field.text("onnx")
        return .named(references[Name(name)] ?? name, not: name)
      case 2:
        let name = try ProtobufReader.text(2, in: field.bytes("onnx"), "onnx")
        return try .changed(
          ProtobufPieces.rewriting(field.bytes("onnx"), text: 2, references[Name(name)] ?? name))
      default: return .same
      }
    }
  }

  /// StringStringEntryProto of a node: PyTorch's exporter says there which modules the node stands in.
  private func scopes(_ view: ByteView) throws(FormatError) -> ProtobufPieces? {
    let key = try ProtobufReader.text(1, in: view, "onnx")
    guard ["namespace", "pkg.torch.onnx.name_scopes"].contains(key) else { return nil }
    var (renamed, word) = ("", "")
    func end() {
      renamed += rename(word, nil) ?? word
      word = ""
    }
    for character in try ProtobufReader.text(2, in: view, "onnx").unicodeScalars {
      if " /:,'[]".unicodeScalars.contains(character) {
        end()
        renamed.unicodeScalars.append(character)
      } else {
        word.unicodeScalars.append(character)
      }
    }
    end()
    return try ProtobufPieces.rewriting(view, text: 2, renamed)
  }
}
