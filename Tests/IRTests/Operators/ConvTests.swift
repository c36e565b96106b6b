import IR
import Tensors
import Testing

@Suite struct ConvTests {
  /// The feature encoder of wav2vec 2.0: kernels and strides as published.
  private static let kernels = [10, 3, 3, 3, 3, 2, 2]
  private static let strides = [5, 2, 2, 2, 2, 2, 2]

  private func encoder() throws -> Graph {
    var graph = Graph()
    var x = graph.addInput("signal", f32(1, "samples", 1))
    for (index, (kernel, stride)) in zip(ConvTests.kernels, ConvTests.strides).enumerated() {
      let w = graph.addConstant("w\(index)", ones([1, 1, kernel]))
      x = try graph.addNode("conv\(index)", .conv(Conv(stride: stride)), [x, w])
    }
    graph.addOutput("features", x)
    return graph
  }

  @Test func framesAreOneInEvery320SamplesFrom400On() throws {
    let graph = try encoder()
    let output = graph.outputs[0].value.index
    for samples in Array(400...2100) + [16_000, 16_001, 79_999, 80_000, 480_000, 9_600_000] {
      // Baevski et al. 2020: a receptive field of 400 samples and a stride of 320.
      let frames = (samples - 400) / 320 + 1
      let types = try graph.inferTypes([f32(1, .fixed(samples), 1)])
      #expect(types[output] == f32(1, .fixed(frames), 1), "\(samples) samples")
    }
    for samples in [0, 1, 9, 10, 100, 399] {
      let error = #expect(throws: GraphError.self) { try graph.inferTypes([f32(1, .fixed(samples), 1)]) }
      #expect(error?.place.hasPrefix("conv") == true && error?.what.contains("frames") == true)
    }
  }

  @Test func anEvenKernelAndASliceGiveBackTheSameLength() throws {
    let even = Conv(paddingBefore: 64, paddingAfter: 64, groups: 16)
    let longer = try inferred(.conv(even), f32("batch", "time", 32), f32(32, 2, 128), f32(32))
    #expect(longer == f32("batch", .symbolic("time", offset: 1), 32))
    #expect(try inferred(.slice(Slice(axis: 1, dropLast: 1)), longer) == f32("batch", "time", 32))
    let odd = Conv(paddingBefore: 63, paddingAfter: 63, groups: 16)
    #expect(try inferred(.conv(odd), f32("batch", "time", 32), f32(32, 2, 127)) == f32("batch", "time", 32))
  }

  @Test func stridesMakeNewLengthsThatAreEqualWhenMadeAlike() throws {
    let (x, w) = (f32(1, "time", 4), f32(4, 4, 3))
    let a = try inferred(.conv(Conv(stride: 2)), x, w)
    #expect(a == (try inferred(.conv(Conv(stride: 2)), x, w)))
    #expect(a != (try inferred(.conv(Conv(stride: 3)), x, w)))
    #expect(a != (try inferred(.conv(Conv(stride: 2, paddingBefore: 1)), x, w)))
    #expect(try inferred(.conv(Conv(stride: 2, dilation: 3)), f32(1, 12, 4), w) == f32(1, 3, 4))
  }

  @Test func refusalsSayWhatIsNeeded() {
    let (x, w) = (f32(1, "time", 8), f32(6, 4, 3))
    #expect(refusal(.conv(Conv()), x, w).contains("[out, in / groups, kernel]"))
    #expect(refusal(.conv(Conv(groups: 2)), x, w, f32(5)) == "bias? needs the shape [6], found [5]")
    #expect(refusal(.conv(Conv(groups: 4)), x, f32(6, 2, 3)).contains("do not fit 4 groups"))
    #expect(refusal(.conv(Conv(groups: 2)), f32(1, 2, 8), w) == "2 frames are fewer than the kernel's 3")
    #expect(refusal(.conv(Conv(dilation: 5, groups: 2)), f32(1, 10, 8), w).contains("kernel's 11"))
    #expect(refusal(.conv(Conv()), f32("time", 8), w).contains("x needs 3 axes"))
    #expect(refusal(.conv(Conv()), x, f32(6, 8)).contains("weight needs 3 axes"))
    #expect(refusal(.conv(Conv()), x, nil) == "the input weight is missing")
    #expect(refusal(.conv(Conv()), x, w, nil, x).contains("at most 3 inputs"))
    #expect(refusal(.conv(Conv()), f32(1, 9, 0), f32(6, 0, 3)).contains("do not fit"))
    #expect(refusal(.conv(Conv()), f32(1, 9, 4), f32(0, 4, 3)).contains("do not fit"))
    for wrong in [Conv(stride: 0), Conv(paddingBefore: -1), Conv(dilation: 0), Conv(groups: 0), Conv(stride: .max)] {
      #expect(refusal(.conv(wrong), x, w).contains("stride, dilation and groups are 1 to"), "\(wrong)")
    }
  }
}
