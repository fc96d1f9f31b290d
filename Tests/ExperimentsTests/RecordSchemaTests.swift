// The records as the wire has them fit the schemas that promise their shape.

import Experiments
import Foundation
import Testing

@Suite struct RecordSchemaTests {
  /// A record as JSON, coded as on the wire.
  private func wire(_ record: some Encodable) throws -> JSONValue {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: MetricValue.positiveInfinity,
      negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    return try JSONDecoder().decode(JSONValue.self, from: try encoder.encode(record))
  }

  /// Valid, with every property of the definition there; the bare record with the required ones only.
  private func check(
    _ name: String, _ definition: String, full: JSONValue, bare: JSONValue
  ) throws {
    let schema = try JSONSchema(named: name)
    let object = definition.isEmpty ? schema.root : schema.target(of: "#/$defs/\(definition)")
    let properties = object["properties"]?.objectValue ?? [:]
    let required = object["required"]?.arrayValue?.map(\.plainText) ?? []
    #expect(Set(properties.keys) == Set(full.objectValue?.keys.map { $0 } ?? []), "\(definition)")
    #expect(Set(required) == Set(bare.objectValue?.keys.map { $0 } ?? []), "\(definition)")
  }

  private var summary: MetricSummary {
    MetricSummary(
      last: .nan, lastStep: 10, lastEpoch: 1, min: -.infinity, max: .infinity, mean: 0.5, count: 2)
  }

  private var fullRun: Run {
    let time = Timestamp(microseconds: 1_790_000_000_000_000)
    return Run(
      id: 12, uid: Identifier(at: time), name: "reference", experiment: "quickstart", jobId: 7,
      parentId: 3, status: .timedOut, seed: 7, createdAt: time, startedAt: time, endedAt: time,
      deletedAt: time, note: "a note", tags: ["team": "blue", "camelCase": "kept"],
      params: ["optimizer.learning_rate": "0.001"],
      metrics: ["val_loss": summary, "stepTime": summary],
      progress: Progress(epoch: 1, epochs: 10, step: 10, steps: 100, samplesPerSecond: .infinity),
      failure: Failure(code: "loss_not_finite", message: "The loss is NaN."),
      cost: Cost(
        wallSeconds: 1.5, trainingSeconds: 1, stepsPerSecond: 2, samplesPerSecond: 3,
        flopsPerStep: 1e6),
      dataset: DatasetInfo(
        name: "d", type: "csv", path: "/a.csv", sha256: String(repeating: "0", count: 64), rows: 10,
        features: 2, classes: ["no", "yes"], trainRows: 8, validationRows: 1, testRows: 1),
      comparabilityKey: "abc", beside: true)
  }

  private var bareRun: Run {
    var run = Run(
      id: 1, uid: Identifier(at: Timestamp(microseconds: 0)), name: "a", experiment: "default",
      jobId: nil, parentId: nil, status: .queued, seed: nil,
      createdAt: Timestamp(microseconds: 0))
    run.cost = nil
    return run
  }

  @Test("run.json")
  func runs() throws {
    let schema = try JSONSchema(named: "run")
    let full = try wire(fullRun)
    let bare = try wire(bareRun)
    #expect(schema.problems(full) == [])
    #expect(schema.problems(bare) == [])
    try check("run", "", full: full, bare: bare)
    for part in ["progress", "failure", "cost", "dataset"] {
      let value = try #require(full[part])
      var least = value.objectValue ?? [:]
      if part == "cost" { least = try wire(Cost()).objectValue ?? [:] }
      if part == "dataset" { least["path"] = nil }
      try check("run", part, full: value, bare: .object(least))
    }
    #expect(full["metrics"]?["stepTime"] != nil, "keys of the user's own are left alone")
    #expect(full["created_at"] == .int(1_790_000_000_000_000))
  }

  @Test("run.json has the states that there are")
  func states() throws {
    let states = try JSONSchema(named: "run").root["properties"]?["status"]?["enum"]?.arrayValue
    #expect(states?.map(\.plainText) == RunStatus.allCases.map(\.rawValue))
  }

