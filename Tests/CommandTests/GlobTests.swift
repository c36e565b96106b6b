import AssayKit
import Testing

@Suite struct GlobTests {
  private static let names = [
    "", "abc", "aXc", "ax", "dx", "layers.3.fc.weight", "layers.12.fc.weight", "ab", "aaab", "aab", "]y", "xy", "az",
    "-z", "bz", "a1", "1a", "layers.7.w", "x.weight.1", "]q", "zq", "layers.3.", "a.b.c",
  ]

  /// What Python's `fnmatch.fnmatchcase` takes of the names.
  private static let taken: [(String, [String])] = [
    ("*", names), ("a*c", ["abc", "aXc", "a.b.c"]), ("?b?", ["abc"]), ("[a-c]x", ["ax"]), ("[!a-c]x", ["dx"]),
    ("*.weight", ["layers.3.fc.weight", "layers.12.fc.weight"]),
    ("layers.[0-3].*", ["layers.3.fc.weight", "layers.3."]), ("a**b", ["ab", "aaab", "aab"]), ("", [""]),
    ("*a*a*b", ["aaab", "aab"]), ("[]x]y", ["]y", "xy"]), ("[a-]z", ["az", "-z"]),
    ("layers.?.w", ["layers.7.w"]), ("[!]]q", ["zq"]),
    ("*[!0-9]", names.filter { !["", "a1", "x.weight.1"].contains($0) }),
  ]

  @Test(arguments: taken) func takesWhatFnmatchTakes(_ pattern: String, _ expected: [String]) throws {
    let glob = try Glob(pattern)
    #expect(Self.names.filter(glob.matches) == expected)
  }

  @Test func bytesAreComparedNotLetters() throws {
    #expect(try !Glob("\u{e9}").matches("e\u{301}"))
    #expect(try Glob("??").matches("\u{e9}") && !Glob("?").matches("\u{e9}"))
  }

  @Test(arguments: ["[", "a[bc", "[!", "[]", "[z-a]"]) func refuses(_ pattern: String) {
    #expect(throws: Failure.self) { try Glob(pattern) }
  }

  @Test func manyStarsTakeNoLonger() throws {
    let glob = try Glob(String(repeating: "a*", count: 200) + "b")
    #expect(!glob.matches(String(repeating: "a", count: 4000)))
  }
}
