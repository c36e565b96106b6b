import Bytes
import Formats

/// An input as audonnx prints it.
public struct AudonnxInput: Sendable {
  /// The input's name.
  public let name: String
  /// Lengths, -1 where the file leaves one open; a waveform is reshaped to them.
  public let shape: [Int]
  /// The class of the object that computes features for it; nil where it takes the waveform as it is.
  public let transform: AudonnxClass?

  /// True where it takes samples in a row: one open length, every other 1.
  public var isWaveform: Bool {
    transform == nil && shape.filter { $0 == -1 }.count == 1 && shape.allSatisfy { $0 == -1 || $0 == 1 }
  }
}

/// An output as audonnx prints it.
public struct AudonnxOutput: Sendable {
  /// The output's name.
  public let name: String
  /// Lengths, -1 where the file leaves one open; what has no axes is [1].
  public let shape: [Int]
  /// What the places of the last static axis mean; nil where the file says too little to name them.
  ///
  /// audonnx asks onnxruntime, which infers lengths that a file leaves open: `labels(width:)` is for who knows them.
  public private(set) var labels: [String]?
  /// The labels that the folder states; nil where audonnx makes some.
  public let stated: [String]?

  /// Labels are made for outputs up to this wide.
  static let widthLimit = 1 << 20

  /// The stated labels, which must be `width`; else the output's own name, numbered where there are several places.
  public func labels(width: Int) throws(FormatError) -> [String] {
    guard let stated else { return try AudonnxOutput.made(name, width) }
    guard stated.count == width else {
      throw FormatError(
        AudonnxDescription.format, .invalid("\(stated.count) labels, and the last static axis has the length \(width)"),
        place: [name])
    }
    return stated
  }

  private static func made(_ name: String, _ width: Int) throws(FormatError) -> [String] {
    guard width <= widthLimit else {
      throw FormatError(
        AudonnxDescription.format, .limitExceeded("an output of \(width) labels; \(widthLimit) are made"), place: [name]
      )
    }
    return width == 1 ? [name] : (0..<max(width, 0)).map { "\(name)-\($0)" }
  }

  /// Judges as far as the file goes: where its last axis is static, audonnx sees that length too.
  init(_ info: ONNXValueInfo, stated: [String]?) throws(FormatError) {
    name = info.name
    shape = info.lengths.isEmpty && info.shape != nil ? [1] : info.lengths
    self.stated = stated
    let width = shape.last { $0 != -1 }
    labels = nil
    if let width, shape.last == width {
      labels = try labels(width: width)
    } else if let stated {
      labels = stated
    } else if let width, width > 1 {
      labels = try AudonnxOutput.made(name, width)
    }
  }
}

extension ONNXValueInfo {
  /// Lengths, -1 for those left open.
  var lengths: [Int] {
    (shape ?? []).map { length in
      if case .fixed(let length) = length, length >= 0 { length } else { -1 }
    }
  }
}
