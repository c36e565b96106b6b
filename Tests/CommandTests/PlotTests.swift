import Bytes
import Foundation
import IR
import Tensors
import TestSupport
import Testing

@testable import AssayKit

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// An XML document's elements in order, as the platform's parser reads them; nil where it is not well-formed.
private final class Elements: NSObject, XMLParserDelegate {
  struct Element {
    let name: String
    let attributes: [String: String]
    var text = ""

    func number(_ name: String) -> Double? { attributes[name].flatMap { Double($0) } }
  }

  private(set) var all: [Element] = []
  private var open: [Int] = []

  init?(_ document: String) {
    super.init()
    let parser = XMLParser(data: Data(document.utf8))
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(all.count)
    all.append(Element(name: name, attributes: attributes))
  }

  func parser(_: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) { open.removeLast() }

  func parser(_: XMLParser, foundCharacters text: String) {
    if let last = open.last { all[last].text += text }
  }

  var texts: [String] { all.filter { $0.name == "text" }.map(\.text) }

  /// The colour of each cell of the first heat map, by row and column, drawn as a viewer draws it.
  func cells() -> [[Int]: String] {
    var (cells, place): ([[Int]: String], String?) = ([:], nil)
    for path in all where path.name == "path" {
      guard let transform = path.attributes["transform"], transform == place ?? transform else { continue }
      place = transform
      var (x, y) = (0, 0)
      for step in (path.attributes["d"] ?? "").dropFirst("M0 .5".count).split(separator: "m") {
        let parts = step.split { $0 == " " || $0 == "h" }.compactMap { Int($0) }
        (x, y) = (x + parts[0], y + parts[1])
        for column in x..<x + parts[2] { cells[[y, column]] = path.attributes["stroke"] }
        x += parts[2]
      }
    }
    return cells
  }
}

@Suite struct PlotTests {
  /// A result with values over time.
  private func result(
    _ outputs: [(String, Tensor)], labels: [String] = [], input: String = "a.wav", duration: Double = 1
  ) -> RunResult {
    RunResult(
      input: input, duration: duration, outputs: outputs.map { ($0.0, $0.1) }, labels: labels, preprocessing: nil)
  }

  private func noise(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor((0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }, shape: shape)
  }

  private let white = "#f7f7f7"
  private let red = "#b2182b"
  private let blue = "#2166ac"
  private let grey = "#9e9e9e"

  @Test func aCellHasTheColourOfItsNumber() throws {
    // Three frames of two channels; 2 is the largest, -1 is half of it, and one is no number.
    let frames = Tensor([2, -2, 0, -1, .nan, 9e9] as [Float], shape: [1, 3, 2])
    let plain = Tensor([2, -2, 0, -1] as [Float], shape: [1, 2, 2])
    let map = try #require(Elements(result([("frames", plain)]).plot())).cells()
    // Half of the way from 247, 247, 247 to 33, 102, 172.
    #expect(map == [[0, 0]: red, [1, 0]: blue, [0, 1]: white, [1, 1]: "#8cafd2"])
    let odd = try #require(Elements(result([("frames", frames)]).plot())).cells()
    #expect(odd[[0, 2]] == grey && odd[[1, 2]] == red && odd.count == 6)
  }

  @Test func aBinIsAMeanAndANormIsTheFrames() {
    let values = Tensor([3, 4, 0, 0, 6, 8, 1, 0] as [Float], shape: [1, 4, 2])
    let series = TimeSeries.all(of: result([("frames", values)]))[0]
    // (3 + 4 + 0 + 0) / 4 and (6 + 8 + 1 + 0) / 4.
    #expect(series.means(rows: 1, columns: 2) == [1.75, 3.75])
    #expect(series.means(rows: 2, columns: 2) == [1.5, 3.5, 2, 4])
    #expect(series.norms(columns: 4) == [5, 0, 10, 1])
    #expect(series.norms(columns: 2) == [2.5, 5.5])
  }

