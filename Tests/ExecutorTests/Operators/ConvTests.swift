import Testing

@Suite struct ConvTests {
  @Test(arguments: OperatorCase.all("conv")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
