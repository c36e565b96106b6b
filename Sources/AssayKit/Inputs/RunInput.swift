import Bytes

/// A recording to run on.
public struct RunInput: Hashable, Sendable {
  /// Where it lies: as the user named it, or in a folder that the user named.
  public let path: String
  /// What it is called in results: the name a list gives it; else its path without the extension, in a folder that the user
  /// named from there on, of a single file without its folder.
  public let name: String
  /// Where a list names it; nil for what the command line names.
  public let place: String?

  /// Creates an input.
  public init(path: String, name: String, place: String? = nil) {
    (self.path, self.name, self.place) = (path, name, place)
  }

  /// The recordings that `arguments` name - files, and folders of them - and after them those of Kaldi's `lists`.
  ///
  /// No recording is looked into. A folder without recordings, and a list that breaks a rule, are refused.
  public static func all(_ arguments: [String], lists: [String] = []) throws -> [RunInput] {
    var inputs: [RunInput] = []
    for path in arguments {
      guard fileKind(path) == .folder else {
        inputs.append(RunInput(path: path, name: plainName(of: path)))
        continue
      }
      let members = try recordings(in: path)
      guard !members.isEmpty else {
        throw Failure("\(path): no recording lies in this folder: no audio file and no .npy, hidden ones left out")
      }
      inputs += members.map { RunInput(path: joinPath(path, $0), name: withoutExtension($0)) }
    }
    return inputs + (try scriptInputs(lists))
  }

  /// What keeps the recording from having a result, as a document.
  public func json(_ failure: Failure) -> JSON {
    ["input": JSON(path), "name": JSON(name), "error": JSON(failure.description)]
  }

  private static func plainName(of path: String) -> String {
    let name = withoutExtension(splitPath(path).name)
    return name.isEmpty ? path : name
  }

  /// `path` without what stands behind its last component's last dot; a dot at the start begins no extension.
  static func withoutExtension(_ path: String) -> String {
    let component = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
    guard let dot = path.utf8[component...].lastIndex(of: UInt8(ascii: ".")), dot > component else { return path }
    return String(path.utf8[..<dot]) ?? path
  }
}
