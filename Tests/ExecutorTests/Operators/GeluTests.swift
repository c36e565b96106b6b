import Testing

@Suite struct GeluTests {
  @Test(arguments: OperatorCase.all("gelu")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
