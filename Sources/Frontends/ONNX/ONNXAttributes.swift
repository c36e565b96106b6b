import Bytes
import Formats

/// The attributes of a node; what is read is ticked off, so that one that nobody knows is seen.
struct ONNXAttributes {
  private let all: [ONNXAttribute]
  private var read: Set<Name> = []
  private var wrong: [String] = []

  init(_ attributes: [ONNXAttribute]) { all = attributes }

  /// Attributes that nobody asked for, or that are of another kind than was asked for.
  var unread: [String] { wrong + all.map(\.name).filter { !read.contains(Name($0)) } }

  private mutating func take<T>(_ name: String, _ get: (ONNXAttribute.Value) -> T?) -> T? {
    guard let attribute = all.first(where: { Name($0.name) == Name(name) }) else { return nil }
    read.insert(Name(name))
    let value = get(attribute.value)
    if value == nil { wrong.append(name) }
    return value
  }

  mutating func optionalInt(_ name: String) -> Int? {
    take(name) { if case .int(let value) = $0 { value } else { nil } }
  }

  mutating func int(_ name: String, _ standard: Int) -> Int { optionalInt(name) ?? standard }

  mutating func flag(_ name: String, _ standard: Bool = false) -> Bool { int(name, standard ? 1 : 0) != 0 }

  mutating func optionalFloat(_ name: String) -> Float? {
    take(name) { if case .float(let value) = $0 { value } else { nil } }
  }

  mutating func float(_ name: String, _ standard: Float) -> Float { optionalFloat(name) ?? standard }

  mutating func string(_ name: String, _ standard: String) -> String {
    take(name) { if case .string(let view) = $0 { String(decoding: view.array, as: UTF8.self) } else { nil } }
      ?? standard
  }

  /// An empty list may be written as any list.
  mutating func ints(_ name: String) -> [Int]? {
    take(name) {
      if case .ints(let values) = $0 { values } else if case .floats(let none) = $0, none.isEmpty { [] } else { nil }
    }
  }

  mutating func floats(_ name: String) -> [Float]? {
    take(name) {
      if case .floats(let values) = $0 { values } else if case .ints(let none) = $0, none.isEmpty { [] } else { nil }
    }
  }

  mutating func tensor(_ name: String) -> ONNXTensor? {
    take(name) { if case .tensor(let value) = $0 { value } else { nil } }
  }
}
