import IR
import Kernels

extension Attention: Evaluation {
  func compute(_ operands: Operands) {
    let (query, key) = (operands.shape(0), operands.shape(1))
    for batch in 0..<query[0] {
      let (own, other) = (batch * query[1] * query[2], batch * key[1] * key[2])
      attention(
        query: operands[0] + own, key: operands[1] + other, value: operands[2] + other,
        output: operands.output + own, time: query[1], keys: key[1], width: query[2], heads: heads, scale: scale,
        workers: operands.workers)
    }
  }
}
