import AssayKit
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Results on standard output, messages on standard error.
enum Console {
  /// A reader that goes away, or a file that may not grow, ends a write with an error, not the process with a signal.
  static func survivesFailedWrites() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Writes a result and its line end; a full disk or a closed pipe is a failure.
  static func result(_ text: String) throws {
    var rest = Array((text + "\n").utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw Failure("standard output: cannot write: \(String(cString: strerror(errno)))")
      }
      rest = rest.dropFirst(written)
    }
  }

  /// What texts on standard output are laid out for.
  static var style: TextStyle {
    TextStyle(isTerminal: isatty(STDOUT_FILENO) == 1, columns: columns(STDOUT_FILENO)) { name in
      getenv(name).map { String(cString: $0) }
    }
  }

  /// How wide the terminal is that `file` leads to; nil for anything else.
  private static func columns(_ file: Int32) -> Int? {
    var size = winsize()
    return ioctl(file, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// A line of what went wrong.
  static func fail(_ line: String) { message("assay: " + line) }

  /// A line worth knowing.
  static func message(_ line: String) { put(line + "\n") }

  /// Writes to standard error; whether anybody reads it does not matter.
  private static func put(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// Shows how far long work is, on a terminal only, on one line that goes away.
  static func progress(_ what: String, quiet: Bool = false) -> @Sendable (Double) -> Void {
    guard !quiet, isatty(STDERR_FILENO) == 1 else { return { _ in } }
    let shown = Atomic(-1)
    return { share in
      let percent = Int(min(max(share, 0), 1) * 100)
      guard shown.exchange(percent, ordering: .relaxed) != percent else { return }
      put(percent == 100 ? "\r\u{1B}[K" : "\r\(what) \(percent) %\u{1B}[K")
    }
  }

  /// A line on a terminal that goes away, below what is printed.
  final class Status {
    private let start = ContinuousClock.now
    private let isWanted: Bool
    private var isShown = false

    init(quiet: Bool) { isWanted = !quiet && isatty(STDERR_FILENO) == 1 }

    /// Shows what `text` makes of the seconds since the start.
    func show(_ text: (Double) -> String) {
      guard isWanted else { return }
      let width = Console.columns(STDERR_FILENO) ?? 80
      Console.put("\r" + text((ContinuousClock.now - start) / .seconds(1)).prefix(width - 1) + "\u{1B}[K")
      isShown = true
    }

    /// Takes the line away.
    func clear() {
      if isShown { Console.put("\r\u{1B}[K") }
      isShown = false
    }
  }
}
