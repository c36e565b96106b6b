import Bytes
import IR

extension Wav2Vec2Configuration {
  /// The names of so many outputs of `weight`: the configuration's, or, where it has none but `LABEL_0`, `LABEL_1`..., those
  /// `given`. Names that do not fit throw.
  func labels(of outputs: Int, _ weight: String, given: [String]?) throws(GraphError) -> [String] {
    if let given {
      if let labels, !Wav2Vec2Configuration.areNumbers(labels) {
        throw GraphError(
          "id2label",
          "config.json names the outputs: \(labels.joined(separator: ", ")); --labels is for files that do not")
      }
      return try Wav2Vec2Configuration.check(given, outputs)
    }
    let labels = labels ?? Wav2Vec2Configuration.numbers(outputs)
    guard labels.count == outputs else {
      throw GraphError(weight, "has \(outputs) outputs; id2label in config.json names \(labels.count)")
    }
    return labels
  }

  /// The names of so many outputs of a head that came from elsewhere: those `given`, else the configuration's where it has
  /// as many, else numbers.
  func labels(ofHead outputs: Int, given: [String]?) throws(GraphError) -> [String] {
    if let given { return try Wav2Vec2Configuration.check(given, outputs) }
    if let labels, labels.count == outputs { return labels }
    return Wav2Vec2Configuration.numbers(outputs)
  }

  /// What transformers calls outputs that have no names.
  private static func numbers(_ count: Int) -> [String] { (0..<count).map { "LABEL_\($0)" } }

  private static func areNumbers(_ labels: [String]) -> Bool {
    zip(labels, numbers(labels.count)).allSatisfy { Name($0) == Name($1) }
  }

  private static func check(_ given: [String], _ outputs: Int) throws(GraphError) -> [String] {
    guard given.count == outputs else {
      throw GraphError("", "--labels gives \(given.count) names; the head has \(outputs) outputs")
    }
    guard !given.contains(""), Set(given.map { Name($0) }).count == given.count else {
      throw GraphError("", "--labels gives an empty name, or one name twice: \(given.joined(separator: ","))")
    }
    return given
  }
}
