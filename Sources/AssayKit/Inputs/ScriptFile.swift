import Bytes

/// A list may have this many bytes.
private let scriptLimit = 256 << 20

/// The recordings that Kaldi's script files (`wav.scp`) name: `NAME PATH` a line, split at the first white space; `-` is
/// standard input.
///
/// Paths are those of the working directory, as for Kaldi. Blank lines are passed over. A name is given once in all lists.
/// What Kaldi would run, or look up inside an archive, is refused with file and line, and nothing is ever run.
func scriptInputs(_ lists: [String]) throws -> [RunInput] {
  var inputs: [RunInput] = []
  var places: [Name: String] = [:]
  guard lists.count(where: { $0 == "-" }) < 2 else { throw Failure("--scp -: standard input can be read once") }
  for list in lists {
    let file = list == "-" ? "standard input" : list
    let count = inputs.count
    var bytes = try inFile(file) { try readWhole(list == "-" ? nil : list, limit: scriptLimit) }[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      func refuse(_ what: String) -> Failure {
        Failure("\(FormatError("scp", .invalid(what), line: index + 1, file: file))")
      }
      guard let entry = try entry(line, refuse) else { continue }
      let place = "\(file) in line \(index + 1)"
      if let other = places.updateValue(place, forKey: Name(entry.name)) {
        throw refuse("the name \"\(entry.name)\" is given twice, first by \(other)")
      }
      inputs.append(RunInput(path: entry.path, name: entry.name, place: place))
    }
    guard inputs.count > count else { throw Failure("\(file): no recording is named; lines are NAME PATH") }
  }
  return inputs
}

/// The name and path of one line; nil for a blank one.
private func entry(_ line: Array<UInt8>.SubSequence, _ refuse: (String) -> Failure) throws -> (
  name: String, path: String
)? {
  func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
  let line = line.drop(while: isSpace)
  guard !line.isEmpty else { return nil }
  guard !line.contains(0) else { throw refuse("a NUL byte; lines of text are expected") }
  let first = line.prefix { !isSpace($0) }
  var rest = line[first.endIndex...].drop(while: isSpace)
  while let last = rest.last, isSpace(last) { rest.removeLast() }
  guard let name = String(validating: first, as: UTF8.self), let path = String(validating: rest, as: UTF8.self) else {
    throw refuse("not UTF-8")
  }
  guard !path.isEmpty else { throw refuse("\"\(name)\" has no path; NAME PATH is expected") }
  // What Kaldi's ClassifyRxfilename takes for something other than a file.
  guard rest.last != UInt8(ascii: "|"), rest.first != UInt8(ascii: "|") else {
    throw refuse("\"\(name)\" is a command; nothing is run: have its output written to a file and name that")
  }
  guard path != "-" else { throw refuse("\"\(name)\" is standard input; a file is expected") }
  var place = rest
  var part: Array<UInt8>.SubSequence?
  if place.last == UInt8(ascii: "]"), let range = place.lastIndex(of: UInt8(ascii: "[")) {
    part = place[(range + 1)...].dropLast()
    place = place[..<range]
  }
  let offset = place.reversed().prefix { (0x30...0x39).contains($0) }
  guard offset.isEmpty || place.dropLast(offset.count).last != UInt8(ascii: ":") else {
    throw refuse("\"\(name)\" is a place in an archive (\(path)); a file with one recording is expected")
  }
  if let part, !part.isEmpty, part.allSatisfy({ "0123456789:,-".utf8.contains($0) }) {
    throw refuse("\"\(name)\" is a part of a file (\(path)); a file with one recording is expected")
  }
  return (name, path)
}
