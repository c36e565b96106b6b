import Bytes
import CLibZip

/// Writes zip archives of stored members through a `FileWriter`: the same members give the same bytes on any machine.
///
/// Every member's contents start on a multiple of `alignment`: the local header's extra field "FB" fills up to there, as
/// torch has it. Members above 4 GiB get libzip's zip64 field. What libzip wrote is read back and held against the plan.
enum ZipWriter {
  /// One file of the archive.
  struct Member {
    /// Its whole name.
    let name: String
    /// How many bytes it has.
    let size: Int
    /// Reads it, when its turn comes.
    let open: () throws(FormatError) -> StreamedBytes

    init(_ name: String, size: Int, open: @escaping () throws(FormatError) -> StreamedBytes) {
      (self.name, self.size, self.open) = (name, size, open)
    }

    /// A file of bytes in memory.
    init(_ name: String, _ bytes: [UInt8]) {
      self.init(name, size: bytes.count) { StreamedBytes(ByteRegion(copying: bytes).view) }
    }
  }

  /// Where a member goes.
  struct Place: Equatable {
    /// The local header.
    let header: Int
    /// The extra field's contents, after its id and length.
    let padding: Int
    /// The contents.
    let data: Int
  }

  /// Members' contents start on multiples of so many bytes, as torch writes them.
  static let alignment = 64

  private static let headerSize = 30
  private static let fieldHead = 4
  /// libzip's zip64 field of a local header: head and two sizes.
  private static let wideFieldSize = 20
  /// "FB", which names the field that fills.
  private static let fillField: UInt16 = 0x4246

  /// Where members of these names and sizes go, one after the other from the file's start.
  static func plan(_ members: [(name: String, size: Int)]) -> [Place] {
    var end = 0
    return members.map { member in
      let wide = member.size > Int(UInt32.max) ? wideFieldSize : 0
      let least = end + headerSize + member.name.utf8.count + wide + fieldHead
      let padding = Bytes.padding(after: least, to: alignment)
      let place = Place(header: end, padding: padding, data: least + padding)
      end = place.data + member.size
      return place
    }
  }

  /// Writes the archive to `file`, which is empty, and checks the file's directory; the caller publishes.
  ///
  /// `progress` is called with the number of bytes written so far.
  static func write(
    _ members: [Member], to file: FileWriter, progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(FormatError) {
    let places = plan(members.map { ($0.name, $0.size) })
    if let last = places.last, let size = members.last?.size { try file.reserve(last.data + size) }
    let target = ZipTarget(file, progress: progress)
    try write(members, places, to: target)
    try check(members, places, file)
  }

  private static func write(
    _ members: [Member], _ places: [Place], to target: ZipTarget
  ) throws(FormatError) {
    var failure = zip_error_t()
    zip_error_init(&failure)
    defer { zip_error_fini(&failure) }
    guard let source = target.source(&failure) else { throw refusal(&failure, target) }
    guard let handle = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &failure) else {
      zip_source_free(source)
      throw refusal(&failure, target)
    }
    for (member, place) in zip(members, places) {
      guard add(member, place, to: handle, target) else {
        let error = refusal(zip_get_error(handle), target)
        zip_discard(handle)
        throw error.inside(member.name)
      }
    }
    guard zip_close(handle) == 0, target.failure == nil else {
      let error = refusal(zip_get_error(handle), target)
      zip_discard(handle)
      throw error
    }
  }

  /// Adds a member: stored, of a fixed time and fixed attributes, filled up to its place.
  private static func add(_ member: Member, _ place: Place, to handle: OpaquePointer, _ target: ZipTarget) -> Bool {
    guard let source = ZipContents(member, target).source(handle) else { return false }
    let index = zip_file_add(handle, member.name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
    guard index >= 0 else {
      zip_source_free(source)
      return false
    }
    // 1980-01-01 00:00, the first time that DOS can tell; attributes of a plain file on DOS.
    let (number, fill) = (zip_uint64_t(index), [UInt8](repeating: 0x5A, count: place.padding))
    return zip_set_file_compression(handle, number, ZIP_CM_STORE, 0) == 0
      && zip_file_set_dostime(handle, number, 0, 0x21, 0) == 0
      && zip_file_set_external_attributes(handle, number, 0, zip_uint8_t(ZIP_OPSYS_DOS), 0) == 0
      && zip_file_extra_field_set(
        handle, number, fillField, zip_uint16_t(ZIP_EXTRA_FIELD_NEW), fill, zip_uint16_t(fill.count),
        zip_flags_t(ZIP_FL_LOCAL)) == 0
  }

  private static func refusal(_ failure: UnsafeMutablePointer<zip_error_t>, _ target: ZipTarget) -> FormatError {
    target.failure
      ?? FormatError("zip", .system("libzip cannot write: " + String(cString: zip_error_strerror(failure))))
  }

  /// Throws unless the directory, as any reader reads it, has every member where it was planned.
  private static func check(_ members: [Member], _ places: [Place], _ file: FileWriter) throws(FormatError) {
    let records = try ZipDirectory(file.readBack().view).records
    guard records.count == members.count else {
      throw FormatError("zip", .digestMismatch("\(records.count) members of \(members.count) were written"))
    }
    for (record, (member, place)) in zip(records, zip(members, places)) {
      guard Name(record.name) == Name(member.name), record.method == 0, record.size == member.size,
        record.header == place.header, record.data == place.data, record.data % alignment == 0
      else {
        throw FormatError(
          "zip", .digestMismatch("a member was not written where it was planned"), offset: record.offset,
          place: [member.name])
      }
    }
  }
}