  @Test func aFewCellsThatStandOutLeaveTheOthersTheirColours() {
    // 1000 cells of 0...1 and ten of a million: the limit is that of 98 in 100.
    let map = HeatMap((0..<1000).map { $0 < 10 ? 1e6 : Double($0) / 1000 }, columns: 10)
    #expect(map.limit > 0.9 && map.limit < 1)
    #expect(HeatMap([0, 0, 0], columns: 3).limit == 0)
    #expect(HeatMap([.nan, .infinity], columns: 2).limit == 0)
    // What stands out is all there is.
    #expect(HeatMap([Double](repeating: 0, count: 999) + [7], columns: 10).limit == 7)
  }

  @Test func timeIsInSeconds() {
    func hop(_ frames: Int, _ duration: Double) -> Double? {
      TimeSeries.all(of: result([("frames", noise([1, frames, 1]))], duration: duration))[0].hop
    }
    // wav2vec 2.0 gives (samples - 400) / 320 + 1 frames.
    for samples in [400, 719, 720, 16000, 24321, 80000] {
      #expect(hop((samples - 400) / 320 + 1, Double(samples) / 16000) == 0.02, "\(samples)")
    }
    #expect(hop(100, 1) == 0.01)
    #expect(hop(10, 1) == 0.1)
    #expect(hop(10, 0) == nil)
  }

  @Test func tokensBeforeTheFramesAreNoTime() throws {
    let tokens = [Float](repeating: 50, count: 10 * 2)
    let layer = Tensor(tokens + [1, -1, 1, -1, 1, -1], shape: [1, 13, 2])
    let document = try result([("frames", noise([1, 3, 2])), ("layer.1", layer)], duration: 0.07).plot()
    #expect(try #require(Elements(document)).texts.contains { $0.contains("layer.1") && $0.contains("10 tokens") })
    let series = TimeSeries.all(of: result([("frames", noise([1, 3, 2])), ("layer.1", layer)], duration: 0.07))[1]
    #expect(series.frames == 3 && series.hop == 0.02 && series.means(rows: 2, columns: 3) == [1, 1, 1, -1, -1, -1])
  }

