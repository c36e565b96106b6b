import Bytes

/// The goldens section: cases as documents, whose arrays stand in the data.
///
/// What a case's members mean is Verification's business; here it is made sure that cases and arrays belong together.
enum ArtifactGoldens {
  /// The section's text.
  static func text(_ cases: [JSON]) -> String { JSON(cases).withCanonicalNumbers.lined(levels: 1) }

  /// Reads the section; `arrays` are the names of the tensors whose role is golden.
  static func read(_ text: ByteView, arrays: [String]) throws(FormatError) -> [JSON] {
    let json = try JSON.readText(text)
    guard let cases = json.array else {
      throw ArtifactRule.fields.broken("the goldens are a list, found \(json.kind)", at: json)
    }
    var names: Set<Name> = []
    var unused = Set(arrays.map { Name($0) })
    let known = unused
    for golden in cases {
      guard let name = golden["name"]?.string, golden["golden"]?.int == 1 else {
        throw ArtifactRule.goldens.broken("a golden case has \"golden\": 1 and a name", at: golden)
      }
      guard names.insert(Name(name)).inserted else {
        throw ArtifactRule.goldens.broken("two cases are called \"\(name)\"", at: golden)
      }
      for reference in arrayReferences(golden) {
        guard let file = reference["file"]?.string, let tensor = reference["tensor"]?.string else {
          throw ArtifactRule.goldens.broken("an array is named by \"file\" and \"tensor\"", at: reference)
        }
        let name = Name(file + "/" + tensor)
        guard known.contains(name) else {
          throw ArtifactRule.arrays.broken("no golden array is called \"\(name.text)\"", at: reference)
        }
        unused.remove(name)
      }
    }
    if let name = unused.min() {
      throw ArtifactRule.arrays.broken("the golden array \"\(name.text)\" belongs to no case", at: json)
    }
    return cases
  }

  /// Where a case speaks of arrays: its input, each input of a graph, each expected value.
  private static func arrayReferences(_ golden: JSON) -> [JSON] {
    let input = golden["input"].map { [$0] } ?? []
    let members = (golden["input"]?["tensors"]?.object ?? []) + (golden["expected"]?.object ?? [])
    return (input + members.map(\.value)).filter { $0["file"] != nil || $0["tensor"] != nil }
  }
}
