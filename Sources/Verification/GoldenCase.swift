import Bytes
import Tensors

/// An input, what a trusted implementation makes of it, and how exactly a model must agree.
public struct GoldenCase: Sendable {
  /// What the model is fed.
  public enum Input: Sendable {
    /// Silence of so many samples.
    case zeros(samples: Int)
    /// Mono samples at the model's rate, before its preprocessing.
    case waveform(Tensor)
    /// A recording, before the model's preprocessing.
    case audio(path: String)
    /// Graph inputs by name, as they are.
    case graph(NamedTensors)
  }

  /// The numbers expected of one value.
  public struct Expected: Sendable {
    /// An output, a state (`layer.3`) or a node.
    public let name: String
    /// The whole value's shape.
    public let shape: Shape
    /// Where the expected numbers stand; nil when all are given, in row-major order.
    public let places: [[Int]]?
    /// The expected numbers.
    public let values: Tensor
    /// How far a number may be from them.
    public let tolerance: Tolerance

    /// The place of the expected number `index` among the value's elements.
    func position(_ index: Int) -> Int {
      guard let places else { return index }
      return zip(places[index], shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// The index along each axis of the expected number `index`.
    func index(_ index: Int) -> [Int] {
      if let places { return places[index] }
      return zip(shape.strides, shape.dimensions).map { stride, length in index / max(stride, 1) % max(length, 1) }
    }
  }

  /// The case's name.
  public let name: String
  /// The contract's name of the system it was made with.
  public let system: String
  /// What the model is fed.
  public let input: Input
  /// What must come out, in the document's order.
  public let expected: [Expected]
  /// Who or what made the expected values.
  public let maker: String
  /// The document itself.
  public let document: JSON

  /// The format's name in errors.
  public static let format = "golden"
  /// What the maker of a case starts with that this tool recorded itself: proof of sameness, no reference.
  public static let selfMadeMaker = "assay golden record"
  /// False where the expected values are this tool's own, and so prove only that nothing changed.
  public var isReference: Bool { !maker.hasPrefix(GoldenCase.selfMadeMaker) }
  /// Files of cases end like this.
  public static let suffix = ".golden.json"
  /// A case feeds at most this many samples: an hour at 16 kHz.
  public static let sampleLimit = 57_600_000
}

/// Where a case's arrays and recordings are found.
public protocol GoldenFiles {
  /// The array that a document calls `file` and, in a file of several, `tensor`.
  func array(file: String, tensor: String?) throws(FormatError) -> Tensor
  /// Where the recording called `file` lies.
  func recording(_ file: String) throws(FormatError) -> String
}

extension GoldenCase {
  /// A case whose inputs and outputs are arrays, and which no document describes.
  public init(
    name: String, system: String, inputs: NamedTensors, outputs: [(name: String, tensor: Tensor)],
    tolerance: Tolerance, maker: String
  ) {
    (self.name, self.system, self.maker) = (name, system, maker)
    input = .graph(inputs)
    expected = outputs.map {
      Expected(name: $0.name, shape: $0.tensor.shape, places: nil, values: $0.tensor, tolerance: tolerance)
    }
    document = ["tolerance": tolerance.json]
  }

  /// Reads a document; unknown fields, and a version other than 1, are refused. In a format with numbered rules, fields
  /// that are missing, unknown or of a wrong kind break `rule`.
  public init(_ document: JSON, files: some GoldenFiles, rule: String? = nil) throws(FormatError) {
    var fields = try JSONFields(document, format: GoldenCase.format, rule: rule)
    guard try fields.integer("golden") == 1 else {
      throw fields.error("only version 1 of golden cases is known", at: document["golden"])
    }
    name = try fields.string("name")
    system = try fields.string("system")
    maker = try fields.string("maker")
    let tolerance = try Tolerance(fields.object("tolerance"))
    input = try GoldenCase.input(fields.object("input"), files)
    var expected: [Expected] = []
    let values = try fields.any("expected")
    for member in values.object ?? [] {
      expected.append(
        try GoldenCase.expected(
          member.name, JSONFields(member.value, format: GoldenCase.format, rule: rule), files, tolerance))
    }
    guard !expected.isEmpty else {
      throw fields.error("\"expected\" needs an object with at least one value", at: values)
    }
    self.expected = expected
    self.document = document
    try fields.finish()
  }