  @Test("metric.json")
  func metrics() throws {
    let schema = try JSONSchema(named: "metric")
    let time = Timestamp(microseconds: 5)
    let full = try wire(MetricPoint(key: "loss", step: 10, epoch: 1, time: time, value: .nan))
    let bare = try wire(MetricPoint(key: "loss", step: 10, epoch: nil, time: time, value: 0.5))
    #expect(schema.problems(full) == [])
    #expect(schema.problems(bare) == [])
    #expect(full["value"] == .string("NaN"))
    try check("metric", "point", full: full, bare: bare)
    var least = summary
    least.lastEpoch = nil
    try check("metric", "summary", full: wire(summary), bare: wire(least))
    let inRun = try JSONSchema(named: "run").target(of: "#/$defs/summary")
    #expect(schema.target(of: "#/$defs/summary") == inRun)
  }

  @Test("comparison.json")
  func comparisons() throws {
    func metric(_ relativeChange: Double?, _ deviation: Double?) -> MetricComparison {
      MetricComparison(
        metric: "test_f1", direction: .higher,
        reference: MetricSide(count: 5, mean: 0.87, standardDeviation: deviation),
        candidate: MetricSide(count: 1, mean: .nan, standardDeviation: deviation), change: -0.03,
        relativeChange: relativeChange, tolerance: 0.01, verdict: .notEnoughData, reason: "one run")
    }
    let comparison = Comparison(
      referenceRunIds: [2, 3], candidateRunIds: [7], verdict: .worse,
      metrics: [metric(-0.1, 0.003), metric(nil, nil)],
      differences: [
        CovariateChange(
          name: "params.optimizer.learning_rate", reference: ["0.001"], candidate: ["0.1"])
      ])
    let value = try wire(comparison)
    let schema = try JSONSchema(named: "comparison")
    #expect(schema.problems(value) == [])
    try check("comparison", "", full: value, bare: value)
    let metrics = try #require(value["metrics"]?.arrayValue)
    try check("comparison", "metric", full: metrics[0], bare: metrics[1])
    let sides = try metrics.map { try #require($0["reference"]) }
    try check("comparison", "side", full: sides[0], bare: sides[1])
    let difference = try #require(value["differences"]?.arrayValue?.first)
    try check("comparison", "difference", full: difference, bare: difference)
    let verdicts = schema.target(of: "#/$defs/verdict")["enum"]?.arrayValue?.map(\.plainText)
    #expect(verdicts == Verdict.allCases.map(\.rawValue))
  }

  @Test("error.json")
  func errors() throws {
    let schema = try JSONSchema(named: "error")
    let mistake = try wire(SpecMistake(path: "model.1.units", message: "0 is not …"))
    let full = JSONValue.object([
      "code": .string("spec_invalid"), "message": .string("2 mistakes"), "hint": .string("see …"),
      "field": .string("spec"), "mistakes": .array([mistake]),
    ])
    let bare = JSONValue.object(["code": .string("run_not_found"), "message": .string("no run 9")])
    for error in [full, bare] {
      #expect(schema.problems(.object(["error": error])) == [])
    }
    #expect(!schema.problems(bare).isEmpty)
    #expect(!schema.problems(.object(["error": .object(["code": .string("A b")])])).isEmpty)
    try check("error", "mistake", full: mistake, bare: mistake)
  }

  @Test("the validator finds what is wrong")
  func validator() throws {
    let schema = try JSONSchema(named: "run")
    let run = try wire(fullRun)
    for (path, value) in [
      ("id", JSONValue.string("1")), ("id", .int(0)), ("uid", .string("xyz")),
      ("status", .string("gone")), ("tags", .object(["a": .int(1)])), ("created_at", .number(1.5)),
      ("metrics", .object(["a": .object([:])])), ("extra", .null), ("progress.extra", .int(1)),
      ("dataset.classes", .array([.int(1)])), ("cost.wall_seconds", .string("soon")),
    ] {
      #expect(schema.problems(try run.setting(path, to: value)).count == 1, "\(path)")
    }
  }
}
