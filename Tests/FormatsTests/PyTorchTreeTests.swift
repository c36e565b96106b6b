import Bytes
import Tensors
import TestSupport
import Testing

@testable import Formats

extension PyTorchValue {
  /// The value as tools/golden/make_trees.py spells it.
  var spelled: JSON {
    switch self {
    case .none: .null
    case .bool(let value): JSON(value)
    case .int(let value): ["int": JSON(String(value))]
    case .bigInt(let bytes): ["int": JSON(PyTorchValue.decimal(bytes.array))]
    case .float(let value):
      [
        "float": JSON(
          stride(from: 56, through: 0, by: -8).map { PyTorchValue.hex(value.bitPattern >> UInt64($0)) }.joined())
      ]
    case .string(let text): ["text": JSON(text)]
    case .bytes(let bytes): ["bytes": JSON(bytes.array.map { PyTorchValue.hex(UInt64($0)) }.joined())]
    case .list(let values): ["list": JSON(values.map(\.spelled))]
    case .tuple(let values): ["tuple": JSON(values.map(\.spelled))]
    case .dict(let items): ["dict": PyTorchValue.spelled(items)]
    case .orderedDict(let items, let attributes):
      ["ordered": PyTorchValue.spelled(items), "attributes": PyTorchValue.spelled(attributes)]
    case .tensor(let name): ["tensor": JSON(name)]
    }
  }

  private static func hex(_ number: UInt64) -> String {
    (number & 0xFF < 16 ? "0" : "") + String(number & 0xFF, radix: 16)
  }

  private static func spelled(_ items: [Item]) -> JSON { JSON(items.map { JSON([$0.key.spelled, $0.value.spelled]) }) }

  /// Little-endian two's complement in decimal.
  private static func decimal(_ bytes: [UInt8]) -> String {
    let isNegative = (bytes.last ?? 0) >> 7 == 1
    var digits: [Int] = [0]
    for byte in bytes.reversed() {
      var carry = Int(isNegative ? ~byte : byte)
      for index in digits.indices {
        carry += digits[index] * 256
        digits[index] = carry % 10
        carry /= 10
      }
      while carry > 0 {
        digits.append(carry % 10)
        carry /= 10
      }
    }
    if isNegative {
      var index = 0
      while index < digits.count, digits[index] == 9 {
        digits[index] = 0
        index += 1
      }
      if index == digits.count { digits.append(1) } else { digits[index] += 1 }
    }
    return (isNegative ? "-" : "") + digits.reversed().map(String.init).joined()
  }
}

@Suite struct PyTorchTreeTests {
  @Test func treesAreWhatTorchLoads() throws {
    let trees = try #require(try Repository.json(Repository.golden("formats/pytorch/trees.json")).object)
    #expect(trees.count > 40)
    try withTemporaryFolder { folder in
      for (name, expected) in trees.map({ ($0.name, $0.value) }) {
        let path = Repository.golden("formats/pytorch/accept/" + name)
        let source = try PyTorchCheckpoint.open(path)
        let tree = try source.tree()
        #expect(tree.root.spelled.compact == expected["root"]?.compact, "\(name)")
        let left = expected["left"]?.array?.compactMap(\.string) ?? []
        #expect(Set(tree.leftOut.map { Name($0.name) }) == Set(left.map { Name($0) }), "\(name)")
        // What was written is the same tree.
        try write(tree.root, from: source, to: folder + "/x.pt")
        let copy = try PyTorchCheckpoint.open(folder + "/x.pt").tree()
        #expect(copy.root.spelled.compact == tree.root.spelled.compact, "\(name)")
        #expect(copy.leftOut.isEmpty, "\(name)")
      }
    }
  }

