import Bytes

/// Names, each given once.
struct ONNXNames {
  private var taken: Set<Name> = []

  /// Takes exactly `name`; false where it is taken already, or empty, which means nothing in ONNX.
  mutating func take(_ name: String) -> Bool { !name.isEmpty && taken.insert(Name(name)).inserted }

  /// `name`, or where it is taken the first of `name_1`, `name_2`, ... that is not.
  mutating func unique(_ name: String) -> String {
    if take(name) { return name }
    var number = 1
    while !take("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }
}
