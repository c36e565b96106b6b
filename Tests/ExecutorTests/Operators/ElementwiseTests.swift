import Testing

@Suite struct ElementwiseTests {
  @Test(arguments: OperatorCase.all("unary")) func unariesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("binary")) func binariesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
}
