import Bytes
import Foundation
import Frontends
import TestSupport
import Testing

/// Texts of golden/formats/yaml: what PyYAML's BaseLoader reads of them, where every scalar stays a text.
@Suite struct YAMLTests {
  private func corpus(_ kind: String) throws -> [JSON.Member] {
    try #require(try Repository.json(Repository.golden("formats/yaml/\(kind)/expected.json")).object)
  }

  private func read(_ kind: String, _ file: String) throws(FormatError) -> YAML {
    try YAML.read(ByteRegion.mapping(Repository.golden("formats/yaml/\(kind)/\(file)")).view, format: "test")
  }

  private func json(_ yaml: YAML) -> JSON {
    switch yaml.content {
    case .scalar(let text, _): JSON(text)
    case .sequence(let elements): JSON(elements.map(json))
    case .mapping(let members): JSON(members: members.map { ($0.name, json($0.value)) })
    }
  }

  @Test func valuesAreThoseOfAReaderThatKeepsTexts() throws {
    let corpus = try corpus("accept")
    #expect(corpus.count > 14)
    for (file, expected) in corpus.map({ ($0.name, $0.value) }) {
      let found = try read("accept", file)
      // PyYAML has no text for a document that is not there.
      if expected.isNull {
        #expect(found.isNull, "\(file)")
      } else {
        #expect(json(found).compact == expected.compact, "\(file)")
      }
    }
  }

  @Test func whatIsNoneOfThisIsRefusedForTheRightReason() throws {
    let corpus = try corpus("reject")
    #expect(corpus.count > 25)
    for (file, reason) in corpus.map({ ($0.name, $0.value) }) {
      do throws(FormatError) {
        _ = try read("reject", file)
        Issue.record("accepted \(file)")
      } catch {
        #expect(Mirror(reflecting: error.reason).children.first?.label == reason.string, "\(file): \(error)")
        #expect(!error.description.contains("\n"), "\(file): \(error)")
      }
    }
    #expect(fileKind("canary-of-assay") == .missing)
  }

  @Test(arguments: [
    ("tab", 2), ("bracket", 2), ("indent", 2), ("control", 2), ("key-twice", 1), ("merge", 3), ("local-tag", 1),
    ("undefined-alias", 1), ("key-list", 1), ("two-documents", 2),
  ])
  func errorsNameTheLine(_ file: String, _ line: Int) throws {
    do throws(FormatError) {
      _ = try read("reject", file + ".yaml")
      Issue.record("accepted \(file)")
    } catch {
      #expect(error.line == line, "\(error)")
      #expect(error.description.hasPrefix("test in line \(line): "), "\(error)")
    }
  }

  @Test func valuesKnowTheirLines() throws {
    let yaml = try YAML.read(view(Array("# c\na: b\nc:\n- d\n- e: f\n".utf8)), format: "test")
    let members = try #require(yaml.mapping)
    #expect(members.map(\.value.line) == [2, 4])
    #expect(members[1].value.sequence?.map(\.line) == [4, 5])
  }

  @Test func nothingIsToldFromTextsThatOnlyLookLikeIt() throws {
    func isNull(_ text: String) throws -> Bool { try YAML.read(view(Array(text.utf8)), format: "test").isNull }
    for text in ["", "~", "null", "Null", "NULL", "# c"] { #expect(try isNull(text), "\(text)") }
    for text in ["'~'", "\"null\"", "nULL", "None", "''", "no", "0", "[]", "{}", "|\n  ~"] {
      #expect(try !isNull(text), "\(text)")
    }
  }

  @Test func limitsHoldAtTheirEdges() throws {
    func refusal(_ text: String) -> FormatError.Reason? {
      do throws(FormatError) {
        _ = try YAML.read(view(Array(text.utf8)), format: "test")
        return nil
      } catch { return error.reason }
    }
    let deepest = String(repeating: "[", count: 64) + "a" + String(repeating: "]", count: 64)
    #expect(refusal(deepest) == nil)
    #expect(refusal("[" + deepest + "]") == .limitExceeded("YAML nested deeper than 64"))
    #expect(refusal(String(repeating: "x", count: YAML.sizeLimit)) == nil)
    #expect(
      refusal(String(repeating: "x", count: YAML.sizeLimit + 1)) == .limitExceeded("YAML of more than 16777216 bytes"))
    #expect(
      refusal("[" + String(repeating: "a,", count: YAML.valueLimit) + "]")?.description.contains("1000000") == true)
    // One anchor repeated often is no bomb; what is said of questions and stars in texts is none either.
    #expect(refusal("a: &a [x]\nb: [" + String(repeating: "*a,", count: 400) + "]") == nil)
    #expect(refusal(String(repeating: "- why? & *how*, where ?\n", count: 50)) == nil)
  }

  @Test func everyTextEndsInAValueOrAnError() {
    // Pieces that mean something to YAML in random order: nothing but a value or an error may come of it.
    let pieces = [
      "a", "- ", "? ", ": ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "!!str ", "!t ", "'", "\"", "|", ">",
      "#",
      "%", "---", "...", "\t", "\\", "\u{2028}", "\u{85}", "\r\n", "<<", "~", "é", "@", "`", "\u{FEFF}", "*", "&", "!",
      "?",
    ]
    var generator = SeededGenerator(seed: 41)
    var accepted = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...14, using: &generator))
        .map { _ in pieces.randomElement(using: &generator)! }.joined()
      if (try? YAML.read(view(Array(text.utf8)), format: "test")) != nil { accepted += 1 }
    }
    #expect(accepted > 500)
    for _ in 0..<2_000 {
      let bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
      _ = try? YAML.read(view(bytes), format: "test")
    }
  }
}
