import Bytes
import Synchronization
import Tensors

/// Writes a checkpoint as torch's zip archive: a tree of plain data, and tensors read from a source one after the other.
///
/// What `torch.save` writes, `torch.load(weights_only=True)` and `mmap=True` read: a pickle of protocol 2, storages
/// stored and on multiples of 64 bytes, keys in the order of their first use. Tensors of a `SharingTensorSource` that
/// lie in one storage without a gap stay in one, with their strides; every other tensor has a storage of its own, its
/// elements in rows. The same tree, source and archive name give the same bytes on any machine. Torch's records
/// `.format_version` and `.storage_alignment` are left out: with them torch may compute where storages lie by rules of
/// its own writer, which has data descriptors behind them.
public struct PyTorchWriter: Sendable {
  /// A way to write elements as another type: one by one, so that it holds for a storage as for a tensor.
  public struct Conversion: Sendable {
    /// The type that elements of a type are written as.
    public let target: @Sendable (DataType) -> DataType
    /// A tensor's elements as that type; called where it is another one.
    public let apply: @Sendable (Tensor) -> DerivedTensor

    /// Creates a conversion.
    public init(
      target: @escaping @Sendable (DataType) -> DataType, apply: @escaping @Sendable (Tensor) -> DerivedTensor
    ) { (self.target, self.apply) = (target, apply) }
  }

  /// A tensor as it was written.
  public struct Written: Sendable {
    /// Its joined name in the tree.
    public let name: String
    /// Its name in the source.
    public let source: String
    /// What its elements are.
    public let dataType: DataType
    /// The lengths of its axes.
    public let shape: Shape
    /// The number of its storage in the archive.
    public let storage: Int
    /// SHA-256 of its elements in rows, as they were handed to the file; nil unless asked for.
    public let digest: Digest?
  }

  /// What is written.
  public var root: PyTorchValue
  /// Where the tensors are read.
  public let source: any TensorSource
  /// Tensors to write in the place of the source's of the same name; they share nothing.
  public var replacements = NamedTensors()
  /// How elements are written, if not as they are.
  public var conversion: Conversion?

  /// A writer of `root`, whose tensors `source` has.
  public init(_ root: PyTorchValue, from source: any TensorSource) { (self.root, self.source) = (root, source) }

  /// Writes the archive to `file`, which is empty; the caller reads back what it likes, and publishes.
  ///
  /// The archive's folder is called `archive`, by default as the target without its extension, as torch does.
  /// `progress` is called with the share that is written. Errors: a tensor that the source lacks or cannot read, a tree
  /// whose pickle would be larger than our own reader takes, a name with a tensor twice, a full disk.
  public func write(
    to file: FileWriter, archive: String? = nil, digesting: Bool = false,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws(FormatError) -> [Written] {
    let plan = try PyTorchStorages(self)
    let total = Double(max(1, try plan.byteCount()))
    let pickle = try plan.pickle(root)
    let folder = archive ?? PyTorchWriter.archiveName(for: file.target)
    let digests = Mutex<[Int: [Name: Digest]]>([:])
    var waiting: Background<Void>?
    func member(_ number: Int) -> ZipWriter.Member {
      let storage = plan.storages[number]
      return ZipWriter.Member("\(folder)/data/\(number)", size: storage.byteCount) { () throws(FormatError) in
        let bytes = try storage.open()
        // One storage is hashed while it is written: no more than two are open.
        try waiting?.wait()
        if digesting {
          waiting = Background { () throws(FormatError) in
            let made = storage.digests(bytes)
            digests.withLock { $0[number] = made }
          }
        }
        return bytes
      }
    }
    var members = [
      ZipWriter.Member("\(folder)/data.pkl", pickle), ZipWriter.Member("\(folder)/byteorder", Array("little".utf8)),
    ]
    for number in plan.storages.indices { members.append(member(number)) }
    members.append(ZipWriter.Member("\(folder)/version", Array("3\n".utf8)))
    try ZipWriter.write(members, to: file) { progress(min(1, Double($0) / total)) }
    try waiting?.wait()
    let made = digests.withLock { $0 }
    return plan.tensors.map { tensor in
      Written(
        name: tensor.name, source: tensor.source, dataType: tensor.placed.layout.dataType,
        shape: tensor.placed.layout.shape, storage: tensor.placed.storage,
        digest: made[tensor.placed.storage]?[Name(tensor.source)])
    }
  }

  /// What torch calls the folder in a file of that path: the name without its extension, or `archive` where that is
  /// empty or not plain ASCII.
  public static func archiveName(for path: String) -> String {
    let name = splitPath(path).name
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    let isPlain = !stem.isEmpty && stem.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }
    return isPlain ? stem : "archive"
  }
}
