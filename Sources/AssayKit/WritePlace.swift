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
