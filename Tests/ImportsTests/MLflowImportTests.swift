// Real stores of MLflow, compared value by value with what MLflow's own client reads from them.

import Experiments
import Foundation
import GRDB
import Imports
import Testing

@Suite struct MLflowImportTests {
  static func source(
    _ name: String, change: (inout MLflowOptions) -> Void = { _ in }
  ) throws -> any ImportSource {
    var options = MLflowOptions(common: ImportOptions())
    change(&options)
    return try MLflowStore.open(Fixture.path(name), options: options) { $0 }
  }

  @Test(arguments: [("mlflow.db", "mlflow-db.json"), ("mlruns", "mlflow-folder.json")])
  func readsWhatItsOwnClientReads(store: String, expected: String) throws {
    let found = try Collected(Self.source(store))
    let expected = try #require(try Fixture.json(expected).objectValue)
    #expect(Set(found.runs.keys.map(\.text)) == Set(expected.keys))
    for (uid, values) in expected {
      let identifier = try #require(Identifier(uid))
      let run = try #require(found.runs[identifier])
      #expect(run.run.name == values["name"]?.stringValue)
      #expect(run.run.experiment == values["experiment"]?.stringValue)
      #expect(run.params == values["params"]?.objectValue?.compactMapValues(\.stringValue))
      let tags = try #require(values["tags"]?.objectValue).compactMapValues(\.stringValue)
      #expect(run.tags.filter { tags[$0.key] != nil } == tags)
      #expect(run.run.note == tags["mlflow.note.content"])
      #expect(run.run.parent?.text == tags["mlflow.parentRunId"])
      #expect(
        run.run.startedAt?.microseconds == values["start"]?.intValue.map { Int64($0) * 1000 })
      #expect(run.endedAt?.microseconds == values["end"]?.intValue.map { Int64($0) * 1000 })
      let statuses: [String: RunStatus] = [
        "FINISHED": .finished, "FAILED": .failed, "KILLED": .cancelled, "RUNNING": .running,
      ]
      #expect(run.status == statuses[values["status"]?.stringValue ?? ""])
      let histories = try #require(values["histories"]?.objectValue)
      #expect(Set(run.points.keys) == Set(histories.keys))
      for (key, history) in histories {
        let points = try #require(history.arrayValue).map { point in
          let parts = try #require(point.arrayValue)
          return [
            "\(try #require(parts[0].intValue))", "\(try #require(parts[1].intValue) * 1000)",
            try #require(parts[2].metricText),
          ]
        }
        #expect(Collected.sorted(run.points[key]) == Collected.sorted(points), "\(key) of \(uid)")
      }
      let artifacts = try #require(values["artifacts"]?.arrayValue).map { item in
        (item.arrayValue?[0].stringValue ?? "", Int64(item.arrayValue?[1].intValue ?? -1))
      }
      #expect(run.artifacts == Dictionary(uniqueKeysWithValues: artifacts))
    }
  }

  @Test(arguments: ["mlflow.db", "mlruns"])
  func givesParentsFirst(store: String) throws {
    let found = try Collected(Self.source(store))
    for (place, uid) in found.order.enumerated() {
      guard let parent = found.runs[uid]?.run.parent else { continue }
      #expect(try #require(found.order.firstIndex(of: parent)) < place)
    }
  }

  @Test(arguments: ["mlflow.db", "mlruns"])
  func leavesDeletedRunsOutUnlessAskedFor(store: String) throws {
    let found = try Collected(Self.source(store))
    #expect(found.skipped.filter { $0.why.contains("deleted in MLflow") }.count == 2)
    let all = try Collected(Self.source(store) { $0.deleted = true })
    #expect(all.runs.count == found.runs.count + 2)
    let deleted = try all.run(named: "deleted")
    #expect(deleted.tags["mlflow.lifecycle_stage"] == "deleted")
    #expect(deleted.points["loss"]?.count == 1)
  }

  @Test func turnsTheDatabasesSubstitutesBackIntoInfinities() throws {
    let plain = try Collected(Self.source("mlflow.db")).run(named: "parent")
    #expect(
      plain.points["infinite"]?.map { $0[2] } == [
        "1.7976931348623157e+308", "-1.7976931348623157e+308",
      ])
    let restored = try Collected(Self.source("mlflow.db") { $0.infinities = true })
      .run(named: "parent")
    #expect(restored.points["infinite"]?.map { $0[2] } == ["Infinity", "-Infinity"])
    let folder = try Collected(Self.source("mlruns")).run(named: "parent")
    #expect(folder.points["infinite"]?.map { $0[2] } == ["Infinity", "-Infinity"])
  }

  @Test(arguments: ["mlflow.db", "mlruns"])
  func passesOverRunsThatHaveNotChanged(store: String) throws {
    let first = try Collected(Self.source(store))
    let again = try Collected(
      Self.source(store), known: first.runs.mapValues { $0.run.signature })
    #expect(again.runs.count == first.runs.count)
    #expect(again.runs.values.allSatisfy { $0.points.isEmpty && $0.artifacts.isEmpty })
    #expect(again.runs.values.allSatisfy { $0.status != nil })
  }

  @Test func readsADatabaseWithoutLaterColumnsAndIndexes() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("mlflow.db")))
    let expected = try Collected(Self.source("mlflow.db"))
    try Fixture.withFile("mlflow.db", bytes) { path in
      try DatabaseQueue(path: path).writeWithoutTransaction { db in
        let indexes = try String.fetchAll(
          db,
          sql: """
            SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'metrics'
              AND sql IS NOT NULL
            """)
        for index in indexes { try db.execute(sql: "DROP INDEX \"\(index)\"") }
        try db.execute(sql: "DROP TABLE inputs; DROP TABLE datasets")
        try db.execute(sql: "ALTER TABLE runs DROP COLUMN name")
      }
      let found = try Collected(
        MLflowStore.open(path, options: MLflowOptions(common: ImportOptions())) { $0 })
      for (uid, run) in expected.runs {
        let old = try #require(found.runs[uid])
        #expect(old.run.name == run.run.name)
        for (key, points) in run.points {
          #expect(Collected.sorted(old.points[key]) == Collected.sorted(points))
        }
      }
    }
  }

  @Test func namesWhatADatabaseLacks() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("mlflow.db")))
    try Fixture.withFile("mlflow.db", bytes) { path in
      try DatabaseQueue(path: path).writeWithoutTransaction { db in
        try db.execute(sql: "ALTER TABLE params RENAME TO parameters")
      }
      #expect(throws: ImportError.schemaUnknown(path: path, missing: "table params")) {
        try MLflowStore.open(path, options: MLflowOptions(common: ImportOptions())) { $0 }
      }
    }
    try Fixture.withFile("mlflow.db", Array("no database at all".utf8)) { path in
      #expect(throws: ImportError.self) {
        try MLflowStore.open(path, options: MLflowOptions(common: ImportOptions())) { $0 }
      }
    }
  }

  @Test func refusesWhatIsElsewhere() {
    #expect(throws: ImportError.self) {
      try MLflowStore.open(
        "postgresql://host/mlflow", options: MLflowOptions(common: ImportOptions())
      ) { $0 }
    }
  }
}
