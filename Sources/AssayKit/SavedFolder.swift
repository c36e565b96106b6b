import Bytes
import Formats
import Synchronization
import Tensors

/// A folder with one file for each recording: whole or not there, whatever happens.
public struct SavedFolder: Sendable {
  /// What the files are.
  public enum Format: String, CaseIterable, Sendable {
    /// Every output whole.
    case safetensors
    /// One array, without the batch's axis of length 1.
    case npy
  }

  private let folder: String
  private let format: Format
  /// The output that `.npy` files hold.
  private let array: String?
  /// Folders that are there and swept.
  private let made: Folders

  /// Names of files may have so many bytes; while one is written, 31 more stand around it.
  static let nameLimit = 224
  /// And their paths in the folder so many.
  static let pathLimit = 2048
  /// Outputs that stand for a recording, the one that is taken first.
  private static let embeddings = ["utterance", "hidden_states", "last_hidden_state", "frames"]

  /// Prepares to write the results of `inputs` into `folder`, which is made if it is missing.
  ///
  /// `outputs` are those that the user named. Refused are, before anything runs: names that lead out of the folder or cannot
  /// be a file's, two recordings of one name, a file that is read, and arrays that nobody can tell.
  public init(_ folder: String, _ format: Format, runner: Runner, inputs: [RunInput], outputs: [String] = []) throws {
    (self.folder, self.format, made) = (folder, format, Folders())
    array = format == .npy ? try SavedFolder.array(of: runner, outputs) : nil
    try check(inputs, runner.model)
    try inFile(folder) {
      try made.need(folder)
      // Tells whether anything can be written here.
      _ = try FileWriter(joinPath(folder, ".assay"), sweeping: false)
    }
  }

  private static func array(of runner: Runner, _ outputs: [String]) throws -> String {
    guard outputs.count <= 1 else {
      throw Failure("--save-format npy writes one array a file; --outputs names \(outputs.count)")
    }
    if let name = outputs.first ?? embeddings.first(where: runner.names.contains) { return name }
    throw Failure(
      "\(runner.model.path): --save-format npy writes one array a file, and none of \(embeddings.joined(separator: ", ")) "
        + "is an output; --outputs names one, as \(runner.names.first ?? "NAME")")
  }

  /// Where the result of `input` is written.
  public func path(of input: RunInput) -> String { joinPath(folder, file(of: input)) }

  private func file(of input: RunInput) -> String { input.name + "." + format.rawValue }

  /// Writes a recording's result, in place of an older one.
  public func write(_ result: RunResult, of input: RunInput) throws {
    let path = path(of: input)
    try inFile(path) {
      try made.need(splitPath(path).folder)
      let file = try FileWriter(path, sweeping: false)
      if let array {
        let tensor = result.outputs.first { $0.name == array }!.tensor
        try file.write(NPYFile.encode(tensor.withoutBatch))
      } else {
        let metadata = [(name: "input", value: input.path), (name: "name", value: input.name)]
        try SafetensorsWriter.write(result.outputs, metadata: metadata, to: file)
      }
      try file.publish()
    }
  }

  private func check(_ inputs: [RunInput], _ model: Model) throws {
    var owners: [Name: RunInput] = [:]
    for input in inputs {
      func refuse(_ what: String) -> Failure { Failure("\(input.place ?? input.path): \(what)") }
      let parts = input.name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      guard parts.allSatisfy({ !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }),
        !input.name.utf8.contains(0)
      else { throw refuse("the name \"\(input.name)\" is no path inside a folder, as --save-dir wants it") }
      guard input.name.utf8.count <= SavedFolder.pathLimit, parts.allSatisfy({ $0.count <= SavedFolder.nameLimit })
      else {
        throw refuse(
          "the name \"\(String(input.name.prefix(80)))\"... has a part of more than \(SavedFolder.nameLimit) bytes, or "
            + "\(SavedFolder.pathLimit) in all")
      }
      if let other = owners.updateValue(input, forKey: Name(file(of: input))) {
        throw refuse(
          "this and \(other.place ?? other.path) would both be written to \(self.path(of: input)); a list for --scp can give "
            + "them names")
      }
    }
    for input in inputs {
      var part = input.name
      while let slash = part.utf8.lastIndex(of: UInt8(ascii: "/")) {
        part = String(part.utf8[..<slash]) ?? ""
        guard let other = owners[Name(part)] else { continue }
        throw Failure(
          "\(input.place ?? input.path): \(joinPath(folder, part)) would be a folder for this, and a file for "
            + "\(other.place ?? other.path)")
      }
    }
    // What is there already may be what is read.
    let old = inputs.filter { fileKind(path(of: $0)) == .file }
    guard !old.isEmpty else { return }
    let read = Set((inputs.map(\.path) + model.filesRead).compactMap(resolvedPath).map { Name($0) })
    for input in old where resolvedPath(path(of: input)).map({ read.contains(Name($0)) }) ?? false {
      throw Failure("\(path(of: input)): this is read, and would be written over; another folder would do")
    }
  }
}

/// Folders that are made, and rid of what killed writers left, when a file of theirs is first written.
private final class Folders: Sendable {
  private let known = Mutex<Set<Name>>([])

  func need(_ folder: String) throws(FormatError) {
    guard known.withLock({ !$0.contains(Name(folder)) }) else { return }
    try makeFolder(folder)
    FileWriter.sweep(folder: folder)
    known.withLock { _ = $0.insert(Name(folder)) }
  }
}

extension Tensor {
  /// The same elements without a first axis of length 1; the only axis stays.
  var withoutBatch: Tensor {
    guard shape.rank > 1, shape[0] == 1 else { return self }
    return Tensor(dataType, Shape(Array(shape.dimensions.dropFirst())), bytes: bytes)
  }
}
