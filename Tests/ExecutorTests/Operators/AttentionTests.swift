import Testing

@Suite struct AttentionTests {
  @Test(arguments: OperatorCase.all("attention")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
