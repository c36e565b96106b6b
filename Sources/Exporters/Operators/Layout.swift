import IR

extension Slice: ONNXOperator {
  /// Slice from the first element that stays to the last, which is counted from the end.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let x = node.inputs[0]!
    let (form, rank) = (onnx.form(x), onnx.type(x).rank)
    // The last two axes stand in each other's place.
    let axis = form == .transposed && axis >= rank - 2 ? 2 * rank - 3 - axis : axis
    try onnx.result(
      node, "Slice",
      [
        onnx.value(x, form), onnx.ints([dropFirst]), onnx.ints([dropLast == 0 ? Int.max : -dropLast]),
        onnx.ints([axis]),
      ],
      form: form)
  }
}

extension Transpose: ONNXOperator {
  /// The operator of the same name; no node where the last two axes are exchanged and somebody wants just that.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let (x, rank) = (node.inputs[0]!, permutation.count)
    guard rank >= 2 else { return try onnx.result(node, "Identity", [onnx.value(x)]) }
    if permutation == Array(0..<rank - 2) + [rank - 1, rank - 2] { return try onnx.exchange(node, x) }
    try onnx.result(node, "Transpose", [onnx.value(x)], ["perm": .ints(permutation)])
  }
}

extension Reshape: ONNXOperator {
  /// Reshape to a constant shape where that can say it, else to one that is put together while the model runs.
  ///
  /// A constant shape has numbers, 0 for a length that stays in its place, and one -1 for whatever is left.
  func export(_ node: Node, to onnx: inout ONNXAssembly) throws(GraphError) {
    let known = onnx.type(node.output).dimensions.map(\.value)
    let x = try onnx.value(node.inputs[0]!)
    if known.contains(0) {
      if let place = lengths.firstIndex(of: .rest), known[place] == nil {
        throw GraphError(node.name, "in ONNX, what is left cannot be told where another length is 0")
      }
      // 0 is a length here: nothing can be copied or left open.
      let shape =
        known.contains(nil) ? try computedShape(known, x, node, &onnx) : try onnx.ints(known.compactMap { $0 })
      return try onnx.result(node, "Reshape", [x, shape], ["allowzero": .int(1)])
    }
    let stays = zip(lengths, lengths.indices).map { length, place in length == .copy(axis: place) }
    let open = zip(known, stays).filter { known, stays in known == nil && !stays }.count
    guard open <= 1 else {
      return try onnx.result(
        node, "Reshape", [x, computedShape(known, x, node, &onnx)], ["allowzero": .int(1)])
    }
    let shape = zip(known, stays).map { known, stays in known ?? (stays ? 0 : -1) }
    try onnx.result(node, "Reshape", [x, onnx.ints(shape)])
  }

  /// Gathers the shape's lengths from those of x, followed by the known ones and the -1 for what is left.
  private func computedShape(
    _ known: [Int?], _ x: String, _ node: Node, _ onnx: inout ONNXAssembly
  ) throws(GraphError) -> String {
    let rank = onnx.type(node.inputs[0]!).rank
    var numbers: [Int] = []
    var places: [Int] = []
    for (known, length) in zip(known, lengths) {
      if known == nil, case .copy(let axis) = length {
        places.append(axis)
        continue
      }
      places.append(rank + numbers.count)
      numbers.append(known ?? -1)
    }
    var lengths = try onnx.step(node, "lengths", "Shape", [x])
    if !numbers.isEmpty {
      lengths = try onnx.step(node, "known_lengths", "Concat", [lengths, onnx.ints(numbers)], ["axis": .int(0)])
    }
    return try onnx.step(node, "shape", "Gather", [lengths, onnx.ints(places)], ["axis": .int(0)])
  }
}
