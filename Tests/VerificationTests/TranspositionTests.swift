import Bytes
import Tensors
import TestSupport
import Testing

@Suite struct TranspositionTests {
  @Test(
    arguments: [DataType.uint8, .float16, .float32, .float64, .complex128], [[1, 1], [3, 70], [70, 3], [33, 65]])
  func everyPieceIsThatOfTheTranspose(_ type: DataType, _ shape: [Int]) {
    let (rows, columns, size) = (shape[0], shape[1], type.size)
    let bytes = (0..<rows * columns * size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
    let transposed = Tensor(type, Shape(shape), bytes: view(bytes)).transposed
    #expect(transposed.shape == [columns, rows] && transposed.dataType == type)
    var expected: [UInt8] = []
    for column in 0..<columns {
      for row in 0..<rows {
        let place = (row * columns + column) * size
        expected += bytes[place..<place + size]
      }
    }
    let count = rows * columns
    for (start, end) in [
      (0, count), (0, 1), (count / 3, count / 3 + 1), (count / 4, count - count / 5), (count, count),
    ] {
      #expect(
        transposed.bytes(of: start..<end).array == Array(expected[start * size..<end * size]), "\(start)..<\(end)")
    }
  }
}
