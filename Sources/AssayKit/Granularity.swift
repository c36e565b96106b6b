import IR

/// Which of emotion2vec's two views of a recording is wanted.
public enum Granularity: String, CaseIterable, Sendable {
  /// A vector for each 20 ms: `frames`.
  case frame
  /// One vector: `utterance`.
  case utterance

  /// The output that holds it.
  var output: String {
    switch self {
    case .frame: "frames"
    case .utterance: "utterance"
    }
  }

  /// `names` without the view that is not wanted. A model that lacks one of the two has no choice to make, and is refused.
  func chosen(_ names: [String], of model: Model) throws -> [String] {
    let views = Granularity.allCases.map(\.output)
    guard views.allSatisfy(names.contains) else {
      throw Failure(
        "\(model.path): --granularity chooses between the outputs frames and utterance; this model of the system "
          + "\(model.system.rawValue) has \(names.joined(separator: ", "))")
    }
    return names.filter { !views.contains($0) || $0 == output }
  }
}
