import Bytes

/// How far a number may be from what is expected: `absolute + relative × (largest absolute expected value)`.
public struct Tolerance: Hashable, Sendable {
  /// The part that is the same for all tensors.
  public var absolute: Double
  /// The part that grows with the expected tensor's largest number.
  public var relative: Double
  /// Why it is not smaller.
  public var reason: String

  /// Creates a tolerance.
  public init(absolute: Double, relative: Double, reason: String) {
    self.absolute = absolute
    self.relative = relative
    self.reason = reason
  }

  /// The largest difference allowed for a tensor whose largest absolute expected value is `largest`.
  public func limit(largest: Double) -> Double { absolute + relative * largest }

  /// The tolerance as a document holds it.
  public var json: JSON {
    ["absolute": JSON(absolute), "relative": JSON(relative), "reason": JSON(reason)]
  }

  init(_ members: JSONFields) throws(FormatError) {
    var fields = members
    absolute = try fields.double("absolute")
    relative = try fields.double("relative")
    reason = try fields.string("reason")
    guard absolute >= 0, relative >= 0, absolute.isFinite, relative.isFinite else {
      throw fields.error("a tolerance is a number of 0 or more")
    }
    try fields.finish()
  }
}
