import IR
import Kernels

extension Attention: Evaluation {
  func compute(_ operands: Operands) {
    let (query, key) = (operands.shape(0), operands.shape(1))
    let counts = operands.inputs.count > countsIndex ? operands.integers(countsIndex) : nil
    if let row = counts?.firstIndex(where: { $0 < 1 || $0 > key[1] }) {
      return operands.trouble.report("row \(row) has \(counts![row]) keys; 1 to \(key[1]) can be")
    }
    let bias = alibi.map { DistanceBias(slopes: operands[3], prefix: $0.prefix) }
    for batch in 0..<query[0] {
      let (own, other) = (batch * query[1] * query[2], batch * key[1] * key[2])
      attention(
        query: operands[0] + own, key: operands[1] + other, value: operands[2] + other,
        output: operands.output + own, time: query[1], keys: counts?[batch] ?? key[1], width: query[2], heads: heads,
        scale: scale, bias: bias, workers: operands.workers)
    }
  }
}
