import Bytes

/// Where something is written: never over what it is made of.
enum WritePlace {
  /// Throws where the file `target`, through whatever links, is one of `files`.
  static func check(_ target: String, isNoneOf files: [String]) throws(Failure) {
    guard let place = resolvedPath(target).map({ Name($0) }) else { return }
    guard !files.contains(where: { resolvedPath($0).map { Name($0) } == place }) else {
      throw Failure("\(target): this is the source; another name would do")
    }
  }
}

extension Runner {
  /// Throws, before the work, where nothing can be written under one of the names `targets`, or where that would be over the
  /// model or one of `files`, which are read.
  public func checkPlaces(_ targets: [String], reading files: [String]) throws {
    let read = model.filesRead + files
    for target in targets {
      try WritePlace.check(target, isNoneOf: read)
      _ = try inFile(target) { try FileWriter(target) }
    }
  }
}
