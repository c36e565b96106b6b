import Audio
import TestSupport
import Testing

@Suite struct DownmixTests {
  @Test(arguments: [1, 2, 3, 5, 6, 7, 8, 9, 16, 17]) func isTheMean(channels: Int) throws {
    let golden = try Golden.frontend()
    let output = downmix(try golden["downmix.input.\(channels)"].floats, channels: channels)
    #expect(bits(output) == bits(try golden["downmix.numpy.\(channels)"].floats))
    let torch = try golden["downmix.torch.\(channels)"].floats
    if channels <= 3 { #expect(bits(output) == bits(torch)) }
    #expect(worst(output, torch) < 4e-7)
  }

  @Test func framesMustBeWhole() {
    #expect(downmix([1, 2, 3], channels: 2) == [1.5])
    #expect(downmix([1, 2, 3], channels: 4) == [])
    #expect(downmix([1, 2, 3], channels: 0) == [])
    #expect(downmix([1, 2, 3], channels: -1) == [])
    #expect(downmix([], channels: 2) == [])
  }
}
