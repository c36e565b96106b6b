import Testing

@Suite struct IndexingTests {
  @Test(arguments: OperatorCase.all("gather")) func gathersAsTorch(_ golden: OperatorCase) throws { try golden.check() }
  @Test(arguments: OperatorCase.all("scatter")) func scattersOneAfterTheOther(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("concat")) func joinsAsTorch(_ golden: OperatorCase) throws { try golden.check() }
}
