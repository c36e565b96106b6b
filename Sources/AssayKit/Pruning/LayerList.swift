import Bytes
import IR

/// Layers as a user lists them: `0-11`, `0,2,4`, `0-3,7,9-11`.
///
/// Numbers rise and none is named twice. Spaces around commas are passed over; any other sign, and a number of more than
/// six digits or with a leading zero, is refused.
public struct LayerList: Hashable, Sendable {
  /// Why a text is no such list, in one line.
  public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String
  }

  /// Runs of neighbouring layers, rising.
  public let runs: [ClosedRange<Int>]

  /// Reads a list.
  public init(_ text: String) throws(Refusal) {
    func refuse(_ what: String) -> Refusal {
      Refusal(
        description:
          "\"\(printable(text))\": \(printable(what)); a list of rising layers would do, as 0-11 or 0,2,4 or 0-3,7,9-11"
      )
    }
    var runs: [ClosedRange<Int>] = []
    for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let ends = LayerList.trimmed(part).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      let numbers = ends.compactMap(LayerList.number)
      guard numbers.count == ends.count, let first = numbers.first, let last = numbers.last, numbers.count <= 2 else {
        throw refuse(
          part.isEmpty || LayerList.trimmed(part).isEmpty
            ? "a layer is missing" : "\"\(String(LayerList.trimmed(part)) ?? "")\" is no layer and no run of layers")
      }
      guard first <= last else { throw refuse("the run \(first)-\(last) descends") }
      if let before = runs.last?.upperBound, before >= first {
        let twice = runs.contains { $0.overlaps(first...last) }
        throw refuse(
          !twice
            ? "layer \(first) stands after layer \(before)"
            : first == last ? "layer \(first) is named twice" : "a layer of \(first)-\(last) is named twice")
      }
      runs.append(first...last)
    }
    self.runs = runs
  }

  private static func trimmed(_ part: Substring.UTF8View) -> Substring.UTF8View {
    let space = UInt8(ascii: " ")
    let start = part.drop { $0 == space }
    return start.prefix(upTo: start.lastIndex { $0 != space }.map(start.index(after:)) ?? start.startIndex)
  }

  private static func number(_ digits: Substring.UTF8View) -> Int? {
    guard (1...6).contains(digits.count), digits.count == 1 || digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }
}

/// Which layers a user wants to keep, before it is known how many there are.
public enum LayerChoice: Hashable, Sendable {
  /// These stay.
  case keep(LayerList)
  /// These go.
  case drop(LayerList)

  /// The layers that stay of a model of `count`; a list that passes them, or would leave none, is a failure in `path`.
  public func selection(of count: Int, in path: String) throws -> LayerSelection {
    let (list, stays): (LayerList, Bool) =
      switch self {
      case .keep(let list): (list, true)
      case .drop(let list): (list, false)
      }
    guard let last = list.runs.last?.upperBound, last < count else {
      throw Failure(
        "\(path): there is no layer \(list.runs.last?.upperBound ?? 0); the model has \(count) layers, 0-\(count - 1)")
    }
    let named = Set(list.runs.flatMap(Array.init))
    let kept = (0..<count).filter { named.contains($0) == stays }
    guard let selection = LayerSelection(of: count, keeping: kept) else {
      throw Failure("\(path): all \(count) layers would go; a model keeps at least one")
    }
    return selection
  }
}
