import Bytes
import IR

/// The layers of one model that are left in the other one, by what their weights hold.
///
/// Nothing is taken on trust: each layer of the smaller row must be one of the larger row by more than half of its
/// weights, those left out that are one number everywhere, and the order must stay.
public struct PrunedLayers: Sendable {
  /// The model with fewer layers.
  public let side: Side
  /// Which layers of the other model it has.
  public let selection: LayerSelection
  /// What the other model's names say of its layers.
  public let stacks: [LayerStack]

  /// The layer that a weight of the whole model stands in; nil for one of no layer.
  public func layer(of name: String) -> Int? { stacks.lazy.compactMap { $0.layer(of: name) }.first }

  /// What a weight of the whole model is called in the pruned one, as far as layers go; nil where its layer is not there.
  func name(_ name: String) -> String? {
    guard let stack = stacks.first(where: { $0.layer(of: name) != nil }) else { return name }
    return stack.renamed(name, keeping: selection)
  }
}

extension PrunedLayers {
  /// Looks for layers of one model in the other; nil where both have as many, and where the weights do not say so.
  init?(_ matching: WeightMatching) {
    let rows = Both(LayerRows(matching.weights.a), LayerRows(matching.weights.b))
    guard
      Side.allCases.contains(where: { side in
        rows[side].rows.contains { rows[side.other].rows[$0.key]?.count != $0.value.count }
      })
    else { return nil }
    let evidence = LayerEvidence(matching, rows)
    let found = Side.allCases.compactMap { PrunedLayers(pruned: $0, evidence, rows) }
    // Where each has lost layers of the other, neither is the other pruned.
    guard found.count == 1 else { return nil }
    self = found[0]
  }

  private init?(pruned side: Side, _ evidence: LayerEvidence, _ rows: Both<LayerRows>) {
    let (whole, pruned) = (rows[side.other].rows, rows[side].rows)
    var partners: [Name: (kept: [Int], score: Int)] = [:]
    for (path, row) in pruned.sorted(by: { $0.key < $1.key }) {
      var best: (path: Name, kept: [Int], score: Int)?
      for other in evidence.partners(of: path, on: side).sorted() {
        guard let count = whole[other]?.count, count >= row.count,
          let (kept, score) = evidence.layers(of: other, count, in: path, row.count, pruned: side),
          score > best?.score ?? 0
        else { continue }
        best = (other, kept, score)
      }
      guard let best else { continue }
      // Two rows that are made of one are something else.
      guard partners[best.path] == nil else { return nil }
      partners[best.path] = (best.kept, best.score)
    }
    // Rows made like these may have lost all their layers, as emotion2vec's prenet may.
    let left = Set(partners.keys.map { whole[$0]!.rests })
    for (path, row) in whole where partners[path] == nil && pruned[path] == nil && left.contains(row.rests) {
      partners[path] = ([], 0)
    }
    let kinds = Set(partners.filter { $1.kept.count < whole[$0]!.count }.map { whole[$0.key]!.rests })
    guard !kinds.isEmpty else { return nil }
    // Copies that a teacher keeps are counted for themselves, and have to have lost the same.
    var (all, selections) = ([LayerStack](), [LayerSelection?]())
    let paths = partners.keys.filter { kinds.contains(whole[$0]!.rests) }
    for (_, copy) in Dictionary(grouping: paths, by: PrunedLayers.copy).sorted(by: { $0.key < $1.key }) {
      var (kept, count) = ([Int](), 0)
      // Rows of the same kind are counted on, as emotion2vec's are.
      for path in copy.sorted(by: { (whole[$0]!.first, $0) < (whole[$1]!.first, $1) }) {
        all.append(LayerStack(path.text, count..<count + whole[path]!.count))
        kept += partners[path]!.kept.map { count + $0 }
        count += whole[path]!.count
      }
      selections.append(LayerSelection(of: count, keeping: kept))
    }
    guard let selection = selections[0], selections.allSatisfy({ $0 == selection }) else { return nil }
    let stacks = all
    (self.side, self.selection, self.stacks) = (side, selection, stacks)
  }
}

extension PrunedLayers {
  private static let copies = ["_ema", "ema", "ema_fp32_params"].map { Name($0) }

  /// The first component of a path that says it is a copy that training keeps; nothing where none does.
  fileprivate static func copy(_ path: Name) -> Name {
    path.text.split(separator: ".").lazy.map { Name(String($0)) }.first(where: copies.contains) ?? Name("")
  }
}

