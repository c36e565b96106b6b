import Testing

@Suite struct LayoutTests {
  @Test(arguments: OperatorCase.all("slice")) func slicesAreTorchs(_ golden: OperatorCase) throws { try golden.check() }
  @Test(arguments: OperatorCase.all("reshape")) func reshapesAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("transpose")) func axesMoveAsTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
}
