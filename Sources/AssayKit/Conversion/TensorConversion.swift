import Bytes
import Executor
import Formats
import IR
import Kernels
import Synchronization
import Tensors

/// A conversion of whatever holds tensors, of any model or none, to a file of plain tensors.
///
/// Every tensor is written under its joined name, bit for bit unless a type is asked for. The file is read back and
/// compared with the source before it gets its name.
public struct TensorConversion: Sendable {
  /// A file or folder with tensors.
  public var source: String
  /// The file to write: safetensors, or with one of torch's extensions a checkpoint.
  public var target: String
  /// The type that real floating-point tensors of 16 bits and more are cast to: F32, F16 or BF16; nil keeps all types.
  public var dataType: DataType?
  /// Patterns of the names to write; none for all.
  public var only: [Glob] = []
  /// What names that start with it lose.
  public var strip: String?
  /// How many threads read back and compare.
  public var threads = defaultThreads

  /// The extensions of files that torch reads.
  static let torchExtensions = [".pt", ".bin", ".pth", ".ckpt"]

  /// Creates a conversion.
  public init(source: String, target: String) { (self.source, self.target) = (source, target) }

  /// True where a file of that name holds plain tensors, not a model with its graph.
  public static func writes(_ target: String) -> Bool {
    target.hasSuffix(".safetensors") || torchExtensions.contains { target.hasSuffix($0) }
  }

  private var isSafetensors: Bool { target.hasSuffix(".safetensors") }

  /// Reads, writes to a nameless file, reads that back, compares, and only then gives it its name.
  ///
  /// `progress` is called with the share that is done, from 0 to 1.
  public func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> TensorConversionReport {
    guard TensorConversion.writes(target) else { throw Conversion.unknownExtension(target) }
    let writer = try inFile(target) { try FileWriter(target) }
    defer { writer.abandon() }
    let opened = try OpenedTensors(source, threads: threads)
    try WritePlace.check(target, isNoneOf: [source] + opened.files)
    let chosen = try choose(opened.tensors.entries)
    try check(chosen)
    let sharing = opened.tensors as? any SharingTensorSource
    var shared = sharing?.sharedGroups(among: chosen.map(\.entry.name)) ?? []
    let losses = try inFile(source) { try self.losses(chosen, opened.tensors) }
    var notes = opened.notes
    try inFile(target) {
      let shown: @Sendable (Double) -> Void = { progress($0 * 0.7) }
      if isSafetensors {
        try writeSafetensors(chosen, opened, to: writer, progress: shown)
      } else {
        let storages = try writeCheckpoint(chosen, opened, to: writer, progress: shown)
        notes += separated(shared, storages)
        shared = shared.flatMap { group in
          Set(group.compactMap { storages[Name($0)] }).sorted().map { number in
            group.filter { storages[Name($0)] == number }
          }
        }.filter { $0.count > 1 }
      }
      let stored = Background { () throws(FormatError) in try writer.sync() }
      try compare(chosen, opened.tensors, try writer.readBack())
      try stored.wait()
      progress(0.95)
      try writer.publish()
    }
    progress(1)
    let kept = keptAttributes(opened).compactMap { if case .string(let word) = $0.key { Name(word) } else { nil } }
    let names = Dictionary(chosen.map { (Name($0.entry.name), $0.name) }) { first, _ in first }
    return TensorConversionReport(
      target: target, format: isSafetensors ? .safetensors : .pytorchZip, bytes: writer.count, tensors: chosen,
      leftOut: opened.leftOut.filter { !kept.contains(Name($0.name)) },
      shared: shared.map { $0.compactMap { names[Name($0)] } }, losses: losses,
      notes: notes)
  }

