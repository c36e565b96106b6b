import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory for floats, aligned to cache lines, not set to anything.
public final class Block: @unchecked Sendable {
  /// The first float.
  public let pointer: UnsafeMutablePointer<Float>
  /// The first float, for reading.
  public var contents: UnsafePointer<Float> { UnsafePointer(pointer) }
  /// How many floats there is room for.
  public let capacity: Int

  /// Large blocks are asked for in huge pages: touching new memory page by page would cost as much as computing.
  private static let hugePage = 2 << 20

  /// Allocates room for `capacity` floats.
  public init(capacity: Int) {
    let bytes = max(capacity, 1) * MemoryLayout<Float>.stride
    let alignment = bytes >= Block.hugePage ? Block.hugePage : 64
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
    #if os(Linux)
      if bytes >= Block.hugePage { madvise(memory, bytes, MADV_HUGEPAGE) }
    #endif
    pointer = memory.bindMemory(to: Float.self, capacity: max(capacity, 1))
    self.capacity = capacity
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

/// Blocks that are not in use, kept for the next who needs one.
public final class BlockPool: Sendable {
  private let free = Mutex<[Block]>([])

  /// Starts empty.
  public init() {}

  /// A block for `count` floats: the smallest that fits and is at most twice as large, or a new one.
  ///
  /// Before a new one is made the largest of those that nobody uses go, until they hold at most twice as much together:
  /// what one long run took does not stay for good.
  public func take(_ count: Int) -> Block {
    free.withLock { free in
      let fitting = free.indices.filter { free[$0].capacity >= count && free[$0].capacity <= 2 * max(count, 1024) }
      if let best = fitting.min(by: { free[$0].capacity < free[$1].capacity }) { return free.remove(at: best) }
      let limit = 2 * max(count, BlockPool.smallest)
      var unused = free.reduce(0) { $0 + $1.capacity }
      while unused > limit, let largest = free.indices.max(by: { free[$0].capacity < free[$1].capacity }) {
        unused -= free.remove(at: largest).capacity
      }
      return Block(capacity: count)
    }
  }

  /// Blocks nobody uses may always hold twice so many floats: 32 MiB.
  private static let smallest = 1 << 22

  /// How many floats there is room for in the blocks that nobody uses.
  public var unused: Int { free.withLock { $0.reduce(0) { $0 + $1.capacity } } }

  /// Takes a block back; the caller must not use it any more.
  public func give(back block: Block) { free.withLock { $0.append(block) } }
}

/// How many bytes of memory the machine has.
public func physicalMemory() -> Int {
  let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
  let physical = pages > 0 && size > 0 ? pages * size : .max
  var limit = rlimit()
  #if canImport(Glibc)
    let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
  #else
    let resource = RLIMIT_AS
  #endif
  guard getrlimit(resource, &limit) == 0, limit.rlim_cur < UInt64(Int.max) else { return physical }
  return min(physical, Int(limit.rlim_cur))
}
