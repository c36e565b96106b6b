import Bytes
import Tensors

/// Tensors of one type that lie in one storage without a gap between them, and that storage.
public struct SharedStorage: Sendable {
  /// What the elements are.
  public let dataType: DataType
  /// How many elements the storage has, from the first that a tensor reaches to the last.
  public let count: Int
  /// The tensors' names and where their elements lie in the storage.
  public let tensors: [(name: String, layout: StridedLayout)]

  let load: @Sendable () throws(FormatError) -> ByteView

  /// The storage's elements; what no tensor reaches is zero.
  public func tensor() throws(FormatError) -> Tensor { Tensor(dataType, [count], bytes: try load()) }
}

/// A file that says which of its tensors share elements.
public protocol SharingTensorSource: TensorSource {
  /// The tensors among `names` that have elements in common, group by group, in the order of `names`.
  func sharedGroups(among names: [String]) -> [[String]]

  /// Storages for those of `names` that stay shared: tensors of one storage and type, without a gap between them, whose
  /// elements mean what they are. What is in none stands by itself.
  func sharedStorages(among names: [String]) -> [SharedStorage]
}

extension ShardedCheckpoint: SharingTensorSource {
  /// The groups of each shard; no two shards share anything.
  public func sharedGroups(among names: [String]) -> [[String]] {
    perShard(names) { $0.sharedGroups(among: $1) }
  }

  /// The storages of each shard.
  public func sharedStorages(among names: [String]) -> [SharedStorage] {
    perShard(names) { $0.sharedStorages(among: $1) }
  }

  private func perShard<Group>(_ names: [String], _ groups: (any SharingTensorSource, [String]) -> [Group]) -> [Group] {
    var byShard: [Name: [String]] = [:]
    for name in names { if let shard = shard(of: name) { byShard[Name(shard), default: []].append(name) } }
    return byShard.keys.sorted().flatMap { shard in
      (source(of: shard) as? any SharingTensorSource).map { groups($0, byShard[shard] ?? []) } ?? []
    }
  }
}
