import Bytes
import CLibZip
import Synchronization

/// One file in a zip archive.
public struct ZipMember: Sendable {
  /// The member's whole name.
  public let name: String
  /// Bytes of its contents.
  public let size: Int
  /// True when the contents lie in the archive as they are.
  public var isStored: Bool { method == 0 }

  let index: Int
  let method: UInt16
  let crc: UInt32
  let compressedSize: Int
  /// The directory record's absolute place.
  let offset: Int
  /// The data's place, counted from the archive's start.
  let data: Int
}

/// A zip archive over bytes in memory, opened, listed, checked and inflated by libzip; stored members are views of the archive.
///
/// Encrypted, linked, duplicate and overlapping members are refused, and whatever libzip and our own reading of the
/// directory disagree on. Opening reads the directory and the local headers only.
public final class ZipArchive: Sendable {
  /// The members, in the directory's order.
  public let members: [ZipMember]

  private let view: ByteView
  private let byName: [Name: Int]
  // libzip's handle is not safe to share: used under the lock only.
  nonisolated(unsafe) private let handle: OpaquePointer
  private let checked = Mutex<Set<Int>>([])

  /// No more than this many times its compressed bytes may a member inflate to; deflate cannot do more.
  public static let inflationLimit = 1032
  /// A member may inflate to this many bytes, or `inflatedToArchiveLimit` times the archive, whichever is more.
  public static let inflatedSizeLimit = 128 << 20
  /// See `inflatedSizeLimit`.
  public static let inflatedToArchiveLimit = 64

  /// Opens the archive that fills `view`.
  public init(_ view: ByteView) throws(FormatError) {
    let directory = try ZipDirectory(view)
    handle = try ZipArchive.open(view)
    self.view = view
    members = directory.records.enumerated().map { index, record in
      ZipMember(
        name: record.name, size: record.size, index: index, method: record.method, crc: record.crc,
        compressedSize: record.compressedSize, offset: record.offset, data: record.data)
    }
    byName = Dictionary(uniqueKeysWithValues: members.map { (Name($0.name), $0.index) })
    try compare()
  }

  deinit { zip_discard(handle) }

  private static func open(_ view: ByteView) throws(FormatError) -> OpaquePointer {
    var failure = zip_error_t()
    zip_error_init(&failure)
    defer { zip_error_fini(&failure) }
    let source = view.withUnsafeBytes {
      zip_source_buffer_create($0.baseAddress, zip_uint64_t($0.count), 0, &failure)
    }
    if let source {
      if let handle = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &failure) { return handle }
      zip_source_free(source)
    }
    let reason = String(cString: zip_error_strerror(&failure))
    throw FormatError("zip", .invalid("libzip refuses the archive: " + reason), offset: view.offset)
  }

  /// Holds libzip's reading of the directory against ours.
  private func compare() throws(FormatError) {
    guard zip_get_num_entries(handle, 0) == zip_int64_t(members.count) else {
      throw FormatError("zip", .invalid("two readings of the directory differ"), offset: view.range.upperBound)
    }
    for member in members {
      var status = zip_stat_t()
      zip_stat_init(&status)
      let known = zip_uint64_t(ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC | ZIP_STAT_COMP_METHOD)
      guard zip_stat_index(handle, zip_uint64_t(member.index), zip_flags_t(ZIP_FL_ENC_RAW), &status) == 0,
        status.valid & known == known, status.size == UInt64(member.size), status.crc == member.crc,
        status.comp_size == UInt64(member.compressedSize), status.comp_method == member.method,
        let name = status.name, String(cString: name).utf8.elementsEqual(member.name.utf8)
      else {
        throw FormatError(
          "zip", .invalid("two readings of the directory differ"), offset: member.offset, place: [member.name])
      }
    }
  }

  /// The member of that name, byte for byte.
  public func member(_ name: String) -> ZipMember? { byName[Name(name)].map { members[$0] } }

  /// The member's contents, their CRC-32 checked: a view of the archive for a stored member, otherwise inflated each time.
  ///
  /// A stored member is checked the first time it is asked for.
  public func contents(_ member: ZipMember) throws(FormatError) -> ByteView {
    do throws(FormatError) {
      switch member.method {
      case 0: return try stored(member)
      case 8: return try inflated(member)
      default: throw FormatError("zip", .unsupported("compression method \(member.method)"), offset: member.offset)
      }
    } catch { throw error.inside(member.name) }
  }

  private func stored(_ member: ZipMember) throws(FormatError) -> ByteView {
    let bytes = try view.slice(member.data, member.size, format: "zip")
    if checked.withLock({ $0.contains(member.index) }) { return bytes }
    guard bytes.withUnsafeBytes({ crc32($0) }) == member.crc else {
      throw FormatError("zip", .digestMismatch("the CRC-32 is another"), offset: bytes.offset)
    }
    checked.withLock { _ = $0.insert(member.index) }
    return bytes
  }

  private func inflated(_ member: ZipMember) throws(FormatError) -> ByteView {
    let most = member.compressedSize.multipliedReportingOverflow(by: ZipArchive.inflationLimit)
    guard most.overflow || member.size <= most.partialValue else {
      throw FormatError(
        "zip", .limitExceeded("no \(member.compressedSize) bytes inflate to \(member.size)"), offset: member.offset)
    }
    guard
      member.size <= ZipArchive.inflatedSizeLimit || member.size / ZipArchive.inflatedToArchiveLimit <= view.count
    else {
      throw FormatError(
        "zip", .limitExceeded("a member that inflates to \(member.size) bytes in a file of \(view.count)"),
        offset: member.offset)
    }
    let region = try ByteRegion(count: member.size, name: member.name) { (bytes) throws(FormatError) in
      let read = checked.withLock { _ in ZipArchive.inflate(handle, member.index, into: bytes) }
      guard read else {
        throw FormatError(
          "zip", .digestMismatch("it does not inflate to what the directory says"), offset: member.offset)
      }
    }
    return region.view
  }

  /// True when the member filled `bytes` exactly; libzip checks the CRC once it has met the end.
  private static func inflate(_ handle: OpaquePointer, _ index: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool
  {
    guard let file = zip_fopen_index(handle, zip_uint64_t(index), 0) else { return false }
    defer { zip_fclose(file) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeMutableRawBufferPointer(rebasing: rest)
      guard let start = piece.baseAddress else { return false }
      let count = zip_fread(file, start, zip_uint64_t(piece.count))
      guard count > 0, count <= piece.count else { return false }
      rest = rest.dropFirst(Int(count))
    }
    var one: UInt8 = 0
    return zip_fread(file, &one, 1) == 0
  }
}
