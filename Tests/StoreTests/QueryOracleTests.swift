import Experiments
import Foundation
import Store
import Testing

/// Random expressions over random runs, found by every plan, against an evaluator that looks at one
/// run after another.
@Suite struct QueryOracleTests {
  /// Nil: unknown.
  private typealias Truth = @Sendable (Run, [String: [Int64: Double]]) -> Bool?

  private static let efforts: [(name: String, effort: QueryEffort)] = {
    func effort(_ candidates: Int, _ walked: Int, _ sorted: Int) -> QueryEffort {
      var effort = QueryEffort()
      (effort.candidates, effort.walked, effort.sorted) = (candidates, walked, sorted)
      return effort
    }
    return [
      ("as it is", QueryEffort()), ("candidates", effort(1_000_000, 0, 0)),
      ("walk", effort(-1, .max, 0)), ("sets, walked", effort(-1, 0, -1)),
      ("sets, sorted", effort(-1, 0, .max)),
    ]
  }()

  @Test(arguments: [UInt64(1), 2, 3])
  func everyPlanFindsTheSame(_ seed: UInt64) async throws {
    try await TestStore.with { test in
      try await QueryRuns.fill(test, count: 150, seed: seed)
      let runs = try await test.store.runs(Store.RunQuery(limit: 1000)).items
      var steps: [Int64: [String: [Int64: Double]]] = [:]
      for run in runs {
        for key in run.metrics.keys {
          let points = try await test.store.history(run: run.id, key: key).points
          steps[run.id, default: [:]][key] = Dictionary(
            points.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 })
        }
      }
      var random = SeededGenerator(state: seed &* 77)
      for round in 0..<60 {
        let (text, truth) = Self.expression(depth: 3, &random)
        let expected = runs.filter { truth($0, steps[$0.id] ?? [:]) == true }.map(\.id)
        let order = Self.orders.randomElement(using: &random) ?? []
        var whole: [Int64]?
        for (name, effort) in Self.efforts {
          let comment = "seed \(seed), round \(round), \(name), by \(order): \(text)"
          var query = Store.RunQuery(whereText: text, orderBy: order, limit: 1_000)
          query.effort = effort
          let found = try await test.store.runs(query).items.map(\.id)
          #expect(found.sorted() == expected.sorted(), "\(comment)")
          if let whole { #expect(found == whole, "\(comment)") }
          whole = found
          #expect(try await test.store.count(query) == expected.count, "\(comment)")
          query.limit = [1, 7, 50].randomElement(using: &random) ?? 1
          var pages: [Int64] = []
          repeat {
            let page = try await test.store.runs(query)
            pages += page.items.map(\.id)
            query.cursor = page.next
          } while query.cursor != nil
          #expect(pages == found, "in pages of \(query.limit): \(comment)")
        }
      }
    }
  }

  private static let orders: [[String]] = [
    [], ["metrics.f1"], ["-metrics.f1"], ["metrics.loss", "-metrics.f1"],
    ["-metrics.loss", "params.kind", "name"], ["params.lr"], ["-params.kind", "metrics.f1"],
    ["max(metrics.f1)"], ["-started"], ["name", "-seed"], ["tags.team desc"],
  ]

  // MARK: Expressions

  private static func expression(
    depth: Int, _ random: inout SeededGenerator
  ) -> (String, Truth) {
    switch depth == 0 ? 9 : Int.random(in: 0..<10, using: &random) {
    case 0, 1:
      let (text, truth) = expression(depth: depth - 1, &random)
      return ("not (\(text))", { run, steps in truth(run, steps).map { !$0 } })
    case 2, 3, 4:
      let parts = (0..<2).map { _ in expression(depth: depth - 1, &random) }
      return (
        parts.map { "(\($0.0))" }.joined(separator: " and "),
        { run, steps in
          let truths = parts.map { $0.1(run, steps) }
          return truths.contains(false) ? false : truths.contains(nil) ? nil : true
        }
      )
    case 5, 6:
      let parts = (0..<2).map { _ in expression(depth: depth - 1, &random) }
      return (
        parts.map { "(\($0.0))" }.joined(separator: " or "),
        { run, steps in
          let truths = parts.map { $0.1(run, steps) }
          return truths.contains(true) ? true : truths.contains(nil) ? nil : false
        }
      )
    default: return comparison(&random)
    }
  }

