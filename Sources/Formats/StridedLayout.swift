import Bytes
import Tensors

/// Where the elements of a tensor lie in a storage that is not simply row after row.
public struct StridedLayout: Hashable, Sendable {
  /// What the elements are.
  public let dataType: DataType
  /// The lengths of the axes.
  public let shape: Shape
  /// Elements between neighbours along each axis; none negative, as many as axes.
  public let strides: [Int]
  /// The first element's place, in elements.
  public let offset: Int

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
    try checkCopy(of: storage, fileSize: fileSize, format: format)
    return Tensor(dataType, shape, bytes: copied(storage).view)
  }

  private func copied(_ storage: ByteView) -> ByteRegion {
    ByteRegion(count: shape.count * dataType.size, name: storage.region.name) { target in
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
  }

  /// Throws where the elements are too many to go over for what the file is.
  func checkCopy(of storage: ByteView, fileSize: Int, format: String) throws(FormatError) {
    let count = shape.count * dataType.size
    guard count <= StridedLayout.copyLimit || count / StridedLayout.copyToFileLimit <= fileSize else {
      throw FormatError(format, .limitExceeded("a tensor of \(count) bytes over a storage of \(storage.count)"))
    }
  }

  /// SHA-256 of the elements in row-major order.
  func digest(over storage: ByteView) -> Digest {
    if isContiguous { return .of(storage[offset * dataType.size..<(offset + shape.count) * dataType.size]) }
    return .of(copied(storage).view)
  }

  private func copy<Element: BitwiseCopyable>(
    _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, as type: Element.Type
  ) {
    let size = MemoryLayout<Element>.size
    var written = 0
    forEachRow { start, row, step in
      for index in 0..<row {
        let element = source.loadUnaligned(fromByteOffset: (start + index * step) * size, as: Element.self)
        target.storeBytes(of: element, toByteOffset: written, as: Element.self)
        written += size
      }
    }
  }

  /// Walks the outer axes like an odometer: calls `body` with the first place, the length and the step of each row.
  func forEachRow(_ body: (_ start: Int, _ count: Int, _ step: Int) -> Void) {
    guard shape.count > 0 else { return }
    let rank = shape.rank
    let row = rank == 0 ? 1 : shape[-1]
    let step = rank == 0 ? 0 : strides[rank - 1]
    var counters = [Int](repeating: 0, count: rank)
    var start = offset
    while true {
      body(start, row, step)
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

// Elements that stay where they are.
extension StridedLayout {
  /// The same places, where every element is met once however often the axes repeat it.
  var withoutRepeats: StridedLayout {
    let kept = shape.dimensions.indices.filter { strides[$0] != 0 || shape[$0] == 0 }
    return StridedLayout(
      dataType: dataType, shape: Shape(kept.map { shape[$0] }), strides: kept.map { strides[$0] }, offset: offset)
  }

  /// The places from the first element to the last, in elements.
  var extent: Range<Int> {
    guard shape.count > 0 else { return offset..<offset }
    return offset..<zip(shape.dimensions, strides).reduce(offset) { $0 + ($1.0 - 1) * $1.1 } + 1
  }

  /// The same elements in a storage that starts `elements` later.
  func moved(back elements: Int) -> StridedLayout {
    StridedLayout(dataType: dataType, shape: shape, strides: strides, offset: offset - elements)
  }

  /// The elements of a storage that `layouts` reach, of one type, where they are; zeros where none reaches.
  static func storage(_ layouts: [StridedLayout], over storage: ByteView, places: Range<Int>) -> ByteView {
    guard let size = layouts.first?.dataType.size else { return storage[0..<0] }
    let part = storage[places.lowerBound * size..<places.upperBound * size]
    if covers(layouts.filter(\.isContiguous).map(\.extent), places) { return part }
    return ByteRegion(count: part.count, name: storage.region.name) { target in
      target.initializeMemory(as: UInt8.self, repeating: 0)
      part.withUnsafeBytes { source in
        for layout in layouts {
          layout.withoutRepeats.moved(back: places.lowerBound).forEachRow { start, row, step in
            for index in 0..<row {
              let place = (start + index * step) * size
              for byte in place..<place + size { target[byte] = source[byte] }
            }
          }
        }
      }
    }.view
  }

  /// True where ranges together are all of `places`.
  private static func covers(_ ranges: [Range<Int>], _ places: Range<Int>) -> Bool {
    var end = places.lowerBound
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.lowerBound <= end {
      end = max(end, range.upperBound)
    }
    return end >= places.upperBound
  }
}
