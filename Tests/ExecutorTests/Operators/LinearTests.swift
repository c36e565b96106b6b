import Testing

@Suite struct LinearTests {
  @Test(arguments: OperatorCase.all("linear")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
