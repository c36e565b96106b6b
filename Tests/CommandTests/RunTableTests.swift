import IR
import Tensors
import TestSupport
import Testing

@testable import AssayKit

/// What `run` shows people. Bars are counted by hand: a value's share of the scale times the columns.
@Suite struct RunTableTests {
  static func result(_ labels: [(String, Float)], output: String = "scores") -> RunResult {
    RunResult(
      input: "a.wav", duration: 1.5, outputs: [(output, Tensor(labels.map(\.1), shape: [1, labels.count]))],
      labels: labels.map(\.0), preprocessing: Metadata.Preprocessing(sampleRate: 16000, normalizationEpsilon: nil))
  }

  /// The lines of the labels: the first line is the clip's, the last the output's.
  static func rows(_ labels: [(String, Float)], _ style: TextStyle = TextStyle()) -> [String] {
    result(labels).text(style).split(separator: "\n").dropFirst().dropLast().map(String.init)
  }

  static func blocks(_ count: Int, _ rest: String = "") -> String { String(repeating: "█", count: count) + rest }

  @Test func scoresAreMeasuredFromZeroToOne() {
    // 40 columns: 0.5 is 20, 0.25 is 10, 0.2 is 8; 0.003125 is one eighth of a column.
    let text = Self.result([("neu", 0.5), ("happy", 0.25), ("ang", 0.2), ("sad", 0.003125)]).text(TextStyle())
    #expect(
      text == """
        a.wav  1.50 s, heard at 16000 Hz, as it is
          neu    0.5000  \(Self.blocks(20))
          happy  0.2500  \(Self.blocks(10))
          ang    0.2000  \(Self.blocks(8))
          sad    0.0031  ▏
          scores [1, 4]  0.5000 0.2500 0.2000 0.0031
        """)
    #expect(Self.rows([("a", 1), ("b", 0)]) == ["  a  1.0000  " + Self.blocks(40), "  b  0.0000"])
    // A softmax in F32 may be a little more than 1; its bars stay where they were.
    #expect(Self.rows([("a", 1.000001)]) == ["  a  1.0000  " + Self.blocks(40)])
  }

  @Test func withoutBlocksBarsAreNumberSigns() {
    let rows = Self.rows([("a", 0.5), ("b", 0.26)], TextStyle(hasBlocks: false))
    #expect(rows == ["  a  0.5000  ####################", "  b  0.2600  ##########"])
    #expect(rows.joined().allSatisfy { $0.isASCII })
    let signed = Self.rows([("a", 0.5), ("b", -1)], TextStyle(hasBlocks: false))
    let (none, all) = (String(repeating: " ", count: 19), String(repeating: "#", count: 19))
    #expect(signed[0] == "  a   0.5000  \(none)|##########")
    #expect(signed[1] == "  b  -1.0000  \(all)|")
  }

  @Test func whatMayBeNegativeHasAnAxis() {
    // 19 columns to either side: 0.75 is 14 and a quarter, -0.5 is 9 and a half.
    let rows = Self.rows([("arousal", 0.75), ("dominance", -0.5), ("valence", 0)])
    let none = String(repeating: " ", count: 19)
    #expect(
      rows == [
        "  arousal     0.7500  \(none)│\(Self.blocks(14, "▎"))",
        "  dominance  -0.5000  \(String(repeating: " ", count: 9))▐\(Self.blocks(9))│",
        "  valence     0.0000  \(none)│",
        "                      -1                 0                  1",
      ])
  }

  @Test func theScaleEndsAtARoundNumber() {
    #expect(Self.rows([("a", 1.5), ("b", 0.5)]).last == String(repeating: " ", count: 13) + "0" + spaces(38) + "2")
    #expect(Self.rows([("a", -12), ("b", 3)]).last?.hasSuffix("20") == true)
    // 1.5 of 2 is 30 of 40 columns.
    #expect(Self.rows([("a", 1.5), ("b", 0.5)])[0] == "  a  1.5000  " + Self.blocks(30))
    let ends: [(Double, String)] = [
      (1, "1"), (1.01, "2"), (2, "2"), (4.9, "5"), (5.1, "10"), (73, "100"), (0.03, "0.05"), (0.001, "0.001"),
      (3e38, "5e38"), (1e-9, "1e-9"), (1e6, "1000000"),
    ]
    for (number, text) in ends { #expect(RoundNumber(atLeast: number).text() == text) }
    #expect(RoundNumber(atLeast: 0.2).text(times: 7) == "1.4")
    #expect(RoundNumber(atLeast: 0.2).text(times: 0) == "0")
  }

  private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

  @Test func whatIsNoNumberHasNoBar() {
    let rows = Self.rows([("a", .nan), ("b", .infinity), ("c", -.infinity), ("d", 1)])
    #expect(rows == ["  a     nan", "  b     inf", "  c    -inf", "  d  1.0000  " + Self.blocks(40)])
    #expect(Self.rows([("a", .nan)]) == ["  a  nan"])
    #expect(Self.rows([("a", 3e38), ("b", -3e38)])[0].hasPrefix("  a   3.00e38  "))
  }

  @Test func wideCharactersTakeTwoColumns() {
    let rows = Self.rows([("生气/angry", 0.5), ("中立/neutral", 0.25), ("<unk>", 0.25)], TextStyle(width: 41))
    // Names of 10, 12 and 5 columns; 41 columns leave 41 - 6 - 6 - 12 = 17 for bars: 8.5 and 4.25.
    #expect(
      rows == [
        "  生气/angry    0.5000  ████████▌", "  中立/neutral  0.2500  ████▎", "  <unk>         0.2500  ████▎",
      ])
    // East_Asian_Width of UnicodeData's EastAsianWidth.txt.
    let widths: [(String, Int)] = [
      ("生", 2), ("ｱ", 1), ("Ａ", 2), ("한", 2), ("\u{1112}\u{1161}\u{11AB}", 2), ("e\u{301}", 1), ("😀", 2), ("é", 1),
      ("，", 2), ("\u{2329}", 2), ("─", 1), ("㉈", 1), ("🇩", 1), ("か\u{3099}", 2),
    ]
    for (text, width) in widths { #expect(text.displayWidth == width, "\(text)") }
  }

  @Test func namesGiveWayToBarsInNarrowColumns() {
    let long = "a label that is much longer than anything a model should say"
    for width in [40, 55, 80, 120] {
      for style in [TextStyle(width: width), TextStyle(width: width, hasBlocks: false)] {
        let rows = Self.rows([(long, 1), ("生气生气生气生气生气生气生气生气生气", -0.5)], style)
        #expect(rows.allSatisfy { $0.displayWidth <= width }, "\(rows)")
        #expect(rows[0].contains(style.hasBlocks ? "█" : "#"))
      }
    }
    // 40 columns: three times two spaces, 6 for the number, 11 for the bar, 17 for the name.
    #expect(Self.rows([(long, 1)], TextStyle(width: 40))[0] == "  a label that is …  1.0000  " + Self.blocks(11))
    #expect(TextStyle(width: 3).width == 40)
  }

  @Test func namesAreEscaped() {
    #expect(Self.rows([("a\u{1B}[31m\u{202E}", 0)]) == ["  a\\u{1b}[31m\\u{202e}  0.0000"])
  }

  @Test func theLargestComeFirst() throws {
    let result = Self.result([("a", 0.1), ("b", 0.4), ("c", .nan), ("d", 0.4), ("e", 0.05)])
    #expect(try result.keepingLargest(3).labels.map(\.name) == ["b", "d", "a"])
    #expect(try result.keepingLargest(99).labels.map(\.name) == ["b", "d", "a", "e", "c"])
    #expect(result.labels.map(\.name) == ["a", "b", "c", "d", "e"])
    let document = try result.keepingLargest(2).json()
    #expect(document["labels"]?.object?.map(\.name) == ["b", "d"])
    #expect(document["outputs"]?["scores"]?["values"]?.array?.count == 5)
    let bare = RunResult(input: "a.wav", duration: 1, outputs: [], labels: [], preprocessing: nil)
    #expect(throws: Failure.self) { try bare.keepingLargest(1) }
  }

  @Test func theEnvironmentSaysWhatALineCanHold() {
    func style(_ isTerminal: Bool, _ columns: Int?, _ variables: [String: String]) -> TextStyle {
      TextStyle(isTerminal: isTerminal, columns: columns) { variables[$0] }
    }
    #expect(style(true, 100, [:]) == TextStyle(width: 100, hasBlocks: true))
    #expect(style(false, nil, [:]) == TextStyle(width: 80, hasBlocks: false))
    #expect(style(true, 100, ["COLUMNS": "60"]).width == 60)
    #expect(style(true, 20, [:]).width == 40)
    for odd in ["", "0", "-5", "wide", "99999999999999999999"] {
      #expect(style(true, 70, ["COLUMNS": odd]).width == 70)
    }
    #expect(style(false, nil, ["LANG": "en_US.UTF-8"]).hasBlocks)
    #expect(style(false, nil, ["LANG": "de_DE.utf8"]).hasBlocks)
    #expect(!style(true, 80, ["LANG": "C"]).hasBlocks)
    #expect(!style(true, 80, ["LC_ALL": "C", "LANG": "en_US.UTF-8"]).hasBlocks)
    #expect(style(true, 80, ["LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"]).hasBlocks)
  }

  // MARK: The program

  @Test func theProgramKeepsTheLargest() throws {
    let model = Repository.golden("onnx/superb-checkpoint")
    let speech = Repository.golden("audio/float32-16k.wav")
    let all = try #require(Program.run("run", model, speech, "--json").json()["labels"]?.object)
    let sorted = all.sorted { ($0.value.double ?? 0) > ($1.value.double ?? 0) }.map(\.name)
    #expect(sorted != all.map(\.name))
    let two = try Program.run("run", model, speech, "--json", "--top-k", "2").json()
    #expect(two["labels"]?.object?.map(\.name) == Array(sorted.prefix(2)))
    let many = try Program.run("run", model, speech, "--top-k", "9")
    #expect(many.output.split(separator: "\n")[1...4].map { $0.split(separator: " ")[0] } == sorted.map { $0[...] })
    #expect(try Program.run("run", model, speech, "--top-k", "0").status == 64)
    let bare = try Program.run("run", Repository.golden("models/base"), speech, "--top-k", "1")
    #expect(bare.status == 2 && bare.errorLines.count == 1 && bare.output.isEmpty)
  }
}
