// What the header alone tells before a job is queued.

import Experiments
import Testing

@Suite struct CSVHeaderTests {
  @Test func namesTheColumns() throws {
    let bytes = Array("\u{FEFF}\"a, b\", c ,\"say \"\"x\"\"\"\r\n1,2,3".utf8)
    #expect(try CSVHeader.parse(bytes) == ["a, b", "c", "say \"x\""])
  }

  @Test(
    arguments: [
      ([], "empty"), (Array("\n".utf8), "blank"), (Array("\"a,b\n".utf8), "never closed"),
      ([0xFF, 0xFE, 0x61, 0x00], "UTF-16"), ([0xE9, 0x2C, 0x61, 0x0A], "column 1 is not UTF-8"),
      (Array(repeating: UInt8(ascii: ","), count: 70_000), "65536"),
    ] as [([UInt8], String)])
  func refusesWhatIsNoHeader(_ bytes: [UInt8], _ part: String) throws {
    let error = try #require(throws: SpecMistakes.self) { try CSVHeader.parse(bytes) }
    #expect(error.mistakes.count == 1)
    #expect(error.mistakes.first?.path == "dataset.path")
    #expect(error.mistakes.first?.message.contains(part) == true, "\(error.mistakes)")
  }

  private func mistakes(_ dataset: CSVDataset, _ header: [String]) -> [String] {
    CSVHeader.mistakes(in: dataset, header: header).map { "\($0.path): \($0.message)" }
  }

  @Test func findsNothingWrongWithARightSpec() {
    let dataset = CSVDataset(
      name: "d", path: "d.csv", target: "y", exclude: ["id"], categorical: ["colour"])
    #expect(mistakes(dataset, ["id", "colour", "size", "y"]).isEmpty)
  }

  @Test func findsAllMistakesAtOnce() {
    let dataset = CSVDataset(
      name: "d", path: "/data/d.csv", target: "diagnsis", features: ["radius", "colour"],
      exclude: ["nothing"], categorical: ["id"])
    #expect(
      mistakes(dataset, ["id", "colour", "mean_radius", "diagnosis", "id", ""]) == [
        "dataset.path: columns 1 and 5 are both named \"id\"; each needs its own",
        "dataset.target: \"diagnsis\" is no column of d.csv; did you mean diagnosis?",
        "dataset.features.0: \"radius\" is no column of d.csv, which has id, colour, mean_radius, "
          + "diagnosis, id, ",
        "dataset.exclude.0: \"nothing\" is no column of d.csv, which has id, colour, mean_radius, "
          + "diagnosis, id, ",
        "dataset.categorical.0: \"id\" is not among the features",
      ])
  }

  @Test func aColumnWithoutANameCannotBeAFeatureUnseen() {
    let dataset = CSVDataset(name: "d", path: "d.csv", target: "y")
    #expect(
      mistakes(dataset, ["", "a", "y"]) == [
        "dataset.path: column 1 has no name; name it, or list the features to use"
      ])
    let listed = CSVDataset(name: "d", path: "d.csv", target: "y", features: ["a"])
    #expect(mistakes(listed, ["", "a", "y"]).isEmpty)
  }

  @Test func somethingMustBeLeftToLearnFrom() {
    let dataset = CSVDataset(name: "d", path: "d.csv", target: "y", exclude: ["a"])
    #expect(
      mistakes(dataset, ["a", "y"]) == [
        "dataset.path: no feature column is left beside the target and the excluded ones"
      ])
  }

  @Test func anEvaluationMayLeaveTheTargetToTheRun() {
    let dataset = CSVDataset(name: "d", path: "d.csv", target: "")
    #expect(mistakes(dataset, ["a", "y"]).isEmpty)
  }
}
