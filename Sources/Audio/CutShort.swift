import Bytes

// libsndfile takes a file that stops early for a shorter one. What the containers say about their own length is read here.

/// True where a RIFF WAVE file ends before the samples that it announces.
///
/// Writers into a pipe cannot know the length and announce 2 GiB or more, or nothing: those are whole.
func waveIsCutShort(_ file: ByteView) -> Bool {
  guard file.hasPrefix(Array("RIFF".utf8)) else { return false }
  var reader = ByteReader(file, format: "wav")
  do {
    guard try reader.slice(12).array.suffix(4).elementsEqual("WAVE".utf8) else { return false }
    while true {
      let name = try reader.slice(4)
      let size = Int(try reader.read(UInt32.self))
      if name.hasPrefix(Array("data".utf8)) { return size < 0x7F00_0000 && size > reader.remaining }
      _ = try reader.slice(size + size % 2)
    }
  } catch {
    return false
  }
}

/// True where an MP3 file counts its frames in a Xing or Info tag; without one its length is only estimated.
func mp3CountsItsFrames(_ file: ByteView) -> Bool {
  var reader = ByteReader(file, format: "mp3")
  do {
    if file.hasPrefix(Array("ID3".utf8)) {
      _ = try reader.slice(6)
      let size = try reader.slice(4).array.reduce(0) { $0 << 7 | Int($1 & 0x7F) }
      _ = try reader.slice(size)
    }
    // The tag stands in the first frame after its side information: 4 + 32 bytes at most, and a checksum.
    let frame = try reader.slice(min(64, reader.remaining)).array
    return frame.indices.dropLast(3).contains { start in
      let word = frame[start..<start + 4]
      return word.elementsEqual("Xing".utf8) || word.elementsEqual("Info".utf8)
    }
  } catch {
    return false
  }
}