  private static func comparison(_ random: inout SeededGenerator) -> (String, Truth) {
    let signs = ["=", "!=", "<", "<=", ">", ">="]
    let sign = signs.randomElement(using: &random) ?? "="
    let numbers: [Double] = [0, 0.5, 1, 0.125, 0.3, 5]
    let number = numbers.randomElement(using: &random) ?? 0
    let key = ["f1", "loss", "nothing"].randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<14, using: &random) {
    case 0, 1, 2:
      let truth: Truth = { run, _ in holds(run.metrics[key]?.last, sign, number) }
      return ("metrics.\(key) \(sign) \(number)", truth)
    case 3:
      let truth: Truth = { run, _ in holds(run.metrics[key]?.min, sign, number) }
      return ("min(metrics.\(key)) \(sign) \(number)", truth)
    case 4:
      let truth: Truth = { run, _ in holds(run.metrics[key]?.mean, sign, number) }
      return ("mean(metrics.\(key)) \(sign) \(number)", truth)
    case 5:
      let truth: Truth = { _, steps in holds(steps[key]?[1], sign, number) }
      return ("metrics.\(key)[1] \(sign) \(number)", truth)
    case 6:
      let truth: Truth = { run, _ in run.metrics[key] == nil }
      return ("metrics.\(key) is null", truth)
    case 7:
      let truth: Truth = { run, _ in
        holds(run.params["lr"].flatMap { Double($0) }, sign, number)
      }
      return ("params.lr \(sign) \(number)", truth)
    case 8:
      let kind = QueryRuns.kinds.randomElement(using: &random) ?? ""
      let isEqual = Bool.random(using: &random)
      let truth: Truth = { run, _ in run.params["kind"].map { ($0 == kind) == isEqual } }
      return ("params.kind \(isEqual ? "=" : "!=") '\(kind)'", truth)
    case 9:
      let truth: Truth = { run, _ in
        run.params["kind"].map { ["adam", "5", "5.0", QueryRuns.kinds[5]].contains($0) }
      }
      return ("params.kind in ('adam', 5, '\(QueryRuns.kinds[5])')", truth)
    case 10:
      let truth: Truth = { run, _ in run.params["kind"].map { Double($0) != 5 } }
      return ("params.kind != 5", truth)
    case 11:
      let truth: Truth = { run, _ in run.tags["team"].map { $0.hasPrefix("B") } }
      return ("tags.team like 'B%'", truth)
    case 12:
      let truth: Truth = { run, _ in run.tags["team"].map { $0.lowercased().hasPrefix("b") } }
      return ("tags.team =~ '(?i)^b'", truth)
    default: return attribute(&random)
    }
  }

  private static func attribute(_ random: inout SeededGenerator) -> (String, Truth) {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return ("status = 'failed'", { run, _ in run.status == .failed })
    case 1: return ("seed >= 3", { run, _ in run.seed.map { $0 >= 3 } })
    case 2: return ("tags.team is not null", { run, _ in run.tags["team"] != nil })
    case 3: return ("params.kind is null", { run, _ in run.params["kind"] == nil })
    case 4: return ("id < 40", { run, _ in run.id < 40 })
    default:
      let truth: Truth = { run, _ in
        guard let started = run.startedAt, let ended = run.endedAt else { return nil }
        return ended.seconds(since: started) > 500
      }
      return ("duration > 500", truth)
    }
  }

  private static func holds(_ value: Double?, _ sign: String, _ other: Double) -> Bool? {
    guard let value, !value.isNaN else { return nil }
    switch sign {
    case "=": return value == other
    case "!=": return value != other
    case "<": return value < other
    case "<=": return value <= other
    case ">": return value > other
    default: return value >= other
    }
  }
}
