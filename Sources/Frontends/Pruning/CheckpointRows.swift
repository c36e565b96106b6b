import Bytes
import Tensors

/// Which rows of numbered names are a model's transformer layers, and which are copies of them.
struct CheckpointRows {
  let family: CheckpointLayers.Family
  /// What the model's names start with.
  let prefix: String
  /// The rows in the order in which layers are counted.
  let rows: [NumberedRow]
  /// Copies, and which of `rows` each is a copy of.
  let copies: [(row: NumberedRow, of: Int)]

  private static let (encoder, features) = ("encoder.layers", "feature_extractor.conv_layers")
  private static let audio = "modality_encoders.AUDIO"
  private static let (prenet, blocks) = (audio + ".context_encoder.blocks", "blocks")

  init(_ all: [NumberedRow], _ entries: [TensorEntry]) throws(FormatError) {
    let own = all.filter { row in !row.components.contains { TrainingState.teachers.contains($0) } }
    let byPath = Dictionary(own.map { (Name($0.path), $0) }) { first, _ in first }
    let prefixes = CheckpointRows.audioPrefixes(entries)
    if let prefix = prefixes.first, prefixes.count == 1 {
      rows = [CheckpointRows.prenet, CheckpointRows.blocks].compactMap { byPath[Name(prefix + $0)] }
      (family, self.prefix) = (.data2vec2, prefix)
    } else {
      let encoders = own.filter { $0.ends(in: CheckpointRows.encoder) }
      func prefix(_ row: NumberedRow) -> String { String(row.path.utf8.dropLast(CheckpointRows.encoder.utf8.count))! }
      let hearing = encoders.filter { byPath[Name(prefix($0) + CheckpointRows.features)] != nil }
      // Without the layers that hear, an encoder could be any; it is taken where nothing else could be meant.
      let others = own.filter { row in row.hasAttention && !encoders.contains { row.path == $0.path } }
      let chosen = hearing.count == 1 ? hearing : others.isEmpty && prefixes.isEmpty ? encoders : []
      rows = chosen.count == 1 ? chosen : []
      (family, self.prefix) = (.wav2vec2, rows.first.map(prefix) ?? "")
    }
    guard !rows.isEmpty else { throw CheckpointRows.refusal(own) }
    copies = try CheckpointRows.copies(all, prefix: prefix, rows)
  }

  /// What names of data2vec 2.0's audio encoder start with.
  private static func audioPrefixes(_ entries: [TensorEntry]) -> [String] {
    let mark = NumberedRow.components(audio)
    var prefixes: [Name] = []
    for entry in entries {
      let components = NumberedRow.components(entry.name)
      for start in components.indices
      where components[start...].starts(with: mark)
        && !components[..<start].contains(where: TrainingState.teachers.contains)
      {
        let prefix = Name(components[..<start].map { $0.text + "." }.joined())
        if !prefixes.contains(prefix) { prefixes.append(prefix) }
      }
    }
    return prefixes.map(\.text)
  }

  private static func copies(
    _ all: [NumberedRow], prefix: String, _ rows: [NumberedRow]
  ) throws(FormatError) -> [(row: NumberedRow, of: Int)] {
    let paths = rows.map { NumberedRow.components(String($0.path.utf8.dropFirst(prefix.utf8.count))!) }
    var copies: [(row: NumberedRow, of: Int)] = []
    for row in all {
      guard let teacher = row.components.lastIndex(where: { TrainingState.teachers.contains($0) }) else { continue }
      let inside = Array(row.components[(teacher + 1)...])
      // A teacher may keep the whole model, the module that holds the layers, or nothing but the last row's layers.
      let original =
        paths.firstIndex { $0 == inside } ?? (inside.isEmpty ? paths.indices.last : nil)
        ?? (inside == paths.last?.suffix(1).map { $0 } ? paths.indices.last : nil)
      if let original {
        copies.append((row, original))
      } else if row.hasAttention {
        throw FormatError(
          "layers", .unsupported("a teacher's layers that are no copy of \(rows.map(\.path).joined(separator: ", "))"),
          place: [row.path])
      }
    }
    return copies
  }

  private static func refusal(_ rows: [NumberedRow]) -> FormatError {
    let known = "known are the names *.\(encoder).N, and *.\(prenet).N with *.\(blocks).N"
    let found = rows.filter(\.hasAttention)
    guard !found.isEmpty else {
      return FormatError("layers", .missing("no tensor is of a transformer layer; \(known)"))
    }
    let list = found.prefix(8).map { "\($0.path) (\($0.layers.count))" }.joined(separator: ", ")
    return FormatError(
      "layers",
      .unsupported("which layers are meant cannot be told of \(list)\(found.count > 8 ? ", ..." : ""); \(known)"))
  }
}