  @Test func whatIsOpaqueIsNamedWithItsClass() throws {
    let source = try PyTorchCheckpoint.open(Repository.golden("formats/pytorch/accept/fairseq-like.pt"))
    let left = try source.tree().leftOut
    #expect(
      left.map(\.reason) == ["an object: omegaconf.dictconfig.DictConfig", "an object: fairseq.meters.AverageMeter"])
    #expect(left.map(\.name) == ["cfg", "extra_state.metrics.0.2"])
    #expect(
      try source.withoutTensors().map(\.name) == [
        "args", "criterion", "optimizer_history", "task_state", "extra_state", "last_optimizer_state.state.0.step",
        "cfg", "extra_state.metrics.0.2",
      ])
  }

  // Trees by hand.
  private let dict = PyTorchValue.dict([
    .init(.string("cfg"), .dict([.init(.string("lr"), .float(0.5))])),
    .init(
      .string("model"),
      .orderedDict(
        [
          .init(.string("l.0.w"), .tensor("model.l.0.w")), .init(.string("l.5.w"), .tensor("model.l.5.w")),
          .init(.string("head"), .tensor("model.head")),
        ], attributes: [.init(.string("_metadata"), .dict([]))])),
    .init(.int(3), .list([.tensor("3.0"), .tensor("3.1")])),
  ])

  private func names(_ tree: PyTorchValue) -> [String] {
    var names: [String] = []
    tree.forEachTensor { name, source in names.append(name + " = " + source) }
    return names
  }

  @Test func tensorsAreRenamedAndDroppedWhereTheyStand() throws {
    let cut = try dict.renamingTensors { name in
      name == "model.l.0.w" ? nil : name == "model.l.5.w" ? "model.l.0.w" : name == "3.1" ? nil : name
    }
    #expect(names(cut) == ["model.l.0.w = model.l.5.w", "model.head = model.head", "3.0 = 3.0"])
    #expect(cut.holdsTensor)
    guard case .dict(let items) = cut, case .orderedDict(_, let attributes) = items[1].value else {
      Issue.record("the containers are others")
      return
    }
    #expect(attributes.count == 1)
    #expect(items[0].value.spelled.compact == #"{"dict":[[{"text":"lr"},{"float":"3fe0000000000000"}]]}"#)
  }

  @Test(arguments: [("model.head", "other.head"), ("3.0", "3.1"), ("3.1", "3.7"), ("model.head", "modelhead")])
  func aNameOfAnotherContainerIsRefused(_ old: String, _ new: String) throws {
    #expect(throws: FormatError.self) { try dict.renamingTensors { $0 == old ? new : $0 } }
  }

  @Test func aDroppedElementMovesNoOtherInSilence() throws {
    #expect(throws: FormatError.self) { try dict.renamingTensors { $0 == "3.0" ? nil : $0 } }
    let moved = try dict.renamingTensors { $0 == "3.0" ? nil : $0 == "3.1" ? "3.0" : $0 }
    #expect(names(moved).last == "3.0 = 3.1")
  }

  // Hostile pickles by hand.
  private func tree(_ body: [UInt8]) throws -> PyTorchTree {
    let pickle = try Pickle.read(view([0x80, 2] + body + [0x2E]))
    var maker = PyTorchTreeMaker(PyTorchObjects(pickle: pickle))
    let root = try maker.value(pickle.root, depth: 0) ?? .none
    return PyTorchTree(root: root, leftOut: maker.leftOut)
  }

  /// `[]` as memo entry 0; each further list holds the one before it twice.
  private func doubled(_ count: UInt8) -> [UInt8] {
    [0x5D, 0x71, 0] + (1...count).flatMap { [0x30, 0x5D, 0x71, $0, 0x28, 0x68, $0 - 1, 0x68, $0 - 1, 0x65] as [UInt8] }
  }

  @Test func listsThatDoubleAreRefusedAndFewAreNot() throws {
    #expect(try tree(doubled(10)).leftOut.isEmpty)
    let error = #expect(throws: FormatError.self) { try tree(doubled(60)) }
    #expect(error?.reason.kind == "limitExceeded")
  }

  @Test func textThatBecomesBytesAgainAndAgainIsRefused() throws {
    // A text of 1 MB, and a list of 200 calls that make bytes of it.
    let text: [UInt8] = [0x58, 0, 0, 16, 0] + [UInt8](repeating: 0x61, count: 1 << 20) + [0x71, 0, 0x30]
    let call: [UInt8] =
      Array("c_codecs\nencode\n".utf8) + [0x68, 0] + [0x58, 6, 0, 0, 0] + Array("latin1".utf8) + [0x86, 0x52]
    #expect(try tree(text + [0x5D, 0x28] + Array([call, call].joined()) + [0x65]).leftOut.isEmpty)
    let many = Array([[UInt8]](repeating: call, count: 200).joined())
    let error = #expect(throws: FormatError.self) { try tree(text + [0x5D, 0x28] + many + [0x65]) }
    #expect(error?.reason.kind == "limitExceeded")
  }

  @Test func whatContainsItselfIsLeftOut() throws {
    let tree = try tree([0x5D, 0x71, 0, 0x68, 0, 0x61])
    #expect(tree.root.spelled.compact == #"{"list":[null]}"#)
    #expect(tree.leftOut == [LeftOut(name: "0", reason: "a container that contains itself")])
  }

  @Test func nestingAndNumbersHaveLimits() throws {
    func nested(_ count: Int) -> [UInt8] {
      [UInt8](repeating: 0x5D, count: count) + [UInt8](repeating: 0x61, count: count - 1)
    }
    #expect(try tree(nested(200)).leftOut.isEmpty)
    #expect(throws: FormatError.self) { try tree(nested(400)) }
    // A whole number of 300 bytes: Python has it, torch's careful reader does not.
    let long = try tree([0x8B, 44, 1, 0, 0] + [UInt8](repeating: 1, count: 300))
    #expect(long.leftOut.map(\.reason) == ["a whole number of more than 255 bytes"])
  }

  @Test func aPickleThatWouldBeTooLargeIsNotWritten() throws {
    let (text, short) = (String(repeating: "a", count: 1 << 20), String(repeating: "b", count: 256))
    try withTemporaryFolder { folder in
      let source = try PyTorchCheckpoint.open(Repository.golden("formats/pytorch/accept/list-zip-p2.pt"))
      func size(_ text: String, _ count: Int) throws -> Int {
        let many = PyTorchValue.list([PyTorchValue](repeating: .string(text), count: count) + [.tensor("0")])
        try write(many, from: source, to: folder + "/a.pt")
        return try ByteRegion.mapping(folder + "/a.pt").count
      }
      // A short text is recalled, a long one stands there again, until it is too much.
      #expect(try size(short, 5000) < 20000)
      #expect(try size(text, 3) > 3 << 20)
      let error = #expect(throws: FormatError.self) { try size(text, 129) }
      #expect(error?.reason.kind == "limitExceeded")
    }
  }
}
