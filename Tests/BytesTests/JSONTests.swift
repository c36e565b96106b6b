import Bytes
import TestSupport
import Testing

@Suite struct JSONTests {
  func read(_ text: String) throws(FormatError) -> JSON {
    try JSON.read(view(Array(text.utf8)), format: "json")
  }

  @Test(arguments: [
    "null", "true", "[]", "{}", "-0", "1.5e-05", "\"\\u00e9\\ud83d\\ude00\\n\"", " [1, {\"a\": [2]}] ",
    "{\"e\u{301}\":1,\"\u{e9}\":2}",
  ])
  func accepts(_ text: String) throws { _ = try read(text) }

  @Test(arguments: [
    "", "nul", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "\"\\x\"", "\"a", "\"\\ud800\"",
    "\"\u{1}\"", "[1] 2", "{\"a\":1 \"b\":2}", "[1 2]", "NaN", "// c\n1",
  ])
  func refuses(_ text: String) { #expect(throws: FormatError.self) { try read(text) } }

  @Test func refusesNamesGivenTwice() throws {
    do {
      _ = try read("{\"a\":1,\"b\":2,\"a\":3}")
      Issue.record("accepted")
    } catch {
      #expect(error.reason == .duplicateName("a"))
      #expect(error.offset == 13)
    }
  }

  @Test func limitsNesting() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: FormatError.self) { try read(deep) }
    #expect(throws: Never.self) { try read(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) }
  }

  @Test func writesWhatItRead() throws {
    let text = "{\"b\":[1,2.5,-1e-05,\"x\\n\\u0001\"],\"a\":{},\"c\":null}"
    #expect(try read(text).compact == text)
    #expect(JSON(Float(0.1)).compact == "0.1")
    #expect(JSON(Double.infinity).compact == "\"Infinity\"")
    #expect(JSON(3.0).compact == "3")
  }
}
