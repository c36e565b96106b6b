import Testing

@Suite struct NormalizationTests {
  @Test(arguments: OperatorCase.all("layer-normalization")) func layersAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
  @Test(arguments: OperatorCase.all("group-normalization")) func groupsAreTorchs(_ golden: OperatorCase) throws {
    try golden.check()
  }
}
