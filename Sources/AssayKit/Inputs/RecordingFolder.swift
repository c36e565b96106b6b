import Audio
import Bytes

/// The recordings in `folder` and in the folders inside it: their paths from there on, sorted by their bytes.
///
/// Files count that are called as audio is or `.npy`; hidden files and folders do not. Links are followed, but each folder
/// counts once, under its own name where that lies in `folder`, so that links cannot lead round in circles. A link that
/// leads nowhere counts, so that somebody hears of it.
func recordings(in folder: String) throws -> [String] {
  let home = resolvedPath(folder) ?? folder
  var seen: Set<Name> = [Name(home)]
  var files: [String] = []
  var folders = [""]
  var links: [String] = []
  var areSorted = true
  while !folders.isEmpty || !links.isEmpty {
    if folders.isEmpty {
      // Links wait for the folders that need none.
      if !areSorted { links.sort { Name($1) < Name($0) } }
      areSorted = true
      let link = links.removeLast()
      if let target = resolvedPath(joinPath(folder, link)), seen.insert(Name(target)).inserted { folders.append(link) }
      continue
    }
    let relative = folders.removeLast()
    let here = relative.isEmpty ? folder : joinPath(folder, relative)
    for entry in try inFile(here, { try folderEntries(here) }) where entry.utf8.first != UInt8(ascii: ".") {
      let (member, path) = (relative.isEmpty ? entry : joinPath(relative, entry), joinPath(here, entry))
      switch fileKind(path) {
      case .file, .missing: if isRecording(entry) { files.append(member) }
      case .folder where isLink(path):
        links.append(member)
        areSorted = false
      case .folder: if seen.insert(Name(resolvedPath(path) ?? path)).inserted { folders.append(member) }
      case .other: break
      }
    }
  }
  return files.sorted { Name($0) < Name($1) }
}

/// True for names of audio files and of `.npy` arrays, in capitals too.
private func isRecording(_ name: String) -> Bool {
  guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
  let ending = (String(name.utf8[name.utf8.index(after: dot)...]) ?? "").lowercased()
  return ending == "npy" || AudioFile.extensions.contains(ending)
}
