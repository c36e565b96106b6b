import Bytes
import IR

extension Metadata {
  /// What the keys of our own properties start with.
  private static let onnxPrefix = "assay."

  /// Everything the metadata holds, and what the graph's states are called in the file, as an ONNX model's properties.
  ///
  /// Texts and numbers stand as they are, lists and objects as JSON; what is empty is left out.
  func onnxProperties(states: [(name: String, value: String)]) -> [(key: String, value: String)] {
    func list(_ elements: [JSON]) -> String? { elements.isEmpty ? nil : JSON(elements).compact }
    let json = json
    func member(_ name: String) -> String? { list(json[name]?.array ?? []) }
    let states = JSON(members: states.map { ($0.name, JSON($0.value)) })
    let properties: [(String, String?)] = [
      ("system", system),
      ("sample_rate", String(preprocessing.sampleRate)),
      ("normalization_epsilon", preprocessing.normalizationEpsilon.map { JSON($0).compact }),
      ("labels", member("labels")),
      ("license", license?.id),
      ("license_from", license?.from),
      ("sources", member("sources")),
      ("recipe", member("recipe")),
      ("ignored", member("ignored")),
      ("tool", tool),
      ("edited", member("edited")),
      ("states", states.object?.isEmpty == false ? states.compact : nil),
    ]
    let notes = about.sorted { Name($0.name) < Name($1.name) }.map {
      (Metadata.aboutPrefix + $0.name, Optional($0.text))
    }
    return (properties + notes).compactMap { name, value in value.map { (Metadata.onnxPrefix + name, $0) } }
  }
}
