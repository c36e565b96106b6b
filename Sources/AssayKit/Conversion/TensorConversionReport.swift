import Bytes
import Formats
import Kernels
import Tensors

/// What a conversion to plain tensors did.
public struct TensorConversionReport: Sendable {
  /// The file, which is there now.
  public let target: String
  /// The contract's word for its format.
  public let format: FileFormat
  /// Its length in bytes.
  public let bytes: Int
  /// What was written, in the source's order.
  let tensors: [ChosenTensor]
  /// What is no tensor, or cannot be read as one, with what it is.
  public let leftOut: [(name: String, reason: String)]
  /// Names of tensors that share elements in the source, group by group; a checkpoint keeps them shared, safetensors
  /// holds each whole.
  public let shared: [[String]]
  /// What narrowing lost, by tensor.
  public let losses: [(name: String, counts: CastCounts)]
  /// Choices that were made, a line each.
  public let notes: [String]

  private var cast: [ChosenTensor] { tensors.filter(\.isCast) }
  private var renamed: [ChosenTensor] { tensors.filter { Name($0.name) != Name($0.entry.name) } }
  private var parameters: Int { tensors.reduce(0) { $0 + $1.entry.shape.count } }

  /// The report as a document.
  public var json: JSON {
    [
      "output": JSON(target), "published": JSON(true), "bytes": JSON(bytes), "format": JSON(format.rawValue),
      "tensors": JSON(tensors.count), "parameters": JSON(parameters), "kept": JSON(tensors.count - cast.count),
      "cast": JSON(
        cast.map {
          ["tensor": JSON($0.name), "from": JSON($0.entry.dataType.rawValue), "to": JSON($0.dataType.rawValue)]
        }),
      "renamed": JSON(renamed.map { ["from": JSON($0.entry.name), "to": JSON($0.name)] }),
      "left_out": JSON(leftOut.map { ["name": JSON($0.name), "reason": JSON($0.reason)] }),
      "shared": JSON(shared.map { JSON($0) }),
      "losses": JSON(
        losses.map {
          ["tensor": JSON($0.name), "overflowed": JSON($0.counts.overflowed), "flushed": JSON($0.counts.flushed)]
        }),
      "notes": JSON(notes),
    ]
  }

  /// How tensors were written, what is shared, what was lost, what stays behind.
  public var text: String {
    let shown = 8
    func rows<Row>(_ all: [Row], _ line: (Row) -> String) -> [String] {
      all.prefix(shown).map(line) + (all.count > shown ? ["  and \(all.count - shown) more (--json)"] : [])
    }
    var lines = ["\(tensors.count) tensors: \(tensors.count - cast.count) kept bit for bit"]
    for from in DataType.allCases {
      let those = cast.filter { $0.entry.dataType == from }
      if let first = those.first {
        lines.append("  \(those.count) cast, \(from.rawValue) to \(first.dataType.rawValue)")
      }
    }
    if let first = renamed.first {
      lines.append(
        "  \(renamed.count) renamed: \(printable(first.entry.name)) is \(printable(first.name)), and so on")
    }
    let fate = format == .safetensors ? "each is written whole" : "they stay shared"
    lines += rows(shared) { "  shared storage, \(fate): \($0.map(printable).joined(separator: ", "))" }
    lines += rows(losses) { name, counts in
      "\(printable(name)): \(counts.overflowed) numbers became infinite, \(counts.flushed) became zero"
    }
    lines += rows(leftOut) { "left behind: \(printable($0.name)): \(printable($0.reason))" }
    lines.append("\(printable(target)): \(tensors.count) tensors, \(parameters) parameters, \(bytes) bytes")
    return lines.joined(separator: "\n")
  }
}
