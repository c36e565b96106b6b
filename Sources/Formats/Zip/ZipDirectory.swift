import Bytes

/// A zip archive's central directory, read by our own eyes: libzip tells everything but where a member's bytes lie.
///
/// Stricter than zip has to be: the directory ends where the end record starts, members do not overlap, and each local
/// header says what the directory says. Record layouts: PKWARE APPNOTE 6.3, sections 4.3.7 to 4.3.16.
struct ZipDirectory {
  /// What the directory and the local header say of one member.
  struct Record {
    let name: String
    let method: UInt16
    let crc: UInt32
    let compressedSize: Int
    let size: Int
    /// The directory record's absolute place.
    let offset: Int
    /// The local header's place, counted from the archive's start.
    let header: Int
    /// The data's place, counted from the archive's start.
    var data = 0
  }

  /// The members, in the directory's order.
  private(set) var records: [Record] = []

  /// An archive may have this many members.
  static let memberLimit = 1 << 18

  private static let recordSize = 46
  private static let headerSize = 30
  private static let endSize = 22

  init(_ view: ByteView) throws(FormatError) {
    let end = try ZipDirectory.findEnd(view)
    guard end.count <= end.size / ZipDirectory.recordSize else {
      throw FormatError("zip", .truncated(needed: end.count, available: end.size), offset: view.offset + end.start)
    }
    guard end.count <= ZipDirectory.memberLimit else {
      throw FormatError(
        "zip", .limitExceeded("more than \(ZipDirectory.memberLimit) members"), offset: view.offset + end.start)
    }
    var reader = ByteReader(try view.slice(end.start, end.size, format: "zip"), format: "zip")
    var names: Set<Name> = []
    records.reserveCapacity(end.count)
    for _ in 0..<end.count {
      let record = try ZipDirectory.record(&reader)
      guard names.insert(Name(record.name)).inserted else {
        throw FormatError("zip", .duplicateName(record.name), offset: record.offset)
      }
      records.append(record)
    }
    guard reader.remaining == 0 else { throw reader.error(.invalid("bytes after the directory's last record")) }
    try locate(view, directory: end.start)
  }

  /// Finds each member's data through its local header, and refuses members that overlap.
  private mutating func locate(_ view: ByteView, directory: Int) throws(FormatError) {
    for index in records.indices {
      do throws(FormatError) {
        records[index].data = try ZipDirectory.dataStart(records[index], view)
      } catch { throw error.inside(records[index].name) }
    }
    var last = 0
    for record in records.sorted(by: { $0.header < $1.header }) {
      guard record.header >= last else {
        throw FormatError("zip", .invalid("this member overlaps another"), offset: record.offset, place: [record.name])
      }
      guard record.compressedSize <= directory - record.data else {
        throw FormatError(
          "zip", .truncated(needed: record.compressedSize, available: max(directory - record.data, 0)),
          offset: record.offset, place: [record.name])
      }
      last = record.data + record.compressedSize
    }
  }

  private static func dataStart(_ record: Record, _ view: ByteView) throws(FormatError) -> Int {
    var reader = ByteReader(try view.slice(record.header, headerSize, format: "zip"), format: "zip")
    let place = reader.offset
    guard try reader.read(UInt32.self) == 0x0403_4B50 else {
      throw reader.error(.invalid("no local header where the directory says one is"), at: place)
    }
    _ = try reader.read(UInt16.self)
    let flags = try reader.read(UInt16.self)
    let method = try reader.read(UInt16.self)
    _ = try reader.read(UInt32.self)
    let crc = try reader.read(UInt32.self)
    let compressedSize = try reader.read(UInt32.self)
    let size = try reader.read(UInt32.self)
    let nameLength = Int(try reader.read(UInt16.self))
    let extraLength = Int(try reader.read(UInt16.self))

    let name = try view.slice(record.header + headerSize, nameLength, format: "zip")
    // Sizes may stand after the data (flag 3) and in the zip64 field.
    func agrees(_ local: UInt32, _ told: Int) -> Bool {
      UInt64(local) == UInt64(told) || local == UInt32.max || (flags & 8 != 0 && local == 0)
    }
    guard name.withUnsafeBytes({ $0.elementsEqual(record.name.utf8) }), method == record.method, flags & 1 == 0,
      agrees(crc, Int(record.crc)), agrees(compressedSize, record.compressedSize), agrees(size, record.size)
    else { throw reader.error(.invalid("local header and directory tell different things"), at: place) }
    return record.header + headerSize + nameLength + extraLength
  }