  /// No element but these, nothing that refers to anything, all within the page.
  private func check(_ document: String) throws {
    #expect(document.utf8.count < 1_000_000)
    let elements = try #require(Elements(document))
    #expect(Set(elements.all.map(\.name)).isSubset(of: ["svg", "title", "rect", "text", "path"]))
    #expect(elements.all.allSatisfy { $0.attributes.keys.allSatisfy { !$0.contains("href") && !$0.hasPrefix("on") } })
    let page = try #require(elements.all.first)
    let (width, height) = (try #require(page.number("width")), try #require(page.number("height")))
    let outside = elements.all.filter { element in
      if element.attributes.values.contains(where: { $0.contains("nan") || $0.contains("inf") }) { return true }
      guard element.name == "rect" || element.name == "text" else { return false }
      let (x, y) = (element.number("x") ?? 0, element.number("y") ?? 0)
      // A letter of a sans-serif takes about six tenths of its size.
      let letter: Double = 0.6 * (element.number("font-size") ?? 0)
      let length: Double = element.number("width") ?? letter * Double(element.text.displayWidth)
      var left = x
      switch element.attributes["text-anchor"] {
      case "middle": left -= length / 2
      case "end": left -= length
      default: break
      }
      let bottom: Double = y + (element.number("height") ?? 0)
      return left < 0 || left + length > width || y < 0 || bottom > height
    }
    #expect(outside.isEmpty, "\(outside.prefix(3))")
    // The page has its own background.
    #expect(elements.all.first { $0.name == "rect" }?.attributes["fill"] == "#ffffff")
  }

  @Test func everyPlotFitsItsPage() throws {
    let scores = Tensor([0.5, 0.25, 0.25] as [Float], shape: [1, 3])
    try check(result([("frames", noise([1, 200, 128]))]).plot())
    try check(result([("frames", noise([1, 700, 300]))]).plot())
    try check(result([("frames", noise([1, 1, 1]))], duration: 0.025).plot())
    try check(result([("logits", scores)], labels: ["a", "b", "c"]).plot())
    try check(result((0..<5).map { ("layer.\($0)", noise([1, 200, 64])) }, duration: 4).plot())
    try check(result((0..<40).map { ("layer.\($0)", noise([1, 200, 5])) }, duration: 4).plot())
    try check(result((0..<64).map { ("layer.\($0)", noise([1, 260, 4])) }, duration: 5.2).plot())
    try check(
      result([("x", Tensor([Float](repeating: .nan, count: 12), shape: [1, 3, 4]))], duration: 0).plot())
    try check(result([("x", Tensor([Float](repeating: 0, count: 12), shape: [1, 3, 4]))]).plot())
    let many = (0..<300).map { "\($0) 生气/angry, a name that has no end and goes on and on" }
    try check(result([("logits", noise([1, 300]))], labels: many).plot())
    #expect(throws: Failure.self) { try result((0..<65).map { ("l\($0)", noise([1, 2, 2])) }).plot() }
  }

  @Test func textIsEscaped() throws {
    let name = "a<b>&\"c'\u{1B}\u{FFFE}]]>.wav"
    let scores = Tensor([0.5, 0.5] as [Float], shape: [1, 2])
    let document = try result([("scores", scores)], labels: ["<script>", "生气&"], input: name).plot()
    try check(document)
    let elements = try #require(Elements(document))
    #expect(elements.all.first { $0.name == "title" }?.text == "a<b>&\"c'\\u{1b}\\u{fffe}]]>.wav")
    #expect(elements.texts.contains("<script>") && elements.texts.contains("生气&"))
  }

  @Test func barsHaveTheirLabelsLengths() throws {
    let values = Tensor([0.75, -0.5, .nan] as [Float], shape: [1, 3])
    let elements = try #require(Elements(result([("logits", values)], labels: ["a", "b", "c"]).plot()))
    // 240 to either side of 490.
    let bars = elements.all.filter { $0.name == "rect" && $0.attributes["fill"] == SVG.accent }
    #expect(bars.map { $0.number("x") } == [490, 370] && bars.map { $0.number("width") } == [180, 120])
    #expect(elements.texts.contains("nan"))
  }

  // MARK: The program

  @Test func theProgramDrawsAClip() throws {
    let speech = Repository.golden("audio/float32-16k.wav")
    try withTemporaryFolder { folder in
      for (model, options, panels) in [
        ("models/base", [], 1), ("models/audeering/safetensors", [], 0),
        ("models/audeering/safetensors", ["--layers"], 4), ("onnx/superb-checkpoint", ["--layers"], 3),
      ] {
        let path = folder + "/clip.svg"
        let arguments = ["run", Repository.golden(model), speech, "--plot", path, "--threads", "2"] + options
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
        let document = try String(contentsOfFile: path, encoding: .utf8)
        try check(document)
        let elements = try #require(Elements(document))
        #expect(elements.texts.filter { $0 == "norm of a frame" }.count == panels, "\(model) \(options)")
        guard model == "models/base" else { continue }
        #expect(try Program.run(arguments).status == 0)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == document)
        // 49 frames of 20 ms on 784 units from 70 on: 0.8 seconds are 640 units from the left end.
        #expect(elements.all.contains { $0.text == "0.8" && $0.number("x") == 710 })
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["clip.svg"])
    }
  }

  @Test func whatCannotBeDrawnIsRefused() throws {
    let speech = Repository.golden("audio/float32-16k.wav")
    let model = Repository.golden("models/base")
    try withTemporaryFolder { folder in
      let path = folder + "/clip.svg"
      #expect(try Program.run("run", model, speech, speech, "--plot", path).status == 64)
      #expect(try Program.run("run", model, speech, "--plot", folder + "/clip.png").status == 64)
      let bare = Repository.golden("onnx/audeering-ts12-eager/model.onnx")
      let nothing = try Program.run("run", bare, speech, "--plot", path)
      #expect(nothing.status == 2 && nothing.errorLines.count == 1 && nothing.output.isEmpty, "\(nothing.errors)")
      #expect(nothing.errors.contains("--layers"))
      let nowhere = try Program.run("run", model, speech, "--plot", folder + "/gone/clip.svg")
      #expect(nowhere.status == 2 && nowhere.errorLines.count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      // A full disk: the file of that name stays as it was.
      try "before".write(toFile: path, atomically: true, encoding: .utf8)
      let full = try Program.run(["run", model, speech, "--plot", path], fileBlocks: 1)
      #expect(full.status == 2 && full.errorLines.count == 1, "\(full.errors)")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "before")
    }
  }
}