  private func writeSafetensors(
    _ chosen: [ChosenTensor], _ opened: OpenedTensors, to writer: FileWriter,
    progress: @escaping @Sendable (Double) -> Void
  ) throws {
    var metadata = opened.metadata
    // transformers reads no safetensors file that does not say whose tensors they are.
    if !metadata.contains(where: { Name($0.name) == Name("format") }) { metadata.append(("format", "pt")) }
    let byName = Dictionary(chosen.map { (Name($0.name), $0) }) { first, _ in first }
    let total = Double(max(1, chosen.reduce(0) { $0 + $1.written.bytes }))
    try SafetensorsWriter.write(chosen.map(\.written), metadata: metadata, to: writer) { (entry) throws(FormatError) in
      progress(min(1, Double(writer.count) / total))
      let tensor = byName[Name(entry.name)]!
      return tensor.isCast
        ? Constant.Storage.derived(try tensor.cast(opened.tensors)).rowMajor
        : try opened.tensors.tensor(tensor.entry.name)
    }
  }

  /// A state dict; the number of each tensor's storage, by the source's name.
  private func writeCheckpoint(
    _ chosen: [ChosenTensor], _ opened: OpenedTensors, to writer: FileWriter,
    progress: @escaping @Sendable (Double) -> Void
  ) throws -> [Name: Int] {
    let items = chosen.map { PyTorchValue.Item(.string($0.name), .tensor($0.entry.name)) }
    var checkpoint = PyTorchWriter(
      .orderedDict(items, attributes: keptAttributes(opened)), from: opened.tensors)
    if let dataType {
      checkpoint.conversion = .init(target: { $0.isFloat ? dataType : $0 }) { FloatCast($0, to: dataType).tensor }
    }
    let written = try checkpoint.write(to: writer, progress: progress)
    return Dictionary(written.map { (Name($0.source), $0.storage) }) { first, _ in first }
  }

  /// A line for each group that is not in one storage any more.
  private func separated(_ groups: [[String]], _ storages: [Name: Int]) -> [String] {
    groups.filter { Set($0.map { storages[Name($0)] }).count > 1 }.map {
      "\(list($0)) share bytes in the source and mean different numbers by them: not all of them are shared any more"
    }
  }

  /// What a state dict says of its modules holds as long as their names do.
  private func keptAttributes(_ opened: OpenedTensors) -> [PyTorchValue.Item] {
    isSafetensors || strip != nil ? [] : opened.attributes
  }

  /// Throws unless the file, read as any reader would, holds the tensors asked for, bit for bit.
  private func compare(
    _ chosen: [ChosenTensor], _ source: any TensorSource, _ region: ByteRegion
  ) throws(FormatError) {
    let file: any TensorSource = isSafetensors ? try SafetensorsFile(region) : try PyTorchCheckpoint(region)
    let (format, entries) = (isSafetensors ? "safetensors" : "pytorch", file.entries)
    guard Set(entries) == Set(chosen.map(\.written)), entries.count == chosen.count else {
      throw FormatError(format, .digestMismatch("what was written does not list the source's tensors"))
    }
    try inParallel(chosen.count, threads: threads) { (number) throws(FormatError) in
      let (tensor, found) = (chosen[number], try file.tensor(chosen[number].name))
      let expected: Constant.Storage =
        tensor.isCast ? .derived(try tensor.cast(source)) : .rowMajor(try source.tensor(tensor.entry.name))
      guard expected.hasSameElements(as: found) else {
        throw FormatError(
          format, .digestMismatch("what was written does not read back as the source's elements"),
          place: [tensor.name])
      }
    }
  }

  /// What narrowing loses, by the name that is written.
  private func losses(
    _ chosen: [ChosenTensor], _ source: any TensorSource
  ) throws(FormatError) -> [(name: String, counts: CastCounts)] {
    let cast = chosen.filter(\.isCast)
    let counts = Mutex([CastCounts](repeating: CastCounts(), count: cast.count))
    try inParallel(cast.count, threads: threads) { (number) throws(FormatError) in
      let lost = FloatCast(try source.tensor(cast[number].entry.name), to: cast[number].dataType).losses
      counts.withLock { $0[number] = lost }
    }
    return zip(cast, counts.withLock { $0 }).map { ($0.name, $1) }.filter { $0.1 != CastCounts() }
  }
}
