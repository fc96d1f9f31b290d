// Every row is in exactly one part, parts have their sizes, classes their shares, and the same
// seed gives the same split.

import Experiments
import Testing
import Training

@Suite struct SplitTests {
  /// 0 for the first rows, then 1 and so on.
  private func classes(_ counts: [Int]) -> [Int32] {
    counts.enumerated().flatMap { [Int32](repeating: Int32($0), count: $1) }
  }

  @Test(
    arguments: [
      ([357, 212], 0.15, 0.15), ([100], 0.1, 0.1), ([178, 182, 177, 183, 181], 0.1, 0.15),
      ([1_000, 3, 1], 0.2, 0.2), ([5, 5], 0, 0.3), ([7, 9, 11], 0.33, 0), ([4, 4], 0, 0),
      ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 0.2, 0.3), ([30_000, 30_000], 0.1, 0.1),
    ] as [([Int], Double, Double)], [true, false])
  func everyRowIsInOnePartOfTheRightSize(
    _ given: ([Int], Double, Double), _ stratify: Bool
  ) throws {
    let (counts, validation, test) = given
    let indexes = classes(counts)
    let split = try Split(
      rows: indexes.count, classIndexes: indexes,
      spec: SplitSpec(validation: validation, test: test, stratify: stratify, seed: 5))
    #expect((split.train + split.validation + split.test).sorted() == Array(0..<indexes.count))
    #expect(split.validation.count == Int((Double(indexes.count) * validation).rounded()))
    #expect(split.test.count == Int((Double(indexes.count) * test).rounded()))
    for part in [split.train, split.validation, split.test] {
      #expect(part == part.sorted())
      guard stratify else { continue }
      for (index, count) in counts.enumerated() {
        let share = Double(part.count) * Double(count) / Double(indexes.count)
        let actual = part.count { indexes[$0] == Int32(index) }
        // Two roundings, one per part taken.
        #expect(abs(Double(actual) - share) < 2)
      }
    }
  }

  @Test func theSeedDecides() throws {
    let indexes = classes([60, 40])
    func split(_ seed: Int) throws -> Split {
      try Split(rows: 100, classIndexes: indexes, spec: SplitSpec(seed: seed))
    }
    #expect(try split(1) == split(1))
    #expect(try split(1) != split(2))
    #expect(try split(-1) != split(1))
  }

  @Test func theSplitIsTheSameForeverAndEverywhere() throws {
    let split = try Split(
      rows: 20, classIndexes: nil, spec: SplitSpec(validation: 0.2, test: 0.2, seed: 7))
    #expect(split.validation == [1, 15, 16, 18])
    #expect(split.test == [2, 9, 10, 13])
  }

  @Test func numberingTheClassesOtherwiseChangesNothing() throws {
    let indexes = classes([30, 50, 20])
    let spec = SplitSpec(validation: 0.13, test: 0.27, seed: 4)
    let renumbered = indexes.map { 2 - $0 }
    #expect(
      try Split(rows: 100, classIndexes: indexes, spec: spec)
        == Split(rows: 100, classIndexes: renumbered, spec: spec))
  }

  @Test func rowsAreTakenFromEverywhere() throws {
    let split = try Split(
      rows: 10_000, classIndexes: nil, spec: SplitSpec(validation: 0.1, test: 0.1, seed: 1))
    for part in [split.validation, split.test] {
      for decile in 0..<10 {
        let count = part.count { $0 / 1_000 == decile }
        // 100 expected, standard deviation 9
        #expect((55...145).contains(count))
      }
    }
  }

  @Test func aClassWithoutRowsInAPartIsSaid() throws {
    let rows = (0..<50).map { "\($0),\($0 == 7 ? "rare" : "usual")\n" }.joined()
    let data = try Small.load(
      "a,y\n" + rows, Small.dataset(task: .classification), split: SplitSpec())
    #expect(data.train.classIndexes.count { $0 == 0 } == 1)
    #expect(
      data.warnings == [
        "validation: no row has the class \"rare\"", "test: no row has the class \"rare\"",
      ])
  }
}
