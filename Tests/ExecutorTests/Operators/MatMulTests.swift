import Testing

@Suite struct MatMulTests {
  @Test(arguments: OperatorCase.all("mat-mul")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}

@Suite struct SoftmaxTests {
  @Test(arguments: OperatorCase.all("softmax")) func isTorchs(_ golden: OperatorCase) throws { try golden.check() }
}
