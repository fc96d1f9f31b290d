// The runs that queries are measured on, their questions, and the right answers: the same numbers
// that go into the store stay here to be filtered one by one.
import Experiments
import Foundation
import GRDB
import Store

struct QueryStore: Sendable {
  struct Question: Sendable {
    let expression: String
    let order: String
    let holds: @Sendable (QueryStore, Int) -> Bool
    let key: @Sendable (QueryStore, Int) -> Double

    var path: String {
      let unreserved = CharacterSet.alphanumerics
      func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
      }
      return "/api/v1/runs?limit=100&where=\(encoded(expression))&order_by=\(encoded(order))"
    }
  }

  static let optimizers = ["adam", "sgd", "rmsprop", "adagrad"]
  static let metrics = ["loss", "accuracy", "val_loss", "val_accuracy", "val_f1"]

  let runs: Int
  let epochs: Int
  /// By run, from 0; a run's number is one more.
  private let values: [[Double]]

  init(runs: Int, epochs: Int) {
    self.runs = runs
    self.epochs = epochs
    values = (0..<runs).map { run in
      Self.metrics.indices.map { Self.noise(run, $0) }
    }
  }

  /// Of the last epoch.
  func last(_ metric: Int, _ run: Int) -> Double { values[run][metric] }
  func optimizer(_ run: Int) -> String { Self.optimizers[Int(Self.noise(run, 20) * 4)] }
  func rate(_ run: Int) -> Double { Double(1 + Int(Self.noise(run, 21) * 1_000)) / 10_000 }
  func units(_ run: Int) -> Int { 16 << Int(Self.noise(run, 22) * 5) }
  func team(_ run: Int) -> String { "team-\(Int(Self.noise(run, 23) * 50))" }

  /// From 0 to 1, the same for the same run and purpose (SplitMix64).
  private static func noise(_ run: Int, _ purpose: Int) -> Double {
    var z = UInt64(run) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(purpose) &* 0xD1B5_4A32_D192_ED03
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53)
  }

  /// From conditions that most runs fulfil to one that hardly any does, and the hard case: several
  /// that each hold for many and together for few.
  static let questions: [Question] = [
    Question(
      expression: "metrics.val_f1 > 0.5", order: "-metrics.val_f1",
      holds: { $0.last(4, $1) > 0.5 }, key: { -$0.last(4, $1) }),
    Question(
      expression: "metrics.loss > 0.5", order: "-metrics.val_f1",
      holds: { $0.last(0, $1) > 0.5 }, key: { -$0.last(4, $1) }),
    Question(
      expression: "params.optimizer = 'adam' and metrics.val_f1 > 0.3", order: "metrics.val_loss",
      holds: { $0.optimizer($1) == "adam" && $0.last(4, $1) > 0.3 }, key: { $0.last(2, $1) }),
    Question(
      expression: "params.learning_rate < 0.01 and params.optimizer in ('sgd', 'rmsprop')",
      order: "-metrics.accuracy",
      holds: { $0.rate($1) < 0.01 && ["sgd", "rmsprop"].contains($0.optimizer($1)) },
      key: { -$0.last(1, $1) }),
    Question(
      expression: "params.learning_rate = 0.05", order: "metrics.loss",
      holds: { $0.rate($1) == 0.05 }, key: { $0.last(0, $1) }),
    Question(
      expression: "tags.team = 'team-7' and metrics.val_accuracy >= 0.2",
      order: "-metrics.val_accuracy",
      holds: { $0.team($1) == "team-7" && $0.last(3, $1) >= 0.2 }, key: { -$0.last(3, $1) }),
    Question(
      expression: "metrics.val_f1 > 0.99 or metrics.loss < 0.005", order: "metrics.loss",
      holds: { $0.last(4, $1) > 0.99 || $0.last(0, $1) < 0.005 }, key: { $0.last(0, $1) }),
    Question(
      expression: "params.units = 64 and not params.optimizer like 'a%'", order: "metrics.val_loss",
      holds: { $0.units($1) == 64 && !$0.optimizer($1).hasPrefix("a") },
      key: { $0.last(2, $1) }),
    Question(
      expression: "metrics.loss < 0.2 and metrics.accuracy < 0.2 and metrics.val_loss < 0.2",
      order: "-metrics.val_f1",
      holds: { $0.last(0, $1) < 0.2 && $0.last(1, $1) < 0.2 && $0.last(2, $1) < 0.2 },
      key: { -$0.last(4, $1) }),
    Question(
      expression: "status = 'finished' and started > '2026-01-01'", order: "-metrics.accuracy",
      holds: { _, _ in true }, key: { -$0.last(1, $1) }),
  ]

  /// The numbers of the runs, in order.
  func answer(_ question: Question) -> [Int64] {
    (0..<runs).filter { question.holds(self, $0) }
      .sorted { (question.key(self, $0), $1) < (question.key(self, $1), $0) }
      .map { Int64($0 + 1) }
  }

  // MARK: Filling

  private static let start = Timestamp(microseconds: 1_780_000_000_000_000)

  func fill(folder: String) async throws {
    let store = try Store(folder: folder, clock: .system)
    for first in stride(from: 0, to: runs, by: 1_000) {
      let part = first..<min(first + 1_000, runs)
      // Runs as finished jobs leave them, without the jobs.
      try await store.write { db, _ in
        for run in part { try insert(run, db) }
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Eight at a time, so that their commits are grouped.
      for lane in 0..<8 {
        group.addTask {
          for run in stride(from: lane, to: runs, by: 8) {
            try await store.appendMetrics(run: Int64(run + 1), points(run))
          }
        }
      }
      try await group.waitForAll()
    }
    await store.close()
  }

  private func insert(_ run: Int, _ db: Database) throws {
    let begin = Self.start.adding(seconds: Double(run)).microseconds
    try db.cachedStatement(
      sql: """
        INSERT INTO runs (id, uid, experiment_id, name, status, seed, created_at, started_at,
          ended_at, cost) VALUES (?, ?, 0, ?, 'finished', ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      run + 1, Identifier(at: Timestamp(microseconds: begin)).text, "run-\(run)", run, begin,
      begin + 1, begin + 100_000_000,
      """
      {"cpu_system_seconds":0.5,"cpu_user_seconds":99.25,"peak_rss_bytes":104857600,\
      "read_bytes":4096,"wall_seconds":100,"written_bytes":8192}
      """,
    ])
    let params: [(String, String, Double?)] = [
      ("optimizer", optimizer(run), nil), ("learning_rate", "\(rate(run))", rate(run)),
      ("units", "\(units(run))", Double(units(run))), ("epochs", "100", 100),
      ("batch_size", "32", 32), ("activation", "relu", nil), ("dropout", "0.1", 0.1),
      ("standardize", "true", nil), ("dataset", "digits", nil), ("shuffle", "true", nil),
    ]
    for (key, value, number) in params {
      try db.cachedStatement(
        sql: "INSERT INTO params (run_id, key, value, number) VALUES (?, ?, ?, ?)"
      ).execute(arguments: [run + 1, key, value, number])
    }
    try db.cachedStatement(sql: "INSERT INTO tags (run_id, key, value) VALUES (?, 'team', ?)")
      .execute(arguments: [run + 1, team(run)])
  }

  private func points(_ run: Int) -> [MetricPoint] {
    let begin = Self.start.adding(seconds: Double(run))
    return (1...epochs).flatMap { epoch in
      Self.metrics.enumerated().map { index, key in
        let isLast = epoch == epochs
        return MetricPoint(
          key: key, step: Int64(epoch * 100), epoch: Int64(epoch),
          time: begin.adding(seconds: Double(epoch)),
          value: isLast
            ? last(index, run) : last(index, run) + Double(epochs - epoch) / Double(epochs))
      }
    }
  }
}
