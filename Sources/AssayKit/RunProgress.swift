import Bytes

/// How far a run over many recordings is.
public struct RunProgress: Hashable, Sendable {
  /// How many recordings there are.
  public let total: Int
  /// How many are done, those without a result too.
  public private(set) var done = 0
  /// Seconds of audio that were heard.
  public private(set) var heard = 0.0

  /// Nothing is done yet.
  public init(total: Int) { self.total = total }

  /// One more is done, and was so many seconds long.
  public mutating func add(seconds: Double) {
    done += 1
    heard += seconds
  }

  /// One line: recordings done of all, audio heard in a second, and how long the rest will take at that pace.
  public func text(after elapsed: Double) -> String {
    var line = "\(done) of \(total) files"
    guard done > 0, elapsed > 0 else { return line }
    line += ", \(fixed(heard / elapsed, 1)) s of audio a second"
    if done < total { line += ", \(clock(elapsed / Double(done) * Double(total - done))) left" }
    return line
  }
}

/// A duration as minutes and seconds, or hours, minutes and seconds.
private func clock(_ seconds: Double) -> String {
  let all = Int(min(seconds, 1e9).rounded(.up))
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let hours = all / 3600
  return (hours > 0 ? "\(hours):" + two(all / 60 % 60) : "\(all / 60)") + ":" + two(all % 60)
}