  private static func record(_ reader: inout ByteReader) throws(FormatError) -> Record {
    let place = reader.offset
    guard try reader.read(UInt32.self) == 0x0201_4B50 else {
      throw reader.error(.invalid("no directory record where one should stand"), at: place)
    }
    let madeBy = try reader.read(UInt16.self) >> 8
    _ = try reader.read(UInt16.self)
    let flags = try reader.read(UInt16.self)
    let method = try reader.read(UInt16.self)
    _ = try reader.read(UInt32.self)
    let crc = try reader.read(UInt32.self)
    var sizes = [UInt64(try reader.read(UInt32.self)), UInt64(try reader.read(UInt32.self))]
    sizes.swapAt(0, 1)  // uncompressed first, as in the zip64 field
    let nameLength = Int(try reader.read(UInt16.self))
    let extraLength = Int(try reader.read(UInt16.self))
    let commentLength = Int(try reader.read(UInt16.self))
    let disk = try reader.read(UInt16.self)
    _ = try reader.read(UInt16.self)
    let attributes = try reader.read(UInt32.self)
    sizes.append(UInt64(try reader.read(UInt32.self)))
    let name = try reader.text(nameLength)
    try widen(&sizes, ByteReader(reader.slice(extraLength), format: "zip"))
    _ = try reader.slice(commentLength)

    func refuse(_ what: String) -> FormatError {
      FormatError("zip", .unsupported(what), offset: place, place: [name])
    }
    guard !name.isEmpty, !name.utf8.contains(0) else { throw reader.error(.invalid("an empty name"), at: place) }
    if flags & 1 != 0 { throw refuse("an encrypted member") }
    if disk != 0 && disk != UInt16.max { throw refuse("an archive in several files") }
    // Unix keeps the file's mode in the upper half.
    if madeBy == 3 && attributes >> 28 == 0xA { throw refuse("a symbolic link") }
    guard let size = Int(exactly: sizes[0]), let compressed = Int(exactly: sizes[1]),
      let header = Int(exactly: sizes[2])
    else { throw FormatError("zip", .overflow("a member's size"), offset: place, place: [name]) }
    guard method != 0 || size == compressed else {
      throw FormatError("zip", .invalid("a stored member of two sizes"), offset: place, place: [name])
    }
    return Record(
      name: name, method: method, crc: crc, compressedSize: compressed, size: size, offset: place, header: header)
  }

  /// Replaces 32-bit values that are full by those of the zip64 extra field (APPNOTE 4.5.3).
  private static func widen(_ values: inout [UInt64], _ extra: ByteReader) throws(FormatError) {
    var extra = extra
    while extra.remaining >= 4 {
      let id = try extra.read(UInt16.self)
      let field = try extra.slice(Int(try extra.read(UInt16.self)))
      guard id == 1 else { continue }
      var reader = ByteReader(field, format: "zip")
      for index in values.indices where values[index] == UInt64(UInt32.max) {
        values[index] = try reader.read(UInt64.self)
      }
      return
    }
  }

  private static func findEnd(_ view: ByteView) throws(FormatError) -> (start: Int, size: Int, count: Int) {
    let first = max(0, view.count - endSize - Int(UInt16.max))
    let place = stride(from: view.count - endSize, through: first, by: -1).first { place in
      view[place] == 0x50 && view[place + 1] == 0x4B && view[place + 2] == 5 && view[place + 3] == 6
        && Int(view[place + 20]) | Int(view[place + 21]) << 8 == view.count - place - endSize
    }
    guard let place else {
      throw FormatError(
        "zip", .invalid("no end record: the file is cut short or no zip archive"), offset: view.range.upperBound)
    }
    var reader = ByteReader(try view.slice(place + 4, 16, format: "zip"), format: "zip")
    let disks = try reader.read(UInt32.self)
    let onDisk = try reader.read(UInt16.self)
    let count = try reader.read(UInt16.self)
    let size = try reader.read(UInt32.self)
    let start = try reader.read(UInt32.self)
    guard disks == 0 || disks == UInt32.max, onDisk == count else {
      throw FormatError("zip", .unsupported("an archive in several files"), offset: view.offset + place)
    }
    var end = (start: Int(start), size: Int(size), count: Int(count))
    var stop = place
    if let wide = try findWideEnd(view, before: place) {
      guard count == UInt16.max || Int(count) == wide.count, size == UInt32.max || Int(size) == wide.size,
        start == UInt32.max || Int(start) == wide.start
      else {
        throw FormatError("zip", .invalid("two end records that tell different things"), offset: view.offset + place)
      }
      (end, stop) = ((wide.start, wide.size, wide.count), wide.place)
    }
    guard end.start <= stop, end.size == stop - end.start else {
      throw FormatError("zip", .invalid("the directory does not end at the end record"), offset: view.offset + place)
    }
    return end
  }

  private static func findWideEnd(
    _ view: ByteView, before end: Int
  ) throws(FormatError) -> (place: Int, start: Int, size: Int, count: Int)? {
    guard end >= 20 else { return nil }
    var locator = ByteReader(try view.slice(end - 20, 20, format: "zip"), format: "zip")
    guard try locator.read(UInt32.self) == 0x0706_4B50 else { return nil }
    _ = try locator.read(UInt32.self)
    let place = try locator.readSize("the zip64 end record's place")
    var reader = ByteReader(try view.slice(place, 56, format: "zip"), format: "zip")
    let offset = reader.offset
    guard try reader.read(UInt32.self) == 0x0606_4B50 else {
      throw reader.error(.invalid("no zip64 end record where its locator points"), at: offset)
    }
    let length = try reader.readSize("the zip64 end record's size")
    guard length >= 44, place + 12 <= end - 20, length == end - 20 - place - 12 else {
      throw reader.error(.invalid("the zip64 end record does not end at its locator"), at: offset)
    }
    _ = try reader.slice(12)
    let onDisk = try reader.readSize("the number of members")
    let count = try reader.readSize("the number of members")
    let size = try reader.readSize("the directory's size")
    let start = try reader.readSize("the directory's place")
    guard onDisk == count else { throw reader.error(.unsupported("an archive in several files"), at: offset) }
    return (place, start, size, count)
  }
}
