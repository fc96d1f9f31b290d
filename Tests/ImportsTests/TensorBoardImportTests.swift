// Event files that tensorboardX wrote, compared value by value with what was written, and what comes
// of them when they are cut short or damaged.

import Experiments
import Foundation
import Imports
import Testing

@Suite struct TensorBoardImportTests {
  private static func logs(
    _ path: String, _ options: ImportOptions = ImportOptions()
  ) throws -> TensorBoardLogs {
    try TensorBoardLogs(path, absolutePath: path, options: options)
  }

  @Test func readsBothFormsOfScalars() throws {
    let found = try Collected(Self.logs(Fixture.path("tensorboard")))
    let expected = try #require(try Fixture.json("tensorboard.json").objectValue)
    #expect(Set(found.runs.values.compactMap(\.run.name)) == Set(expected.keys))
    for (name, series) in expected {
      let run = try found.run(named: name)
      for (key, points) in try #require(series.objectValue) {
        let points = try #require(points.arrayValue).map { point in
          let parts = try #require(point.arrayValue)
          return [
            "\(try #require(parts[0].intValue))", "\(try #require(parts[1].intValue))",
            try #require(parts[2].metricText),
          ]
        }
        #expect(run.points[key] == points, "\(key) of \(name)")
      }
    }
  }

  @Test func readsHyperparametersAndCountsTheRest() throws {
    let found = try Collected(Self.logs(Fixture.path("tensorboard")))
    let run = try found.run(named: "train")
    #expect(run.params == ["lr": "0.5", "layers": "3", "name": "adam", "big": "true"])
    #expect(run.status == .finished)
    let skipped = found.skipped.map { "\($0.what): \($0.why)" }.sorted()
    #expect(
      skipped == [
        "histogram weights of run train: it is no scalar (once)",
        "text remark/text_summary of run train: it is no scalar (once)",
      ])
  }

  @Test func endsQuietlyWhereTheFileIsCut() throws {
    let name = "tensorboard/validation/deep/events.out.tfevents.1760000000.host.v2"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Fixture.path(name)))
    let whole = try #require(
      try Collected(Self.logs(Fixture.path(name))).only.points["epoch_loss"])
    var lengths: Set<Int> = []
    for count in 0..<bytes.count {
      try Fixture.withFile("events.out.tfevents.1", bytes.prefix(count)) { path in
        let found = try Collected(Self.logs(path))
        let points = try found.only.points["epoch_loss"] ?? []
        #expect(points == Array(whole.prefix(points.count)))
        #expect(found.skipped.isEmpty)
        lengths.insert(points.count)
      }
    }
    #expect(lengths == Set(0..<whole.count))
  }

  @Test func stopsAtDamageAndSaysWhere() throws {
    let name = "tensorboard/validation/deep/events.out.tfevents.1760000000.host.v2"
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixture.path(name))))
    let whole = try #require(
      try Collected(Self.logs(Fixture.path(name))).only.points["epoch_loss"])
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 0x10
      try Fixture.withFile("events.out.tfevents.1", damaged) { path in
        let found = try Collected(Self.logs(path))
        let points = try found.only.points["epoch_loss"] ?? []
        #expect(points.count < whole.count && points == Array(whole.prefix(points.count)))
        let skipped = try #require(found.skipped.first)
        #expect(found.skipped.count == 1 && skipped.why.contains("damaged"))
        #expect(skipped.what.contains("from byte"))
      }
    }
  }

  @Test func knowsARunAgain() throws {
    let path = Fixture.path("tensorboard")
    let first = try Collected(Self.logs(path))
    #expect(first.runs.keys == (try Collected(Self.logs(path))).runs.keys)
    let moved = try Collected(Self.logs(path, ImportOptions(name: "may")))
    #expect(Set(first.runs.keys).isDisjoint(with: moved.runs.keys))
    #expect(moved.runs.values.allSatisfy { $0.run.experiment == "may" })
  }

  @Test func refusesAFolderWithoutEventFiles() {
    #expect(throws: ImportError.self) { try Self.logs(Fixture.path("mlruns")) }
  }
}