/// How many weights say that a layer of one model is a layer of the other.
private struct LayerEvidence {
  private struct Rows: Hashable {
    let a: Name
    let b: Name
  }

  private struct Layers: Hashable {
    let a: Int
    let b: Int
  }

  private var votes: [Rows: [Layers: Int]] = [:]
  private var partners = Both([Name: [Name]](), [Name: [Name]]())
  /// How many weights of each layer could say something, by row and number.
  private var sizes = Both([LayerRows.Place: Int](), [LayerRows.Place: Int]())

  /// So many equal weights of one name in different layers are looked at; more of them tell nothing apart.
  private static let groupLimit = 1 << 16

  init(_ matching: WeightMatching, _ rows: Both<LayerRows>) {
    var isSilent = Both(Set<Int>(), Set<Int>())
    for group in matching.groups where group.isUniform {
      for side in Side.allCases { isSilent[side].formUnion(group.members[side]) }
    }
    for side in Side.allCases {
      // A few numbers may be the same by chance.
      isSilent[side].formUnion(
        matching.weights[side].indices.filter {
          matching.weights[side][$0].entry.shape.count < NamePairing.evidenceSize
        })
      for (index, places) in rows[side].places.enumerated() where !isSilent[side].contains(index) {
        for place in places { sizes[side][LayerEvidence.layer(place), default: 0] += 1 }
      }
    }
    for group in matching.groups where !group.isUniform {
      func places(_ side: Side) -> [Name: [LayerRows.Place]] {
        Dictionary(
          grouping: group.members[side].filter { !isSilent[side].contains($0) }.flatMap { rows[side].places[$0] },
          by: \.rest)
      }
      let (mine, theirs) = (places(.a), places(.b))
      for (rest, first) in mine {
        guard let second = theirs[rest], first.count * second.count <= LayerEvidence.groupLimit else { continue }
        for a in first {
          for b in second {
            votes[Rows(a: a.path, b: b.path), default: [:]][Layers(a: a.layer, b: b.layer), default: 0] += 1
          }
        }
      }
    }
    for rows in votes.keys {
      partners.a[rows.a, default: []].append(rows.b)
      partners.b[rows.b, default: []].append(rows.a)
    }
  }

  /// The rows of the other side that have something in common with this one.
  func partners(of path: Name, on side: Side) -> [Name] { partners[side][path] ?? [] }

  private static func layer(_ place: LayerRows.Place) -> LayerRows.Place {
    LayerRows.Place(path: place.path, layer: place.layer, rest: Name(""))
  }

  /// Which layers of the row `whole` the layers of the row `part` are, and by how many weights; nil unless each is one of
  /// them by more than half, in the same order. Of several that fit as well the first are taken.
  func layers(
    of whole: Name, _ count: Int, in part: Name, _ partCount: Int, pruned side: Side
  ) -> (kept: [Int], score: Int)? {
    let found = votes[side == .a ? Rows(a: part, b: whole) : Rows(a: whole, b: part)] ?? [:]
    // A layer that stands for the one of that number in the part has at least so many places before it and behind it.
    func score(_ layer: Int, _ place: Int) -> Int? {
      let votes = found[side == .a ? Layers(a: place, b: layer) : Layers(a: layer, b: place)] ?? 0
      let size = sizes[side][LayerRows.Place(path: part, layer: place, rest: Name(""))] ?? 0
      return votes * 2 > size ? votes : nil
    }
    let room = count - partCount
    // best[place][d]: what the layers from `place` on can have in common with those from `place + d` on.
    var best = [[Int?]](repeating: [Int?](repeating: nil, count: room + 1), count: partCount)
    best.append([Int?](repeating: 0, count: room + 1))
    for place in (0..<partCount).reversed() {
      for shift in (0...room).reversed() {
        var value = shift < room ? best[place][shift + 1] : nil
        if let own = score(place + shift, place), let rest = best[place + 1][shift] {
          value = max(value ?? 0, own + rest)
        }
        best[place][shift] = value
      }
    }
    guard let total = best[0][0] else { return nil }
    var (kept, shift) = ([Int](), 0)
    for place in 0..<partCount {
      while true {
        if let own = score(place + shift, place), let rest = best[place + 1][shift], own + rest == best[place][shift] {
          break
        }
        shift += 1
      }
      kept.append(place + shift)
    }
    return (kept, total)
  }
}
