import Bytes
import CLibZip

// What libzip calls while it writes: where the archive goes, and where members come from.

/// The file that libzip writes an archive to.
final class ZipTarget {
  private let file: FileWriter
  private let progress: @Sendable (Int) -> Void
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
  /// What the buffer holds goes here.
  private var start = 0
  private var filled = 0
  /// The first thing that went wrong in a call of libzip's.
  var failure: FormatError?

  init(_ file: FileWriter, progress: @escaping @Sendable (Int) -> Void) {
    (self.file, self.progress) = (file, progress)
  }

  deinit { buffer.deallocate() }

  /// The target as libzip knows it; holds on to this object until libzip lets it go.
  func source(_ failure: inout zip_error_t) -> OpaquePointer? {
    let state = Unmanaged.passRetained(self).toOpaque()
    let source = zip_source_function_create(
      { state, data, count, command in
        let target = Unmanaged<ZipTarget>.fromOpaque(state!)
        if command == ZIP_SOURCE_FREE {
          target.release()
          return 0
        }
        return target.takeUnretainedValue().answer(command, data, Int(count))
      }, state, &failure)
    if source == nil { Unmanaged<ZipTarget>.fromOpaque(state).release() }
    return source
  }

  private func answer(_ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ count: Int) -> zip_int64_t {
    switch command {
    case ZIP_SOURCE_SUPPORTS:
      return [
        ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
        ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE,
        ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_REMOVE,
      ].reduce(0) { $0 | 1 << zip_int64_t($1.rawValue) }
    // There is nothing to read: the archive is new.
    case ZIP_SOURCE_STAT: return stat(data, count, size: 0)
    case ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
      ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_REMOVE:
      return 0
    case ZIP_SOURCE_ERROR: return report(data, count)
    case ZIP_SOURCE_WRITE:
      guard let data else { return -1 }
      return attempt { () throws(FormatError) in try write(UnsafeRawBufferPointer(start: data, count: count)) }
        ? zip_int64_t(count) : -1
    case ZIP_SOURCE_COMMIT_WRITE:
      return attempt { () throws(FormatError) in try flush() } ? 0 : -1
    case ZIP_SOURCE_TELL_WRITE: return zip_int64_t(start + filled)
    case ZIP_SOURCE_SEEK_WRITE:
      let place = zip_source_seek_compute_offset(
        zip_uint64_t(start + filled), zip_uint64_t(max(file.count, start + filled)), data!, zip_uint64_t(count), nil)
      guard place >= 0, attempt({ () throws(FormatError) in try flush() }) else { return -1 }
      start = Int(place)
      return 0
    default: return -1
    }
  }

  private func attempt(_ body: () throws(FormatError) -> Void) -> Bool {
    do throws(FormatError) {
      try body()
      return true
    } catch {
      failure = failure ?? error
      return false
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = min(rest.count, buffer.count - filled)
      UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
      filled += count
      rest = rest.dropFirst(count)
      if filled == buffer.count { try flush() }
    }
  }

  private func flush() throws(FormatError) {
    guard filled > 0 else { return }
    try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<filled]), at: start)
    start += filled
    filled = 0
    progress(file.count)
  }
}

/// The bytes that libzip reads a member from; they are opened when its turn comes and let go after it.
final class ZipContents {
  private let member: ZipWriter.Member
  private let target: ZipTarget
  private var bytes: StreamedBytes?
  private var piece: ByteView?
  private var next = 0
  private var position = 0

  init(_ member: ZipWriter.Member, _ target: ZipTarget) { (self.member, self.target) = (member, target) }

  /// The contents as libzip knows them; holds on to this object until libzip lets it go.
  func source(_ handle: OpaquePointer) -> OpaquePointer? {
    let state = Unmanaged.passRetained(self).toOpaque()
    let source = zip_source_function(
      handle,
      { state, data, count, command in
        let contents = Unmanaged<ZipContents>.fromOpaque(state!)
        if command == ZIP_SOURCE_FREE {
          contents.release()
          return 0
        }
        return contents.takeUnretainedValue().answer(command, data, Int(count))
      }, state)
    if source == nil { Unmanaged<ZipContents>.fromOpaque(state).release() }
    return source
  }

  private func answer(_ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ count: Int) -> zip_int64_t {
    switch command {
    case ZIP_SOURCE_SUPPORTS:
      return [
        ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
      ].reduce(0) { $0 | 1 << zip_int64_t($1.rawValue) }
    case ZIP_SOURCE_STAT: return stat(data, count, size: member.size)
    case ZIP_SOURCE_ERROR: return report(data, count)
    case ZIP_SOURCE_OPEN: return open() ? 0 : -1
    case ZIP_SOURCE_READ:
      guard let data else { return -1 }
      return zip_int64_t(read(UnsafeMutableRawBufferPointer(start: data, count: count)))
    case ZIP_SOURCE_CLOSE:
      (bytes, piece) = (nil, nil)
      return 0
    default: return -1
    }
  }

  private func open() -> Bool {
    do throws(FormatError) {
      let opened = try member.open()
      guard opened.count == member.size else {
        throw FormatError("zip", .invalid("\(opened.count) bytes came of \(member.size)"), place: [member.name])
      }
      (bytes, piece, next, position) = (opened, nil, 0, 0)
      return true
    } catch {
      target.failure = target.failure ?? error
      return false
    }
  }

  private func read(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let bytes else { return -1 }
    var filled = 0
    while filled < buffer.count {
      if position == piece?.count ?? 0 {
        guard next < bytes.pieces else { break }
        (piece, position) = (bytes.piece(next), 0)
        next += 1
        continue
      }
      guard let piece else { break }
      let count = min(buffer.count - filled, piece.count - position)
      piece[position..<position + count].withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count]).copyMemory(from: $0)
      }
      (filled, position) = (filled + count, position + count)
    }
    return filled
  }
}

/// Tells libzip a size; the number of bytes told.
private func stat(_ data: UnsafeMutableRawPointer?, _ count: Int, size: Int) -> zip_int64_t {
  guard let data, count >= MemoryLayout<zip_stat_t>.size else { return -1 }
  let status = data.bindMemory(to: zip_stat_t.self, capacity: 1)
  zip_stat_init(status)
  status.pointee.valid = zip_uint64_t(ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD)
  status.pointee.size = zip_uint64_t(size)
  status.pointee.comp_method = zip_uint16_t(ZIP_CM_STORE)
  return zip_int64_t(MemoryLayout<zip_stat_t>.size)
}

/// Tells libzip that a call failed; the reason is kept on our side.
private func report(_ data: UnsafeMutableRawPointer?, _ count: Int) -> zip_int64_t {
  guard let data, count >= 2 * MemoryLayout<Int32>.size else { return -1 }
  data.storeBytes(of: ZIP_ER_WRITE, as: Int32.self)
  data.storeBytes(of: 0, toByteOffset: 4, as: Int32.self)
  return zip_int64_t(2 * MemoryLayout<Int32>.size)
}
