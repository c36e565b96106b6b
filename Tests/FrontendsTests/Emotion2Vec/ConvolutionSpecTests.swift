import Testing

@testable import Frontends

/// Expected lists are Python's own: `eval` of the same texts.
@Suite struct ConvolutionSpecTests {
  func list(_ text: String) throws -> [[Int]] {
    try ConvolutionSpec.list(text).map { [$0.channels, $0.kernel, $0.stride] }
  }

  func refusal(_ text: String) -> String {
    do { return "\(try list(text))" } catch { return "\(error)" }
  }

  @Test(arguments: [
    (
      "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]",
      [[512, 10, 5]] + [[Int]](repeating: [512, 3, 2], count: 4) + [[512, 2, 2], [512, 2, 2]]
    ),
    ("[(1,2,3)]", [[1, 2, 3]]),
    (" [ ( 1 ,2, 3 , ) ,(4,5,6),]\n", [[1, 2, 3], [4, 5, 6]]),
    (
      "2 * [(1,2,3)] + ([(4,5,6)] + [(7,8,9)]) * 2",
      [[1, 2, 3], [1, 2, 3], [4, 5, 6], [7, 8, 9], [4, 5, 6], [7, 8, 9]]
    ),
    ("[(1,2,3)] * 2 * 2 + []", [[Int]](repeating: [1, 2, 3], count: 4)),
  ])
  func lists(_ text: String, _ expected: [[Int]]) throws {
    #expect(try list(text) == expected)
  }

  @Test(arguments: [
    ("", "needs [ at character 1, found the end"),
    ("__import__('os').system('true')", "needs [ at character 1, found \"__import__('os').sys\""),
    ("[(512, 10, 5)] + x", "needs [ at character 18, found \"x\""),
    ("[(512, 10, 5)] - [(1, 1, 1)]", "needs +, * or the end at character 16, found \"- [(1, 1, 1)]\""),
    ("[(512, 10)]", "needs , at character 10, found \")]\""),
    ("[(512, 10, 5, 1)]", "needs ) at character 15, found \"1)]\""),
    ("[(512, -10, 5)]", "needs a number from 1 to 1048576 at character 8, found \"-10, 5)]\""),
    ("[(512, 0, 5)]", "needs a number from 1 to 1048576 at character 8, found \"0, 5)]\""),
    ("[(99999999999999999999, 1, 1)]", "needs a number from 1 to 1048576 at character 3"),
    ("[(1,2,3)] * 0", "needs a number from 1 to 1048576 at character 13, found \"0\""),
    ("[(1,2,3) (1,2,3)]", "needs , or ] at character 10, found \"(1,2,3)]\""),
    ("[(1,2,3)", "needs , or ] at character 9, found the end"),
    ("3", "needs * at character 2, found the end"),
    ("[]", "a list of no convolutions"),
    ("[(1,2,3)] * 65", "limit exceeded: 64 convolutions"),
    ("[(1,2,3)] * 64 + [(1,2,3)]", "limit exceeded: 64 convolutions"),
    ("[(1,2,3)] * 1000000 * 1000000 * 1000000", "limit exceeded: 64 convolutions"),
    (String(repeating: "(", count: 100_000), "needs fewer than 16 brackets in each other at character 18"),
  ])
  func whatElsePythonCouldMeanIsRefused(_ text: String, _ expected: String) {
    #expect(refusal(text).hasPrefix("configuration: " + expected))
  }
}
