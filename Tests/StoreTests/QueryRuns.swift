// Many runs with all kinds of values, put in quickly, for tests of finding them.

import Experiments
import Foundation
import GRDB
import Store

enum QueryRuns {
  static let kinds = [
    "adam", "sgd", "ADAM", "5", "5.0", "a longer text than forty characters is cut off",
  ]

  static func fill(_ test: TestStore, count: Int, seed: UInt64) async throws {
    var random = SeededGenerator(state: seed)
    let rates: [Double?] = [nil, 0.125, 0.5] + (0..<20).map { Double($0) / 20 }
    let values: [Double?] = [nil, .nan, .infinity, -.infinity, 0.5, 0.5, 1]
    var points: [(run: Int64, points: [MetricPoint])] = []
    var rows: [Row] = []
    for id in 1...Int64(count) {
      var row = Row(id: id)
      row.status = ["finished", "failed", "running"].randomElement(using: &random) ?? ""
      row.seed = Int64.random(in: 0..<5, using: &random)
      row.isDeleted = Int.random(in: 0..<20, using: &random) == 0
      row.started = Bool.random(using: &random) ? id * 60_000_000 : nil
      row.ended = row.started.map { $0 + Int64.random(in: 1...1_000, using: &random) * 1_000_000 }
      if Int.random(in: 0..<8, using: &random) > 0 {
        row.params["kind"] = kinds.randomElement(using: &random)
      }
      if id == 9 { row.params["kind"] = "rare" }
      if let rate = rates.randomElement(using: &random) ?? nil { row.params["lr"] = "\(rate)" }
      if Bool.random(using: &random) {
        row.tags["team"] = ["blue", "Blue", "green", ""].randomElement(using: &random)
      }
      if id == 11 { row.tags["team"] = "rare" }
      rows.append(row)
      var own: [MetricPoint] = []
      for key in ["f1", "loss"] {
        for step in 0..<Int64.random(in: 0...3, using: &random) {
          let value =
            Bool.random(using: &random)
            ? values.randomElement(using: &random) ?? nil
            : Double.random(in: 0..<1, using: &random)
          if let value { own.append(test.point(key, step, value)) }
        }
      }
      points.append((id, own))
    }
    try await test.store.write { [rows] db, _ in
      for row in rows { try row.insert(db) }
    }
    for (run, own) in points { try await test.store.appendMetrics(run: run, own) }
    // Last: a deleted run takes no points.
    try await test.store.write { [rows] db, _ in
      for row in rows where row.isDeleted {
        try db.execute(sql: "UPDATE runs SET deleted_at = 1 WHERE id = ?", arguments: [row.id])
      }
    }
  }

  private struct Row: Sendable {
    var id: Int64
    var status = ""
    var seed: Int64 = 0
    var isDeleted = false
    var started: Int64?
    var ended: Int64?
    var params: [String: String] = [:]
    var tags: [String: String] = [:]

    init(id: Int64) { self.id = id }

    func insert(_ db: Database) throws {
      try db.execute(
        sql: """
          INSERT INTO runs (id, uid, experiment_id, name, status, seed, created_at, started_at,
            ended_at) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id, String(format: "%032x", id), "run \(id % 7)", status, seed, id, started, ended,
        ])
      for (key, value) in params {
        try db.execute(
          sql: "INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)",
          arguments: [id, key, value, Double(value)])
      }
      for (key, value) in tags {
        try db.execute(
          sql: "INSERT INTO tags (run_id, key, value) VALUES (?, ?, ?)",
          arguments: [id, key, value])
      }
    }
  }
}
