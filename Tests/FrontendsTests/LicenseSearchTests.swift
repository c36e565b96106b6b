import Formats
import Foundation
import Frontends
import IR
import TestSupport
import Testing

@Suite struct LicenseSearchTests {
  private static let package = Repository.golden("models/audeering/safetensors")

  /// The licence of a folder with this model card and this member in its configuration.
  private func license(card: String?, config: String? = nil, weights: String? = nil) throws -> Metadata.License? {
    try withTemporaryFolder { folder in
      var text = try String(contentsOfFile: Self.package + "/config.json", encoding: .utf8)
      if let config { text = text.replacing(/^\{/, with: "{\"license\": \"\(config)\",") }
      try text.write(toFile: folder + "/config.json", atomically: false, encoding: .utf8)
      try card?.write(toFile: folder + "/README.md", atomically: false, encoding: .utf8)
      let file = try SafetensorsFile.open(Self.package + "/model.safetensors")
      let tensors = try file.entries.map { (name: $0.name, tensor: try file.tensor($0.name)) }
      try SafetensorsWriter.write(
        tensors, metadata: weights.map { [(name: "license", value: $0)] } ?? [], to: folder + "/model.safetensors")
      return try ModelFiles.open(folder).license()
    }
  }

  @Test(arguments: [
    ("---\nlicense: cc-by-nc-sa-4.0\n---\n", "cc-by-nc-sa-4.0"), ("---\nlicense: \"mit\"\n---", "mit"),
    ("---\r\ntags:\r\n- x\r\nlicense:   'mit'  # so\r\n---\r\nlicense: no", "mit"),
    ("---\nlicense: mit # so\n---", "mit"),
    ("---\nlicense:\n- mit\n- apache-2.0\ntags:\n- x\n---", "mit AND apache-2.0"),
    ("---\nlicense: [mit, \"apache-2.0\"]\n---", "mit AND apache-2.0"),
    ("---\nlicense: other\nlicense_name: audeering-research\n---", "audeering-research"),
    ("---\nlicense: other\n---", "other"), ("license: mit", nil), ("# Model\n---\nlicense: mit\n---", nil),
    ("---\n  license: mit\n---", nil), ("---\nlicense:\n---", nil),
    ("\u{FEFF}---\n\"license\":\n\n# so\n- cc-by-nc-4.0\n---", "cc-by-nc-4.0"),
    ("---\nlicense: [\n  mit,\n  apache-2.0\n]\n---", "mit AND apache-2.0"), ("---\nlicense_link: x\n---", nil),
    ("", nil),
  ])
  func theModelCardsFrontMatter(_ card: String, _ expected: String?) throws {
    let found = try license(card: card)
    #expect(found?.id == expected)
    #expect(found == nil || found?.from == "README.md")
  }

  @Test func licencesInOtherPlacesAreFoundToo() throws {
    #expect(try license(card: nil) == nil)
    #expect(try license(card: nil, config: "mit") == Metadata.License(id: "mit", from: "config.json"))
    #expect(try license(card: nil, weights: "mit") == Metadata.License(id: "mit", from: "model.safetensors"))
    let same = try license(card: "---\nlicense: MIT\n---", config: "mit", weights: "mit")
    #expect(same == Metadata.License(id: "MIT", from: "README.md"))
    let both = try license(card: "---\nlicense: mit\n---", config: "cc-by-nc-4.0")
    #expect(both == Metadata.License(id: "mit AND cc-by-nc-4.0", from: "README.md, config.json"))
    let choice = try license(card: "---\nlicense: mit OR apache-2.0\n---", config: "cc-by-nc-4.0")
    #expect(choice?.id == "(mit OR apache-2.0) AND cc-by-nc-4.0")
  }

  @Test(arguments: [
    ("cc-by-nc-4.0", true), ("CC-BY-NC-4.0 AND mit", true), ("mit AND (cc-by-nc-4.0)", true), ("mit", false),
    ("cc-by-nc-4.0 OR mit", false), ("(cc-by-nc-4.0 OR mit) AND isc", false), ("(mit OR isc) AND cc-by-nc-4.0", true),
    ("((cc-by-nc-4.0 AND mit))", true), ("cc-by-nc-4.0-variant", false),
  ])
  func aLicenceIsKeptWhereItStillHolds(_ id: String, _ keeps: Bool) {
    #expect(Metadata.License(id: id, from: "").keeps(Metadata.License(id: "cc-by-nc-4.0", from: "")) == keeps)
  }

  @Test(arguments: [
    ("cc-by-nc-sa-4.0", ["non-commercial", "share-alike"]), ("CC-BY-NC-ND-4.0", ["non-commercial", "no-derivatives"]),
    ("cc-by-4.0", []), ("mit", []), ("apache-2.0 OR GPL-3.0-only", ["share-alike"]), ("agpl-3.0", ["share-alike"]),
    ("(MIT AND cc-by-sa-4.0)", ["share-alike"]), ("cc-by-nc-4.0", ["non-commercial"]), ("lgpl-2.1", ["share-alike"]),
    ("nasa-1.3", []), ("PolyForm-Noncommercial-1.0.0", ["non-commercial"]),
  ])
  func termsAreToldByTheName(_ id: String, _ terms: [String]) {
    #expect(Metadata.License(id: id, from: "").terms.map(\.rawValue) == terms)
  }
}
