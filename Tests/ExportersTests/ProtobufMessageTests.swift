import Bytes
import IR
import Tensors
import TestSupport
import Testing

@testable import Exporters

/// Bytes as the protobuf documentation's page on encoding gives them.
@Suite struct ProtobufMessageTests {
  @Test func fieldsAreEncodedAsThePageSays() {
    var inner = ProtobufMessage()
    inner.add(1, 150)
    #expect(inner.bytes == [0x08, 0x96, 0x01])
    var message = ProtobufMessage()
    message.add(2, "testing")
    message.add(3, inner)
    #expect(message.bytes == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67, 0x1A, 0x03, 0x08, 0x96, 0x01])
    var others = ProtobufMessage()
    others.add(1, -2)
    others.add(16, 1 as Float)
    others.add(1, 0)
    #expect(
      others.bytes == [
        0x08, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x85, 0x01, 0, 0, 0x80, 0x3F, 0x08, 0,
      ])
    for message in [inner, message, others] { #expect(message.count == message.bytes.count) }
  }

  @Test(arguments: [1, 3]) func elementsStandWhereTheirFieldIs(_ threads: Int) throws {
    func tensor(_ bytes: [UInt8]) -> Constant.Storage { .rowMajor(Tensor(.uint8, [bytes.count], bytes: view(bytes))) }
    var inner = ProtobufMessage()
    inner.add(1, 5)
    inner.add(2, tensor([7, 8, 9]))
    inner.add(3, "z")
    var message = ProtobufMessage()
    message.add(1, inner)
    message.add(2, tensor([]))
    message.add(3, tensor([4, 4]))
    let expected: [UInt8] = [
      0x0A, 10, 0x08, 5, 0x12, 3, 7, 8, 9, 0x1A, 1, 0x7A, 0x12, 0, 0x1A, 2, 4, 4,
    ]
    #expect(message.count == expected.count)
    try withTemporaryFolder { folder in
      let writer = try FileWriter(folder + "/message")
      try writer.write([0xFF])
      try message.write(to: writer, at: 1, threads: threads)
      #expect(try writer.readBack().view.array == [0xFF] + expected)
    }
  }
}