  private static func input(_ source: JSONFields, _ files: some GoldenFiles) throws(FormatError) -> Input {
    var fields = source
    let kind = try fields.string("kind")
    let input: Input
    switch kind {
    case "zeros":
      let samples = try fields.integer("samples")
      guard (0...sampleLimit).contains(samples) else {
        throw fields.error("\"samples\" needs a number from 0 to \(sampleLimit), found \(samples)")
      }
      input = .zeros(samples: samples)
    case "waveform":
      let waveform = try array(&fields, files)
      let shape = waveform.shape.dimensions
      guard waveform.dataType == .float32, shape.count == 1 || shape.count == 2 && shape[0] == 1 else {
        throw fields.error("a waveform is an F32 array [n] or [1, n], found \(waveform.dataType.rawValue) \(shape)")
      }
      input = .waveform(waveform)
    case "audio": input = .audio(path: try files.recording(fields.string("file")))
    case "graph":
      var tensors = NamedTensors()
      let named = try fields.any("tensors")
      guard let members = named.object else {
        throw fields.error("\"tensors\" needs an object, found \(named.kind)", at: named).breaking(fields.rule)
      }
      for member in members {
        var place = try JSONFields(member.value, format: format, rule: fields.rule)
        tensors[member.name] = try array(&place, files)
        try place.finish()
      }
      input = .graph(tensors)
    default: throw fields.error("the kinds of input are zeros, waveform, audio and graph, found \"\(kind)\"")
    }
    try fields.finish()
    return input
  }

  private static func array(_ fields: inout JSONFields, _ files: some GoldenFiles) throws(FormatError) -> Tensor {
    try files.array(file: fields.string("file"), tensor: fields.optional("tensor")?.string)
  }

  private static func expected(
    _ name: String, _ source: JSONFields, _ files: some GoldenFiles, _ tolerance: Tolerance
  ) throws(FormatError) -> Expected {
    var fields = source
    let own = fields.optional("tolerance") == nil ? tolerance : try Tolerance(fields.object("tolerance"))
    if fields.optional("file") != nil {
      let values = try array(&fields, files)
      guard values.dataType == .float32 else {
        throw fields.error("expected values are F32, found \(values.dataType.rawValue) for \"\(name)\"")
      }
      try fields.finish()
      return Expected(name: name, shape: values.shape, places: nil, values: values, tolerance: own)
    }
    let shape = try Shape.checked(fields.integers("shape"), format: format)
    let numbers = try fields.array("values").map { (json) throws(FormatError) -> Float in
      guard let number = json.double else { throw fields.error("a value is a number, found \(json.kind)", at: json) }
      let value = Float(number)
      guard value.isFinite || !number.isFinite else {
        throw fields.error("\(number) is beyond what a 32-bit float holds", at: json)
      }
      return value
    }
    var places: [[Int]]?
    if let list = fields.optional("at") {
      guard let lists = list.array else {
        throw fields.error("\"at\" needs a list, found \(list.kind)", at: list).breaking(fields.rule)
      }
      let read = try lists.map { (place) throws(FormatError) -> [Int] in
        let numbers = place.array?.map(\.int) ?? [nil]
        guard numbers.allSatisfy({ $0 != nil }) else {
          throw fields.error("a place is a list of integers", at: place).breaking(fields.rule)
        }
        return numbers.compactMap { $0 }
      }
      let inside = read.allSatisfy { place in
        place.count == shape.rank && zip(place, shape.dimensions).allSatisfy { (0..<$1).contains($0) }
      }
      guard read.count == numbers.count, inside else {
        throw fields.error("\"at\" needs one index inside \(shape) for each of the \(numbers.count) values", at: list)
      }
      places = read
    } else if shape.count != numbers.count {
      throw fields.error("the shape \(shape) needs \(shape.count) values, found \(numbers.count) for \"\(name)\"")
    }
    try fields.finish()
    return Expected(name: name, shape: shape, places: places, values: Tensor(numbers), tolerance: own)
  }
}
