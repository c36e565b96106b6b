import Bytes
import CSndFile

/// An audio file being read: interleaved samples, block after block, to the end of what is there.
///
/// WAV, FLAC, OGG, MP3, AIFF and whatever else libsndfile decodes. Integer samples are divided by 2^(bits − 1) and so
/// lie in [−1, 1); floating-point samples come as stored. How many frames a header announces is not trusted.
public struct AudioFile: ~Copyable {
  /// The file, as the user named it.
  public let path: String
  /// Frames per second, at least 1.
  public let rate: Int
  /// Samples per frame, at least 1.
  public let channels: Int
  /// How many frames were read so far.
  public private(set) var frames = 0

  private let handle: OpaquePointer
  private let source: ByteSource
  /// What the header says or, for some formats, libsndfile estimates; `Int.max` for unknown.
  let announced: Int
  private let isCounted: Bool

  /// How many frames a file may have: three hours at 48 kHz. A few bytes of FLAC can stand for hours of silence.
  public static let frameLimit = 1 << 29
  /// How far from zero a sample may lie: beyond any integer's scale, and no 32-bit sum of squares overflows.
  public static let magnitudeLimit: Float = 0x1p40

  private static let blockSamples = 1 << 16

  /// Opens the regular file at `path`; throws where it is no audio that can be decoded.
  public init(_ path: String) throws(FormatError) {
    try self.init(ByteRegion.mapping(path).view, path: path)
  }

  /// Opens audio in memory, named `path` in errors.
  public init(_ bytes: ByteView, path: String) throws(FormatError) {
    guard !waveIsCutShort(bytes) else {
      throw FormatError("audio", .invalid("cut short: the file ends before its samples do"), file: path)
    }
    let source = ByteSource(bytes)
    defer { withExtendedLifetime(source) {} }
    var info = SF_INFO()
    var access = ByteSource.access
    let handle = sf_open_virtual(&access, Int32(SFM_READ), &info, Unmanaged.passUnretained(source).toOpaque())
    guard let handle else {
      let what = "libsndfile cannot decode this (\(AudioFile.reason(nil))); WAV, FLAC, OGG or MP3 is expected"
      throw FormatError("audio", .unsupported(what), file: path)
    }
    guard info.samplerate > 0, info.channels > 0 else {
      sf_close(handle)
      let what = "\(info.channels) channels at a sample rate of \(info.samplerate) Hz; both must be positive"
      throw FormatError("audio", .invalid(what), file: path)
    }
    self.path = path
    self.source = source
    self.handle = handle
    rate = Int(info.samplerate)
    channels = Int(info.channels)
    announced = Int(info.frames)
    switch Int(info.format) & SF_FORMAT_TYPEMASK {
    case SF_FORMAT_FLAC, SF_FORMAT_OGG: isCounted = true
    case SF_FORMAT_MPEG: isCounted = mp3CountsItsFrames(bytes)
    default: isCounted = false
    }
  }

  deinit { sf_close(handle) }

  /// The next frames, interleaved [frames][channels]; none at the end.
  ///
  /// Throws where the decoder finds damage or a file is cut short (as far as its format tells), at more frames than
  /// `frameLimit`, and at a sample that is NaN, infinite or beyond `magnitudeLimit`: it would poison all that follows.
  public mutating func next() throws(FormatError) -> [Float] {
    let capacity = max(1, AudioFile.blockSamples / channels)
    var read = 0
    let block = [Float](unsafeUninitializedCapacity: capacity * channels) { samples, count in
      read = Int(sf_readf_float(handle, samples.baseAddress, sf_count_t(capacity)))
      read = max(0, min(read, capacity))
      count = read * channels
    }
    guard sf_error(handle) == SF_ERR_NO_ERROR else {
      throw failure(.invalid("damaged after frame \(frames + read): \(AudioFile.reason(handle))"))
    }
    let limit = AudioFile.magnitudeLimit
    if let bad = block.firstIndex(where: { !($0.magnitude <= limit) }) {
      let place = "frame \(frames + bad / channels), channel \(bad % channels)"
      throw failure(.invalid("the sample of \(place) is \(block[bad]); finite samples up to \(limit) are expected"))
    }
    if read == 0, isCounted, frames < announced {
      // An OGG stream without its last page has no length, and libsndfile gives nothing of it.
      let isKnown = announced < .max
      guard !isKnown, frames > 0 else {
        let what = isKnown ? "\(announced) frames are announced and \(frames) are there" : "the stream has no end"
        throw failure(.invalid("cut short: " + what))
      }
    }
    frames += read
    guard frames <= AudioFile.frameLimit else {
      throw failure(.limitExceeded("an audio file of more than \(AudioFile.frameLimit) frames"))
    }
    return block
  }

  private func failure(_ reason: FormatError.Reason) -> FormatError { FormatError("audio", reason, file: path) }

  private static func reason(_ handle: OpaquePointer?) -> String {
    let text = sf_strerror(handle).map { String(cString: $0) } ?? "unknown error"
    let bare = text.hasPrefix("Error : ") ? text.dropFirst(8) : text[...]
    return String(bare.hasSuffix(".") ? bare.dropLast() : bare)
  }
}

/// Bytes with a cursor, as libsndfile's virtual files want them.
private final class ByteSource {
  let bytes: ByteView
  var position = 0

  init(_ bytes: ByteView) { self.bytes = bytes }

  static func of(_ pointer: UnsafeMutableRawPointer?) -> ByteSource {
    Unmanaged<ByteSource>.fromOpaque(pointer!).takeUnretainedValue()
  }

  func seek(_ offset: Int, from whence: Int32) -> Int {
    let start =
      switch whence {
      case Int32(SF_SEEK_CUR): position
      case Int32(SF_SEEK_END): bytes.count
      default: 0
      }
    let (target, overflow) = start.addingReportingOverflow(offset)
    guard !overflow, target >= 0 else { return -1 }
    position = target
    return target
  }

  func read(into target: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    let available = min(count, bytes.count - position)
    guard available > 0, let target else { return 0 }
    bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress! + position, byteCount: available) }
    position += available
    return available
  }

  static var access: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { sf_count_t(ByteSource.of($0).bytes.count) },
      seek: { offset, whence, source in sf_count_t(ByteSource.of(source).seek(Int(offset), from: whence)) },
      read: { target, count, source in sf_count_t(ByteSource.of(source).read(into: target, Int(count))) },
      write: { _, _, _ in 0 },
      tell: { sf_count_t(ByteSource.of($0).position) })
  }
}
