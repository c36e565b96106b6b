import Kernels
import Testing

@Suite struct MemoryTests {
  @Test func blocksComeBack() {
    let pool = BlockPool()
    let block = pool.take(5000)
    let place = block.pointer
    pool.give(back: block)
    #expect(pool.unused == 5000)
    // Large enough, and at most twice as large.
    #expect(pool.take(3000).pointer == place)
    #expect(pool.unused == 0)
  }

  @Test func whatALongRunTookDoesNotStay() {
    let pool = BlockPool()
    let count = 1 << 22
    for size in [40 * count, 9 * count, count] { pool.give(back: pool.take(size)) }
    // Each was too large for the next, which kept at most twice its own size.
    #expect(pool.unused == count)
    let blocks = (0..<3).map { _ in pool.take(count) }
    for block in blocks { pool.give(back: block) }
    #expect(pool.unused == 3 * count)
  }

  @Test func smallBlocksStay() {
    let pool = BlockPool()
    let blocks = (1...100).map { pool.take($0 * 1000) }
    for block in blocks { pool.give(back: block) }
    let unused = pool.unused
    pool.give(back: pool.take(7_000_000))
    #expect(pool.unused == unused + 7_000_000)
  }
}
