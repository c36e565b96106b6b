import IR
import Tensors

/// Stores the weights of products in panels, the way they are read, so that an artifact's need not be packed at load.
///
/// Before: `weight` [out, in] or [out, in / groups, kernel], row by row.
/// After: the same numbers, 16 rows side by side. Name, shape and digest of the constant stay as they are.
public struct ArrangePanels: Pass {
  /// arrange-panels
  public static let name = "arrange-panels"

  /// Panels that are filled up to more than this many times the weight's own size are not worth their room in a file.
  public static let growthLimit = 2

  /// Creates the pass.
  public init() {}

  /// Arranges every constant that is used as a weight of products in the same number of groups, and for nothing else.
  public func run(on graph: inout Graph) throws -> PassReport {
    var report = PassReport(pass: ArrangePanels.name)
    let uses = Uses(graph)
    for id in graph.constantOrder {
      guard let groups = uses.groups[id] else { continue }
      let constant = graph.constants[id]!
      if case .panels(let panels) = constant.storage, groups == [panels.layout.groups] { continue }
      func decline(_ reason: String) { report.declined.append("\(graph[id].name): \(reason)") }
      if uses.others.contains(id) {
        decline("it is used as something else than a weight too")
      } else if groups.count > 1 {
        decline("it is used in products of different groups")
      } else if let panels = constant.storage.arranged(groups: groups.first!) {
        if panels.layout.storedCount > ArrangePanels.growthLimit * constant.count {
          decline("panels would take \(panels.layout.storedCount) numbers for \(constant.count)")
        } else {
          graph.replaceConstant(id, with: Constant(.panels(panels), provenance: constant.provenance))
          report.changes.append("\(graph[id].name): in panels")
        }
      } else {
        decline("\(constant.dataType.rawValue) \(constant.shape) cannot lie in panels")
      }
    }
    return report
  }

  /// What constants are used as.
  private struct Uses {
    /// The groups of the products whose weight a value is.
    var groups: [ValueID: Set<Int>] = [:]
    /// Values that are something else too.
    var others: Set<ValueID>

    init(_ graph: Graph) {
      others = Set((graph.outputs + graph.states).map(\.value))
      for node in graph.nodes {
        for (index, input) in node.inputs.enumerated() {
          guard let input else { continue }
          if index == 1, let count = node.op.weightGroups {
            groups[input, default: []].insert(count)
          } else {
            others.insert(input)
          }
        }
      }
    }
  }
}

extension Constant.Storage {
  /// The same elements in panels; nil for a type or shape that cannot be.
  fileprivate func arranged(groups: Int) -> PanelTensor? {
    switch self {
    case .rowMajor(let tensor): PanelTensor(arranging: tensor, groups: groups)
    case .derived(let tensor): PanelTensor(arranging: tensor, groups: groups)
    case .panels: PanelTensor(arranging: rowMajor, groups: groups)
    }
  }
}

extension Operator {
  /// In how many groups the operator multiplies by its second input; nil where it is no product with a weight.
  fileprivate var weightGroups: Int? {
    switch self {
    case .linear: 1
    case .conv(let op): op.groups
    case .attention, .layerNormalization, .groupNormalization, .gelu, .unary, .binary, .reduce, .slice, .reshape,
      .matMul,
      .softmax, .transpose, .cast, .select, .shapeOf, .reshapeTo, .stridedSlice, .expand, .gather, .scatter, .concat,
      .arange, .pad, .tile:
      nil
    }
  }
}
