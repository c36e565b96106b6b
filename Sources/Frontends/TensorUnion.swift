import Bytes
import Tensors

/// Two sources as one; no tensor of one is called as a tensor of the other.
struct TensorUnion: TensorSource {
  let first: any TensorSource
  let second: any TensorSource
  private let namesOfSecond: Set<Name>

  /// Joins two sources; a name that both have throws, with the `files` that it is in.
  init(
    _ first: any TensorSource, _ second: any TensorSource, files: (first: String, second: String)
  ) throws(FormatError) {
    (self.first, self.second) = (first, second)
    namesOfSecond = Set(second.entries.map { Name($0.name) })
    if let both = first.entries.first(where: { [namesOfSecond] in namesOfSecond.contains(Name($0.name)) }) {
      throw FormatError(
        "model", .invalid("\(files.first) has a tensor of this name too, and each name can stand for one"),
        file: files.second, place: [both.name])
    }
  }

  /// Those of the first source, then those of the second.
  var entries: [TensorEntry] { first.entries + second.entries }

  /// True where the tensor is one of the second source.
  func isOfSecond(_ name: String) -> Bool { namesOfSecond.contains(Name(name)) }

  func tensor(_ name: String) throws(FormatError) -> Tensor {
    try isOfSecond(name) ? second.tensor(name) : first.tensor(name)
  }
}
