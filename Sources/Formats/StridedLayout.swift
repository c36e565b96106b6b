import Bytes
import Tensors

/// Where the elements of a tensor lie in a storage that is not simply row after row.
struct StridedLayout: Hashable, Sendable {
  /// What the elements are.
  let dataType: DataType
  /// The lengths of the axes.
  let shape: Shape
  /// Elements between neighbours along each axis; none negative, as many as axes.
  let strides: [Int]
  /// The first element's place, in elements.
  let offset: Int

  /// A copy may have this many bytes, or `copyToFileLimit` times the file's, whichever is more.
  static let copyLimit = 128 << 20
  /// See `copyLimit`.
  static let copyToFileLimit = 16

  /// True when the elements follow each other in row-major order.
  var isContiguous: Bool {
    guard shape.count > 0 else { return true }
    return zip(zip(shape.dimensions, strides), shape.strides).allSatisfy { $0.0 == 1 || $0.1 == $1 }
  }

  /// Checks that every element lies inside a storage of `count` bytes.
  func check(inside count: Int, format: String, at place: Int) throws(FormatError) {
    guard strides.count == shape.rank, offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      throw FormatError(format, .invalid("a tensor needs a stride for each axis, none negative"), offset: place)
    }
    guard shape.count > 0 else { return }
    var last = offset
    var overflows = false
    for (length, stride) in zip(shape.dimensions, strides) {
      let reach = (length - 1).multipliedReportingOverflow(by: stride)
      let sum = last.addingReportingOverflow(reach.partialValue)
      overflows = overflows || reach.overflow || sum.overflow
      last = sum.partialValue
    }
    guard !overflows, last < count / dataType.size else {
      throw FormatError(format, .invalid("the tensor reaches outside of its storage of \(count) bytes"), offset: place)
    }
  }

  /// The elements in row-major order: a view of `storage` where they lie so, otherwise a copy. `check` came before.
  ///
  /// A small storage can be spread over any number of elements: a copy is limited by the file's size.
  func tensor(over storage: ByteView, fileSize: Int, format: String) throws(FormatError) -> Tensor {
    let count = shape.count * dataType.size
    if shape.count == 0 { return Tensor(dataType, shape, bytes: try storage.slice(0, 0, format: format)) }
    if isContiguous {
      return Tensor(dataType, shape, bytes: try storage.slice(offset * dataType.size, count, format: format))
    }
    guard count <= StridedLayout.copyLimit || count / StridedLayout.copyToFileLimit <= fileSize else {
      throw FormatError(format, .limitExceeded("a tensor of \(count) bytes over a storage of \(storage.count)"))
    }
    let region = ByteRegion(count: count, name: storage.region.name) { target in
      storage.withUnsafeBytes { source in
        switch dataType.size {
        case 1: copy(source, to: target, as: UInt8.self)
        case 2: copy(source, to: target, as: UInt16.self)
        case 4: copy(source, to: target, as: UInt32.self)
        case 8: copy(source, to: target, as: UInt64.self)
        default: copy(source, to: target, as: UInt128.self)
        }
      }
    }
    return Tensor(dataType, shape, bytes: region.view)
  }

  /// Walks the outer axes like an odometer and copies along the last.
  private func copy<Element: BitwiseCopyable>(
    _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, as type: Element.Type
  ) {
    let size = MemoryLayout<Element>.size
    let rank = shape.rank
    let row = rank == 0 ? 1 : shape[-1]
    let step = rank == 0 ? 0 : strides[rank - 1]
    var counters = [Int](repeating: 0, count: rank)
    var start = offset
    var written = 0
    while true {
      for index in 0..<row {
        let element = source.loadUnaligned(fromByteOffset: (start + index * step) * size, as: Element.self)
        target.storeBytes(of: element, toByteOffset: written, as: Element.self)
        written += size
      }
      var axis = rank - 2
      while axis >= 0 {
        counters[axis] += 1
        start += strides[axis]
        if counters[axis] < shape[axis] { break }
        start -= counters[axis] * strides[axis]
        counters[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
