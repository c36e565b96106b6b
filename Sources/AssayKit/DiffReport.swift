import Bytes
import IR
import Tensors
import Verification

// A comparison of two models as a document and as text.

extension ModelDiff {
  /// The comparison as a document.
  public var json: JSON {
    [
      "same": JSON(isSame), "pruned": weights.prunedJSON, "a": operands.a.json, "b": operands.b.json,
      "equal": JSON(weights.equal.map(\.json)), "changed": JSON(weights.changed.map(\.json)),
      "only_in_a": JSON(weights.only.a.map(\.json)), "only_in_b": JSON(weights.only.b.map(\.json)),
      "ignored": JSON(
        ignored.map { ["in": JSON($0.side.rawValue), "tensor": JSON($0.name), "reason": JSON($0.reason)] }),
      "notes": JSON(notes),
    ]
  }

  /// The sums first, then what is not plainly equal, by kind.
  public var text: String {
    var lines = [summary, operands.a.line("A"), operands.b.line("B")]
    lines += weights.prunedLines + weights.equal.compactMap(\.foldingLine)
    func group(_ title: String, _ rows: [String], of count: Int? = nil) {
      if !rows.isEmpty { lines += ["\(title), \(count ?? rows.count):"] + rows.map { "  " + $0 } }
    }
    group("changed", weights.changed.map(\.line))
    let moved = weights.equal.filter(\.isMoved)
    group("moved: one of the names belongs to other numbers in the other model", renamed(moved), of: moved.count)
    group("only in A", weights.only.a.map(\.line))
    group("only in B", weights.only.b.map(\.line))
    let other = weights.equal.filter { !$0.isMoved && !$0.isShared && Name($0.called.a) != Name($0.called.b) }
    group("renamed", renamed(other), of: other.count)
    group(
      "held once for several",
      weights.equal.filter(\.isShared).map { "\(printable($0.names.a)) = \(printable($0.names.b))" })
    group("ignored", ignored.map { "\(printable($0.name)) in \($0.side.letter): \(printable($0.reason))" })
    for side in Side.allCases {
      group("names that the exporter lost in \(side.letter)", operands[side].lostNames.map(\.line))
      group(
        "could not be read in \(side.letter)",
        operands[side].leftOut.map { "\(printable($0.name)): \(printable($0.reason))" })
    }
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    var ways: [(steps: [WeightDiff.Step], count: Int)] = []
    for match in weights.equal {
      if let place = ways.firstIndex(where: { $0.steps == match.steps }) {
        ways[place].count += 1
      } else {
        ways.append((match.steps, 1))
      }
    }
    let equal = ways.sorted { $0.steps.count < $1.steps.count }.map { way in
      "\(way.count) equal" + (way.steps.isEmpty ? "" : " after " + way.steps.map(\.description).joined(separator: ", "))
    }
    let moved = weights.equal.filter(\.isMoved).count
    let rest = [
      (weights.changed.count, "changed"), (moved, "of them moved"), (weights.only.a.count, "only in A"),
      (weights.only.b.count, "only in B"), (weights.absent.count, "absent"), (ignored.count, "ignored"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let verdict =
      switch status {
      case .holds: weights.prunedVerdict.map { "holds    \($0): " } ?? "holds    the same weights: "
      case .differs: "DIFFERS  "
      default: "not all could be read; of what could: "
      }
    return verdict + (equal + rest).joined(separator: "; ")
  }

  /// A line for each pair of names, or one for all that only another path in front tells apart.
  private func renamed(_ matches: [WeightDiff.Match]) -> [String] {
    var rows: [(rule: [Name]?, count: Int, line: String)] = []
    var places: [[Name]: Int] = [:]
    for match in matches {
      let line = "\(printable(match.names.a)) -> \(printable(match.names.b))" + match.remark
      guard let rule = match.renaming else {
        rows.append((nil, 1, line))
        continue
      }
      let key = [Name(rule.a), Name(rule.b)]
      if let place = places[key] {
        rows[place].count += 1
      } else {
        places[key] = rows.count
        rows.append((key, 1, line))
      }
    }
    return rows.map { row in
      guard let rule = row.rule, row.count > 1 else { return row.line }
      return "\(printable(rule[0].text))* -> \(printable(rule[1].text))*: \(row.count) tensors"
    }
  }
}

extension WeightDiff {
  /// Which layers one model has of the other, as a document.
  fileprivate var prunedJSON: JSON {
    guard let pruned else { return .null }
    return [
      "in": JSON(pruned.side.rawValue), "layers": JSON(pruned.selection.count), "kept": JSON(pruned.selection.kept),
      "map": JSON(pruned.selection.kept.enumerated().map { ["from": JSON($1), "to": JSON($0)] }),
      "absent": JSON(absent.map { JSON($0.name) }),
    ]
  }

  /// `B is A with layers 0-11 of 24 kept`
  fileprivate var prunedVerdict: String? {
    pruned.map { pruned in
      "\(pruned.side.letter) is \(pruned.side.other.letter) with layers "
        + "\(LayerSelection.runs(pruned.selection.kept)) of \(pruned.selection.count) kept"
    }
  }

  /// Which layer became which, and which are not there.
  fileprivate var prunedLines: [String] {
    guard let pruned, let verdict = prunedVerdict else { return [] }
    return (isSame ? [] : ["\(verdict), but for what follows"]) + [
      "layers kept: \(pruned.selection.mapText)",
      "layers \(LayerSelection.runs(pruned.selection.dropped)) absent: \(absent.count) weights",
    ]
  }
}

extension ModelDiff.Operand {
  fileprivate var json: JSON {
    [
      "path": JSON(path), "format": JSON(format.rawValue), "compared": isModel ? "constants" : "tensors",
      "count": JSON(count),
      "left_out": JSON(leftOut.map { ["name": JSON($0.name), "reason": JSON($0.reason)] }),
      "lost_names": JSON(
        lostNames.map { ["tensor": JSON($0.tensor), "weight": JSON($0.weight), "steps": JSON($0.steps)] }),
    ]
  }

  fileprivate func line(_ letter: String) -> String {
    "\(letter)  \(printable(path)): \(format.rawValue), \(count) \(isModel ? "constants" : "tensors")"
  }
}

extension ModelDiff.LostName {
  fileprivate var line: String {
    let done = steps.isEmpty ? "" : " (\(steps.map(printable).joined(separator: ", ")))"
    return "\(printable(tensor))\(done) is \(printable(weight))"
  }
}

extension WeightDiff.Match {
  fileprivate var json: JSON {
    [
      "a": JSON(names.a), "b": JSON(names.b), "steps": JSON(steps.map(\.description)),
      "folded_from": names(of: parts).map { JSON($0) },
      "difference": folding.map { JSON($0.difference) }, "limit": folding.map { JSON($0.limit) },
      "shared": isShared ? true : nil, "moved": isMoved ? true : nil,
    ]
  }

  private func names(of parts: Both<[String]>) -> [String]? {
    guard steps.contains(.fold) else { return nil }
    return parts.a.isEmpty ? parts.b.isEmpty ? nil : parts.b : parts.a
  }

  fileprivate var remark: String {
    steps.isEmpty ? "" : " (" + steps.map(\.description).joined(separator: ", ") + ")"
  }

  /// What two programs' foldings of this weight have to do with each other.
  fileprivate var foldingLine: String? {
    guard let folding else { return nil }
    guard steps.contains(.fold) else {
      return
        "\(printable(names.a)): two programs' weights of what is left, at most \(short(folding.difference)) apart; "
        + "\(short(folding.limit)) allowed"
    }
    return "\(printable(names.a)): two programs' foldings, at most \(short(folding.difference)) apart; "
      + "\(short(folding.limit)) allowed beside the rounding of half-width numbers"
  }
}

extension WeightDiff.Change {
  fileprivate var json: JSON {
    JSON(
      members: [("a", JSON(names.a)), ("b", JSON(names.b)), ("steps", JSON(steps.map(\.description)))] + numbers.json)
  }

  fileprivate var line: String {
    let name = printable(names.a) + (Name(names.a) == Name(names.b) ? "" : " -> " + printable(names.b))
    if let mismatch = numbers.mismatch { return "\(name) \(mismatch)" }
    let after = steps.isEmpty ? "" : " after " + steps.map(\.description).joined(separator: ", ")
    return "\(name): \(short(numbers.difference)) apart at \(numbers.place) (\(numbers.spelling(.a)) in A, "
      + "\(numbers.spelling(.b)) in B)\(after), cosine \(fixed(numbers.cosine, 8)), \(numbers.differing) of "
      + "\(numbers.count) differ"
  }
}

extension TensorEntry {
  fileprivate var json: JSON {
    ["name": JSON(name), "dtype": JSON(dataType.rawValue), "shape": JSON(shape.dimensions)]
  }

  fileprivate var line: String { "\(printable(name)) \(dataType.rawValue) \(shape)" }
}

extension Side {
  fileprivate var letter: String { self == .a ? "A" : "B" }
}
