import Testing

@Suite struct ReduceTests {
  @Test(arguments: OperatorCase.all("reduce")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
