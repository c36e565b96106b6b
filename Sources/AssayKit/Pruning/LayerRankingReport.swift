import Bytes

extension LayerRanking {
  /// The ranking as a document.
  public var json: JSON {
    [
      "model": JSON(model),
      "clips": JSON(
        clips.map { ["input": JSON($0.path), "duration": JSON($0.duration), "frames": JSON($0.frames)] }),
      "layers": JSON(
        layers.map { layer in
          [
            "layer": JSON(layer.number), "cosine": JSON(layer.cosine),
            "outputs": JSON(
              members: layer.changes.map { change in
                (
                  change.name,
                  [
                    "absolute": JSON(change.absolute), "relative": JSON(change.relative),
                    "labels": JSON(
                      members: change.labels.map {
                        ($0.name, ["mean": JSON($0.mean), "maximum": JSON($0.maximum)])
                      }),
                  ]
                )
              }),
            "refusal": layer.refusal.map { JSON($0) } ?? .null,
          ]
        }),
      "ordered_by": JSON(orderedBy), "order": JSON(order.map(\.number)),
    ]
  }

  /// A line for each layer, the one that matters least first, and what the columns mean.
  public var text: String {
    let names = layers.first { !$0.changes.isEmpty }?.changes.map(\.name) ?? []
    let labels = layers.lazy.flatMap(\.changes).first { !$0.labels.isEmpty }?.labels.map(\.name) ?? []
    let heads = ["layer", "cosine"] + names.map(printable) + labels.map(printable)
    let rows = order.map { layer -> [String] in
      let own = ["\(layer.number)", fixed(layer.cosine, 4)]
      if layer.refusal != nil { return own + ["cannot be dropped"] }
      let told = layer.changes.first { !$0.labels.isEmpty }?.labels ?? []
      return own
        + names.map { name in
          layer.changes.first { Name($0.name) == Name(name) }.map { percent($0.relative) } ?? "-"
        } + told.map { "\(short($0.mean)) (\(short($0.maximum)))" }
    }
    let widths = heads.indices.map { column in
      ([heads] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      "  " + zip(cells, widths).map { padded($0, $1) }.joined(separator: "  ").trimmed
    }
    let frames = clips.reduce(0) { $0 + $1.frames }
    let seconds = clips.reduce(0) { $0 + $1.duration }
    var lines = [
      "\(printable(model)): \(layers.count) layers on \(clips.count == 1 ? "1 recording" : "\(clips.count) recordings"), \(fixed(seconds, 2)) s, \(frames) frames; "
        + "the layer that matters least comes first"
    ]
    lines.append(line(heads))
    lines += rows.map(line)
    lines.append("cosine: between what enters the layer and what leaves it, the mean of all frames; 1 turns nothing")
    if !names.isEmpty {
      lines.append(
        "\(names.map(printable).joined(separator: ", ")): the largest change when that layer alone is dropped, of the "
          + "whole model's largest value")
    }
    if !labels.isEmpty {
      lines.append(
        "\(labels.map(printable).joined(separator: ", ")): the mean change over recordings (and the largest)")
    }
    for layer in layers {
      if let refusal = layer.refusal { lines.append("layer \(layer.number): \(printable(refusal))") }
    }
    lines += suggestion
    return lines.joined(separator: "\n")
  }

  /// Which layers to try first, and what that is worth.
  private var suggestion: [String] {
    let candidates = order.filter { $0.refusal == nil }.prefix(max(1, layers.count / 4)).map(\.number).sorted()
    guard !candidates.isEmpty, candidates.count < layers.count else { return [] }
    return [
      "to try first: --drop \(candidates.map(String.init).joined(separator: ",")). Each was dropped alone here, on "
        + "these recordings only; what they change together, prune and judge"
    ]
  }

  private func percent(_ share: Double) -> String { share.isFinite ? fixed(100 * share, 2) + " %" : "\(share)" }
}

extension String {
  /// Without spaces at the end.
  fileprivate var trimmed: String {
    let end = utf8.lastIndex { $0 != UInt8(ascii: " ") }.map(utf8.index(after:)) ?? utf8.startIndex
    return String(self[..<end])
  }
}
