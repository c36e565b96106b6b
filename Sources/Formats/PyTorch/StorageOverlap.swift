import Tensors

/// Which tensors of one storage have elements in common, and which lie side by side.
struct StorageOverlap {
  /// A tensor in the storage.
  struct Member {
    let layout: StridedLayout
    /// The place from which the layout counts, in bytes.
    let base: Int

    /// The bytes from the first element to the end of the last.
    var range: Range<Int> {
      let (extent, size) = (layout.extent, layout.dataType.size)
      return base + extent.lowerBound * size..<base + extent.upperBound * size
    }
  }

  /// At most so many bytes of a storage are looked at one by one, and `workLimit` elements of all its tensors; beyond,
  /// tensors that reach over each other count as having elements in common.
  static let sizeLimit = 64 << 20
  /// See `sizeLimit`.
  static let workLimit = 256 << 20

  private var parents: [Int]
  private var work = 0

  /// The places of members that are tied together by common elements, each group in order; members alone are left out.
  static func groups(_ members: [Member]) -> [[Int]] {
    var overlap = StorageOverlap(count: members.count)
    for cluster in clusters(members, touching: false) { overlap.join(cluster, members) }
    return overlap.groups(members.indices)
  }

  /// The places of members whose ranges follow each other without a gap, each group in order; members alone are left out.
  static func neighbours(_ members: [Member]) -> [[Int]] {
    var overlap = StorageOverlap(count: members.count)
    for cluster in clusters(members, touching: true) {
      for index in cluster.dropFirst() { overlap.unite(cluster[0], index) }
    }
    return overlap.groups(members.indices)
  }

  /// Members with elements, parted where no range reaches over; nor meets the next one, where `touching` ones belong
  /// together.
  private static func clusters(_ members: [Member], touching: Bool) -> [[Int]] {
    let sorted = members.indices.filter { members[$0].layout.shape.count > 0 }
      .map { (index: $0, range: members[$0].range) }
      .sorted { ($0.range.lowerBound, $0.index) < ($1.range.lowerBound, $1.index) }
    var (clusters, end) = ([[Int]](), 0)
    for (index, range) in sorted {
      if clusters.isEmpty || range.lowerBound > end || range.lowerBound == end && !touching {
        clusters.append([])
        end = range.upperBound
      }
      clusters[clusters.count - 1].append(index)
      end = max(end, range.upperBound)
    }
    return clusters
  }

  private mutating func groups(_ indices: Range<Int>) -> [[Int]] {
    var groups: [Int: [Int]] = [:]
    for index in indices { groups[root(index), default: []].append(index) }
    return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
  }

  private init(count: Int) { parents = Array(0..<count) }

  private mutating func root(_ index: Int) -> Int {
    var index = index
    while parents[index] != index {
      parents[index] = parents[parents[index]]
      index = parents[index]
    }
    return index
  }

  private mutating func unite(_ a: Int, _ b: Int) { parents[max(root(a), root(b))] = min(root(a), root(b)) }

  /// Ties members whose ranges form one without a gap.
  private mutating func join(_ cluster: [Int], _ members: [Member]) {
    guard cluster.count > 1 else { return }
    let ranges = cluster.map { members[$0].range }
    let start = ranges.map(\.lowerBound).min() ?? 0
    let size = (ranges.map(\.upperBound).max() ?? 0) - start
    let layouts = cluster.map { members[$0].layout.withoutRepeats }
    let elements = layouts.reduce(0) { $0.addingReportingOverflow($1.shape.count * $1.dataType.size).partialValue }
    work = work.addingReportingOverflow(elements).partialValue
    let isPlain = layouts.allSatisfy(\.isContiguous)
    guard !isPlain, size <= StorageOverlap.sizeLimit, work >= 0, work <= StorageOverlap.workLimit else {
      for index in cluster.dropFirst() { unite(cluster[0], index) }
      return
    }
    var owners = [Int32](repeating: -1, count: size)
    for (index, layout) in zip(cluster, layouts) {
      let (base, width) = (members[index].base - start, layout.dataType.size)
      layout.forEachRow { first, row, step in
        for number in 0..<row {
          let place = base + (first + number * step) * width
          for byte in place..<place + width {
            if owners[byte] < 0 { owners[byte] = Int32(index) } else { unite(Int(owners[byte]), index) }
          }
        }
      }
    }
  }
}
