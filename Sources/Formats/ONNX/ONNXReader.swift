import Bytes

/// Turns the messages of an ONNX file into values. Fields this project has no use for are passed over; fields that are
/// there twice are joined or replaced, as protobuf says.
struct ONNXReader {
  /// How deep graphs may stand inside attributes of nodes.
  static let depthLimit = 32
  /// How many nodes, with those of functions and inner graphs, a model may have.
  static let nodeLimit = 1_000_000

  private var nodes = 0

  /// Calls `body` for each field of the message that fills `view`.
  private func forEachField(
    _ view: ByteView, _ body: (ProtobufReader.Field) throws(FormatError) -> Void
  ) throws(FormatError) {
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() { try body(field) }
  }

  /// ModelProto.
  mutating func model(_ view: ByteView) throws(FormatError) -> ONNXModel {
    var model = ONNXModel()
    var hasGraph = false
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1: model.irVersion = try field.int("onnx")
      case 2: model.producer.name = try field.text("onnx")
      case 3: model.producer.version = try field.text("onnx")
      case 4: model.domain = try field.text("onnx")
      case 5: model.modelVersion = try field.int("onnx")
      case 7:
        guard !hasGraph else { throw FormatError("onnx", .duplicateName("graph"), offset: field.offset) }
        hasGraph = true
        model.graph = try graph(field.bytes("onnx"), depth: 0)
      case 8: model.opsets.append(try opset(field.bytes("onnx")))
      case 14: model.metadata.append(try pair(field.bytes("onnx")))
      case 25: model.functions.append(try function(field.bytes("onnx")))
      default: break  // 6 documentation, 20 training, 26 devices
      }
    }
    guard hasGraph else { throw FormatError("onnx", .missing("the model's graph"), offset: view.offset) }
    // Before IR version 3 there was one operator set, and nobody said so.
    guard !model.opsets.isEmpty || model.irVersion < 3 else {
      throw FormatError(
        "onnx", .missing("the operator sets that the model is written in"), offset: view.offset + view.count)
    }
    return model
  }

  private func opset(_ view: ByteView) throws(FormatError) -> ONNXModel.Opset {
    var opset = ONNXModel.Opset(domain: "", version: 0)
    try forEachField(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: opset.domain = try ONNXReader.domain(field.text("onnx"))
      case 2: opset.version = try field.int("onnx")
      default: break
      }
    }
    return opset
  }

  /// Both spellings of ONNX's own domain are the empty one.
  private static func domain(_ text: String) -> String { text == "ai.onnx" ? "" : text }

  /// StringStringEntryProto.
  private func pair(_ view: ByteView) throws(FormatError) -> (name: String, value: String) {
    var pair = (name: "", value: "")
    try forEachField(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: pair.name = try field.text("onnx")
      case 2: pair.value = try field.text("onnx")
      default: break
      }
    }
    return pair
  }

  /// GraphProto.
  private mutating func graph(_ view: ByteView, depth: Int) throws(FormatError) -> ONNXGraph {
    guard depth < ONNXReader.depthLimit else {
      throw FormatError(
        "onnx", .limitExceeded("graphs nested deeper than \(ONNXReader.depthLimit)"), offset: view.offset)
    }
    var graph = ONNXGraph()
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1: graph.nodes.append(try node(field.bytes("onnx"), depth: depth, offset: field.offset))
      case 2: graph.name = try field.text("onnx")
      case 5: graph.initializers.append(try tensor(field.bytes("onnx")))
      case 11: graph.inputs.append(try valueInfo(field.bytes("onnx")))
      case 12: graph.outputs.append(try valueInfo(field.bytes("onnx")))
      case 15: graph.sparseInitializers.append(try sparseName(field.bytes("onnx")))
      default: break  // 10 documentation, 13 types inside, 14 quantization, 16 metadata
      }
    }
    return graph
  }

  /// FunctionProto.
  private mutating func function(_ view: ByteView) throws(FormatError) -> ONNXFunction {
    var function = ONNXFunction()
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1: function.name = try field.text("onnx")
      case 4: function.inputs.append(try field.text("onnx"))
      case 5: function.outputs.append(try field.text("onnx"))
      case 7: function.nodes.append(try node(field.bytes("onnx"), depth: 0, offset: field.offset))
      case 10: function.domain = try field.text("onnx")
      default: break
      }
    }
    return function
  }

  /// NodeProto.
  private mutating func node(_ view: ByteView, depth: Int, offset: Int) throws(FormatError) -> ONNXNode {
    nodes += 1
    guard nodes <= ONNXReader.nodeLimit else {
      throw FormatError("onnx", .limitExceeded("more than \(ONNXReader.nodeLimit) nodes"), offset: offset)
    }
    var node = ONNXNode()
    node.offset = offset
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1: node.inputs.append(try field.text("onnx"))
      case 2: node.outputs.append(try field.text("onnx"))
      case 3: node.name = try field.text("onnx")
      case 4: node.op = try field.text("onnx")
      case 5: node.attributes.append(try attribute(field.bytes("onnx"), depth: depth))
      case 7: node.domain = try ONNXReader.domain(field.text("onnx"))
      default: break
      }
    }
    return node
  }

  /// AttributeProto. What it holds is said by `type`; files from before IR version 2 may leave that out.
  private mutating func attribute(_ view: ByteView, depth: Int) throws(FormatError) -> ONNXAttribute {
    var (name, type) = ("", 0)
    var single: [Int: ONNXAttribute.Value] = [:]
    var (floats, ints, strings): ([Float], [Int], [ByteView]) = ([], [], [])
    var (tensors, graphs): ([ONNXTensor], [ONNXGraph]) = ([], [])
    var seen = 0
    var reader = ProtobufReader(view, format: "onnx")
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.text("onnx")
      case 20: type = try field.int("onnx")
      case 2: single[1] = .float(try field.float("onnx"))
      case 3: single[2] = .int(try field.int("onnx"))
      case 4: single[3] = .string(try field.bytes("onnx"))
      case 5: single[4] = .tensor(try tensor(field.bytes("onnx")))
      case 6: single[5] = .graph(try graph(field.bytes("onnx"), depth: depth + 1))
      case 7: try field.append(to: &floats, "onnx")
      case 8: try field.append(to: &ints, "onnx")
      case 9: strings.append(try field.bytes("onnx"))
      case 10: tensors.append(try tensor(field.bytes("onnx")))
      case 11: graphs.append(try graph(field.bytes("onnx"), depth: depth + 1))
      case 21: single[0] = .other("a reference to an attribute")
      case 14, 15: single[13] = .other("a type")
      case 22, 23: single[11] = .other("a sparse tensor")
      default: continue
      }
      // The types 1 to 10 are in the order of the fields 2 to 11.
      if (2...11).contains(field.number) { seen = field.number - 1 }
    }
    if let reference = single[0] { return ONNXAttribute(name: name, value: reference) }
    let value: ONNXAttribute.Value
    switch type == 0 ? seen : type {
    case 6: value = .floats(floats)
    case 7: value = .ints(ints)
    case 8: value = .strings(strings)
    case 9: value = .tensors(tensors)
    case 10: value = .graphs(graphs)
    // A number that is 0 may be left out of the message.
    case 1: value = single[1] ?? .float(0)
    case 2: value = single[2] ?? .int(0)
    case 3: value = single[3] ?? .string(view[0..<0])
    case 4, 5:
      guard let held = single[type == 0 ? seen : type] else {
        throw FormatError("onnx", .missing("what the attribute \"\(name)\" holds"), offset: view.offset)
      }
      value = held
    default: value = single[11] ?? single[13] ?? .other("an attribute of type \(type)")
    }
    return ONNXAttribute(name: name, value: value)
  }

  /// ValueInfoProto.
  private func valueInfo(_ view: ByteView) throws(FormatError) -> ONNXValueInfo {
    var info = ONNXValueInfo()
    try forEachField(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: info.name = try field.text("onnx")
      case 2:
        try forEachField(field.bytes("onnx")) { (type) throws(FormatError) in
          // 1 is a tensor; sequences, maps and the like keep no element type.
          guard type.number == 1 else { return }
          info.elementType = 0
          try forEachField(type.bytes("onnx")) { (part) throws(FormatError) in
            if part.number == 1 { info.elementType = try part.int("onnx") }
            if part.number == 2 { info.shape = try shape(part.bytes("onnx")) }
          }
        }
      default: break
      }
    }
    return info
  }

  /// TensorShapeProto.
  private func shape(_ view: ByteView) throws(FormatError) -> [ONNXValueInfo.Length] {
    var lengths: [ONNXValueInfo.Length] = []
    try forEachField(view) { (field) throws(FormatError) in
      guard field.number == 1 else { return }
      var length = ONNXValueInfo.Length.unknown
      try forEachField(field.bytes("onnx")) { (part) throws(FormatError) in
        if part.number == 1 { length = .fixed(try part.int("onnx")) }
        if part.number == 2 {
          let name = try part.text("onnx")
          length = name.isEmpty ? .unknown : .named(name)
        }
      }
      lengths.append(length)
    }
    return lengths
  }

  /// TensorProto.
  func tensor(_ view: ByteView) throws(FormatError) -> ONNXTensor {
    var tensor = ONNXTensor()
    tensor.offset = view.offset
    var typed: [ProtobufReader.Field] = []
    var raw: ByteView?
    var external: [(name: String, value: String)] = []
    var isExternal = false
    try forEachField(view) { (field) throws(FormatError) in
      switch field.number {
      case 1: try field.append(to: &tensor.dimensions, "onnx")
      case 2: tensor.elementType = try field.int("onnx")
      case 3: throw FormatError("onnx", .unsupported("a tensor in segments"), offset: field.offset)
      case 4, 5, 6, 7, 10, 11: typed.append(field)
      case 8: tensor.name = try field.text("onnx")
      case 9: raw = try field.bytes("onnx")
      case 13: external.append(try pair(field.bytes("onnx")))
      case 14: isExternal = try field.int("onnx") == 1
      default: break
      }
    }
    do throws(FormatError) {
      if isExternal {
        tensor.storage = .external(try ONNXExternalData(external, offset: view.offset))
      } else if let raw {
        guard typed.isEmpty else {
          throw FormatError("onnx", .invalid("elements both raw and in typed fields"), offset: typed[0].offset)
        }
        tensor.storage = .raw(raw)
      } else {
        tensor.storage = .typed(typed)
      }
    } catch { throw error.inside(tensor.name) }
    return tensor
  }

  /// The name of a SparseTensorProto: that of its values.
  private func sparseName(_ view: ByteView) throws(FormatError) -> String {
    var name = ""
    try forEachField(view) { (field) throws(FormatError) in
      if field.number == 1 { name = try tensor(field.bytes("onnx")).name }
    }
    return name
  }
}
