import Bytes
import Tensors

/// Bytes that are read or made a piece at a time, in order.
struct StreamedBytes {
  /// How many bytes all pieces have together.
  let count: Int
  /// How many pieces there are.
  let pieces: Int
  /// The bytes of a piece; the same ones every time.
  let piece: @Sendable (Int) -> ByteView

  /// A piece has about so many bytes.
  private static let pieceSize = 4 << 20

  /// Bytes that lie somewhere; mapped ones are brought into reach a piece at a time.
  init(_ view: ByteView) {
    count = view.count
    pieces = (view.count + StreamedBytes.pieceSize - 1) / StreamedBytes.pieceSize
    piece = { number in
      let start = number * StreamedBytes.pieceSize
      let piece = view[start..<min(start + StreamedBytes.pieceSize, view.count)]
      piece.populate()
      return piece
    }
  }

  /// The elements of a tensor that is made when it is asked for.
  init(_ tensor: DerivedTensor) {
    let (elements, step) = (tensor.shape.count, StreamedBytes.pieceSize / tensor.dataType.size)
    count = elements * tensor.dataType.size
    pieces = (elements + step - 1) / step
    piece = { number in tensor.bytes(of: number * step..<min((number + 1) * step, elements)) }
  }

  /// SHA-256 of all pieces.
  var digest: Digest {
    var hasher = DigestHasher()
    for number in 0..<pieces { hasher.update(piece(number)) }
    return hasher.finish()
  }
}
