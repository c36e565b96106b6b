import Bytes
import IR

extension Metadata.License {
  /// The licence, and what its name says of its terms.
  var json: JSON {
    ["id": JSON(id), "from": JSON(from), "terms": JSON(terms.map(\.rawValue))]
  }

  /// One line for people.
  var text: String {
    let asks = terms.isEmpty ? "" : ": \(terms.map(\.rawValue).joined(separator: ", ")); this goes with every copy"
    return "licence \(printable(id)) (stated by \(printable(from)))\(asks)"
  }

  /// The licence that a model gets where its files state `found` and the user states `id`.
  ///
  /// What was found is never dropped: an expression that does not name it is refused.
  static func stating(_ id: String?, by who: String, over found: Metadata.License?) throws -> Metadata.License? {
    guard let id else { return found }
    guard id.contains(where: { !$0.isWhitespace }) else { throw Failure("\(who): a licence has a name") }
    guard let found else { return Metadata.License(id: id, from: who) }
    let stated = Metadata.License(id: id, from: found.from.hasSuffix(who) ? found.from : "\(found.from), \(who)")
    guard stated.keeps(found) else {
      throw Failure(
        "\(who): \(found.from) states \(found.id), which \"\(id)\" would drop; "
          + "an expression that keeps it would do, as \"\(Metadata.License.operand(found.id)) AND \(Metadata.License.operand(id))\""
      )
    }
    return stated.id.lowercased() == found.id.lowercased() ? found : stated
  }
}
