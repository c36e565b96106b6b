import Bytes
import Formats
import Frontends

/// What a user says of a model beside its files.
public typealias SourceOptions = ImportOptions

extension ImportOptions {
  /// Takes the words of the command line: the contract's name of the system, the name of an activation.
  public init(
    system: String? = nil, head: String? = nil, headActivation: String? = nil, labels: [String]? = nil
  ) throws {
    self.init()
    self.system = try system.map(ModelSystem.named)
    self.head = head
    self.headActivation = try headActivation.map { word in
      guard let activation = Activation(rawValue: word) else {
        let words = Activation.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure("no activation is called \"\(word)\"; the names are \(words)")
      }
      return activation
    }
    self.labels = labels
  }
}

extension ImportOptions {
  /// What is said of the model at `path`, one of `all` that are compared: a head and its labels are for those whose files
  /// can take one, and throw where none can.
  func forOne(at path: String, of all: [String]) throws -> SourceOptions {
    guard concernsHead, !ImportOptions.takesHead(path) else { return self }
    guard all.contains(where: ImportOptions.takesHead) else {
      throw Failure(
        "\(all.joined(separator: ", ")): a head, its activation and labels are given to encoders of checkpoints, and none "
          + "of these is one")
    }
    return SourceOptions(system: system)
  }

  /// False for artifacts and ONNX, which have their heads.
  private static func takesHead(_ path: String) -> Bool {
    if fileKind(path) == .file, let region = try? ByteRegion.mapping(path), FileFormat.of(region) == .assay {
      return false
    }
    guard let folder = try? ModelFolder.open(path) else { return true }
    if case .checkpoint = folder { return true }
    return false
  }
}

extension ModelSystem {
  static func named(_ name: String) throws -> ModelSystem {
    guard let system = ModelSystem(rawValue: name) else {
      let names = ModelSystem.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure("no system is called \"\(name)\"; the names are \(names)")
    }
    return system
  }
}
