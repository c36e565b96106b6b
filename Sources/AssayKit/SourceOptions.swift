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

extension ModelSystem {
  static func named(_ name: String) throws -> ModelSystem {
    guard let system = ModelSystem(rawValue: name) else {
      let names = ModelSystem.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure("no system is called \"\(name)\"; the names are \(names)")
    }
    return system
  }
}
