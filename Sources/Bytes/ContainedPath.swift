/// The path of what `folder` holds under `relative`, a path that a file in the folder states.
///
/// It must stay inside: no absolute path, no `..`, and, unless `linksMayLeave`, no link that leads out. `what` names the file
/// in messages.
public func containedPath(
  _ relative: String, in folder: String, _ what: String, format: String, offset: Int? = nil, linksMayLeave: Bool = false
) throws(FormatError) -> String {
  let parts = relative.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
  guard !relative.utf8.contains(0), !parts.contains(where: { $0.isEmpty || $0.elementsEqual("..".utf8) }) else {
    throw FormatError(
      format, .invalid("\(what) \"\(relative)\": only files in the model's own folder are read"), offset: offset)
  }
  let path = joinPath(folder, relative)
  guard let real = resolvedPath(path), let home = resolvedPath(folder) else {
    throw FormatError(format, .missing("\(what) \"\(relative)\""), offset: offset)
  }
  guard linksMayLeave || real.utf8.starts(with: (home == "/" ? home : home + "/").utf8) else {
    throw FormatError(
      format, .invalid("\(what) \"\(relative)\": the link leads out of the model's folder"), offset: offset)
  }
  return path
}
