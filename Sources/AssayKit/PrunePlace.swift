import Bytes
import Frontends

/// Where the result of a pruning may lie.
enum PrunePlace {
  /// Throws where `target` is the source, or a file of it, or lies inside it.
  static func check(_ source: String, _ files: ModelFiles, _ target: String) throws(Failure) {
    let (folder, name) = splitPath(target.utf8.last == UInt8(ascii: "/") ? String(target.utf8.dropLast())! : target)
    guard let home = resolvedPath(folder), let from = resolvedPath(source) else { return }
    let place = Name(resolvedPath(target) ?? joinPath(home, name))
    let own = files.weightFiles.map { joinPath(files.folder, $0) } + [source]
    guard !own.contains(where: { resolvedPath($0).map { Name($0) } == place }) else {
      throw Failure("\(target): this is the source; another name would do")
    }
    let root = from == "/" ? from : from + "/"
    guard fileKind(source) != .folder || !place.text.utf8.starts(with: root.utf8) else {
      throw Failure("\(target): this lies inside the source \(source); another place would do")
    }
  }
}
