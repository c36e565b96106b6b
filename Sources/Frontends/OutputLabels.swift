import Bytes
import IR

/// What the columns of a head's outputs mean, by what files and users say.
enum OutputLabels {
  /// What transformers calls outputs that have no names.
  static func numbers(_ count: Int) -> [String] { (0..<count).map { "LABEL_\($0)" } }

  /// True for `LABEL_0`, `LABEL_1`, ...: names that say nothing.
  static func areNumbers(_ labels: [String]) -> Bool {
    zip(labels, numbers(labels.count)).allSatisfy { Name($0) == Name($1) }
  }

  /// The names that a user gave to so many outputs. Another number of them, an empty name, and one name twice throw.
  static func check(_ given: [String], _ outputs: Int) throws(GraphError) -> [String] {
    guard given.count == outputs else {
      throw GraphError("", "--labels gives \(given.count) names; the head has \(outputs) outputs")
    }
    guard !given.contains(""), Set(given.map { Name($0) }).count == given.count else {
      throw GraphError("", "--labels gives an empty name, or one name twice: \(given.joined(separator: ","))")
    }
    return given
  }
}

extension Wav2Vec2Configuration {
  /// The names of so many outputs of `weight`: the configuration's, or, where it has none but `LABEL_0`, `LABEL_1`..., those
  /// `given`. Names that do not fit throw.
  func labels(of outputs: Int, _ weight: String, given: [String]?) throws(GraphError) -> [String] {
    if let given {
      if let labels, !OutputLabels.areNumbers(labels) {
        throw GraphError(
          "id2label",
          "config.json names the outputs: \(labels.joined(separator: ", ")); --labels is for files that do not")
      }
      return try OutputLabels.check(given, outputs)
    }
    let labels = labels ?? OutputLabels.numbers(outputs)
    guard labels.count == outputs else {
      throw GraphError(weight, "has \(outputs) outputs; id2label in config.json names \(labels.count)")
    }
    return labels
  }

  /// The names of so many outputs of a head that came from elsewhere: those `given`, else the configuration's where it has
  /// as many, else numbers.
  func labels(ofHead outputs: Int, given: [String]?) throws(GraphError) -> [String] {
    if let given { return try OutputLabels.check(given, outputs) }
    if let labels, labels.count == outputs { return labels }
    return OutputLabels.numbers(outputs)
  }
}

extension WeightScope {
  /// How many outputs a head's linear weight has: the first of its two lengths. Throws where there is no such weight.
  func outputs(_ name: String, beside other: String) throws(GraphError) -> Int {
    guard let shape = shape(name) else {
      throw GraphError(child(name), "this weight is missing, and \(other) is there")
    }
    guard shape.rank == 2, (1...ConfigurationReader.sizeLimit).contains(shape[0]) else {
      throw GraphError(
        child(name),
        "has the shape \(shape); a head's weight is [outputs, inputs] with at most \(ConfigurationReader.sizeLimit) outputs"
      )
    }
    return shape[0]
  }
}
