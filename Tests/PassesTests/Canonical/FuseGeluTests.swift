import IR
import Tensors
import Testing

@testable import Passes

@Suite struct FuseGeluTests {
  /// x · (one + erf(x / divisor)) · half, the factors in one of three orders.
  private func graph(
    divisor: Float = Float(2).squareRoot(), one: Float = 1, half: Float = 0.5, order: Int = 0, multiplied: Bool = false,
    rank: Int = 0, function: Unary.Function = .erf
  ) throws -> Graph {
    try GraphSketch { g in
      let x = g.input("x", [.symbol("batch"), .symbol("time"), .fixed(4)])
      let d = g.number(multiplied ? 1 / divisor : divisor, rank: rank)
      let inner = try multiplied ? g(.multiply, d, x) : g(.divide, x, d)
      let bell = try g(.add, g(function, inner), g.number(one, rank: rank))
      let h = g.number(half, rank: rank)
      switch order {
      case 0: return try g(.multiply, g(.multiply, x, bell), h)
      case 1: return try g(.multiply, g(.multiply, x, h), bell)
      default: return try g(.multiply, x, g(.multiply, h, bell))
      }
    }.graph
  }

  @Test(arguments: 0..<3, [false, true]) func theExactFormIsOneOperator(_ order: Int, _ multiplied: Bool) throws {
    let before = try graph(order: order, multiplied: multiplied)
    let after = try before.after(FuseGelu())
    #expect(after.nodes.map(\.op) == [.gelu(Gelu())])
    #expect(after.constants.isEmpty)
    #expect(try before.distance(to: after) < 1e-6)
  }

  @Test func otherNumbersAreLeft() throws {
    for divisor in [1.41 as Float, 1.5, 2, 1, -Float(2).squareRoot()] {
      #expect(try graph(divisor: divisor).isLeft(by: FuseGelu()), "\(divisor)")
      #expect(try graph(divisor: divisor, multiplied: true).isLeft(by: FuseGelu()), "\(divisor)")
    }
    for half in [0.25 as Float, 1, -0.5, 0.501] { #expect(try graph(half: half).isLeft(by: FuseGelu()), "\(half)") }
    for one in [-1 as Float, 0.5, 2] { #expect(try graph(one: one).isLeft(by: FuseGelu()), "\(one)") }
    #expect(try graph(function: .tanh).isLeft(by: FuseGelu()))
  }

  /// A number of four axes makes the result one of four axes: no Gelu of three has that.
  @Test func numbersOfMoreAxesThanXAreLeft() throws {
    let before = try graph(rank: 4)
    #expect(try before.distance(to: before.after(FuseGelu())) < 1e-6)
    #expect(try graph(rank: 3).after(FuseGelu()).operators == ["Gelu"])
  }

  @Test func theFormWithTanhIsLeft() throws {
    let graph = try GraphSketch { g in
      let x = g.input("x", [.symbol("time"), .fixed(4)])
      let cube = try g(.multiply, g(.power, x, g.number(3)), g.number(0.044715))
      let inner = try g(.multiply, g(.add, x, cube), g.number(0.7978845608))
      return try g(.multiply, g(.multiply, x, g(.add, g(.tanh, inner), g.number(1))), g.number(0.5))
    }.graph
    #expect(try graph.isLeft(by: FuseGelu()))
  }

  @Test func anotherXOutsideIsLeft() throws {
    let graph = try GraphSketch { g in
      let (x, z) = (g.input("x", [.fixed(4)]), g.input("z", [.fixed(4)]))
      let bell = try g(.add, g(.erf, g(.divide, x, g.number(Float(2).squareRoot()))), g.number(1))
      return try g(.multiply, g(.multiply, z, bell), g.number(0.5))
    }.graph
    #expect(try graph.isLeft(by: FuseGelu()))
  }
}
