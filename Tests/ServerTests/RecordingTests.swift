// Runs that someone else does, through the daemon's door: opening, params, metrics in every form, end.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct RecordingTests {
  private static let uid = Identifier(at: Timestamp(microseconds: 1_800_000_000_000_000))

  @Test func aRunIsOpenedOnceAndEndedOnce() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let parent = try await client.openRun(OpenRun())
      #expect(parent.name == "run" && parent.experiment == "default" && parent.status == .running)
      #expect(parent.createdAt == daemon.clock.now && parent.startedAt == daemon.clock.now)
      let opening = OpenRun(
        uid: Self.uid, name: "mine", experiment: "flowers",
        createdAt: Timestamp(microseconds: 1_700_000_000_000_000),
        params: ["lr": .number(0.5), "n": .int(3), "on": .bool(true), "text": .string("NaN")],
        tags: ["host": "laptop"], parent: "@latest", seed: 7, note: "by hand")
      let run = try await client.openRun(opening)
      #expect(run.uid == Self.uid && run.name == "mine" && run.experiment == "flowers")
      #expect(run.params == ["lr": "0.5", "n": "3", "on": "true", "text": "NaN"])
      #expect(run.tags == ["host": "laptop"] && run.parentId == parent.id && run.seed == 7)
      #expect(run.jobId == nil && run.note == "by hand")
      #expect(run.createdAt.microseconds == 1_700_000_000_000_000)
      #expect(run.startedAt == run.createdAt)
      // The same again: as it is, with what is new.
      var again = opening
      again.name = "other"
      again.params = ["lr": .number(0.5), "more": .int(1)]
      again.tags = ["host": "elsewhere", "x": "y"]
      let same = try await client.openRun(again)
      #expect(same.id == run.id && same.name == "mine" && same.params["more"] == "1")
      #expect(same.tags == ["host": "laptop", "x": "y"])
      again.params = ["lr": .number(0.25)]
      await client.expectFailure("param_conflict") { [again] in _ = try await $0.openRun(again) }

      let ended = try await client.endRun(
        "\(run.id)", EndRun(status: .failed, endedAt: daemon.clock.now))
      #expect(ended.status == .failed && ended.endedAt == daemon.clock.now)
      daemon.clock.advance(seconds: 5)
      #expect(try await client.endRun("\(run.id)", EndRun(status: .failed)) == ended)
      await client.expectFailure("conflict") {
        try await $0.endRun("\(run.id)", EndRun(status: .finished))
      }
      await client.expectFailure("invalid_value") {
        try await $0.endRun("\(parent.id)", EndRun(status: .running))
      }
    }
  }

  @Test func paramsKeepTheirFirstValue() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = "\(try await client.openRun(OpenRun()).id)"
      for _ in 0..<2 { try await client.addParams(run: run, ["a": .number(1e-3), "b": .null]) }
      #expect(try await client.run(run).params == ["a": "0.001", "b": "null"])
      await client.expectFailure("param_conflict") {
        try await $0.addParams(run: run, ["c": .int(1), "a": .number(2)])
      }
      // Nothing of a request that failed has been done.
      #expect(try await client.run(run).params["c"] == nil)
      await client.expectFailure("invalid_value") {
        try await $0.addParams(run: run, ["d": .array([])])
      }
      await client.expectFailure("invalid_value") {
        try await $0.addParams(run: run, ["": .int(1)])
      }
      await client.expectFailure("limit_exceeded") {
        try await $0.addParams(
          run: run, ["x": .string(String(repeating: "x", count: Limits.paramCharacters + 1))])
      }
      await client.expectFailure("run_not_found") { try await $0.addParams(run: "99", [:]) }
      let found = try await client.runs(RunListQuery(whereText: "params.a < 0.01")).items
      #expect(found.map(\.id) == [1])
    }
  }

  @Test func aJobsRunIsNoneOfThese() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let run = try await daemon.client.run("1")
      await daemon.client.expectFailure("conflict") {
        try await $0.endRun("1", EndRun(status: .finished))
      }
      await daemon.client.expectFailure("conflict") {
        _ = try await $0.openRun(OpenRun(uid: run.uid))
      }
    }
  }

  private static let values: [Double] = [
    0.1, .nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude, 1e308, 42,
  ]
  private static let epochs: [Int64?] = [nil, 1, 1, 2, 2, nil, 3, 3]

  private static func points(_ key: String) -> PointSeries {
    var series = PointSeries(key: key)
    for (index, value) in values.enumerated() {
      series.append(
        step: Int64(index) * 10, time: 1_800_000_000_000_000 + Int64(index), value: value,
        epoch: epochs[index])
    }
    return series
  }

  private static func jsonValues() -> String {
    values.map { $0.isFinite ? "\($0)" : "\"\(MetricValue.text($0))\"" }.joined(separator: ", ")
  }

  /// One series in each of the three forms.
  private static func bodies(_ key: String) throws -> [(type: String, bytes: [UInt8])] {
    let series = points(key)
    let single = series.points.map { point in
      let epoch = point.epoch.map { "\"epoch\": \($0), " } ?? ""
      let value =
        point.value.isFinite ? "\(point.value)" : "\"\(MetricValue.text(point.value))\""
      return """
        {"key": "\(key)", "step": \(point.step), \(epoch)"time": \(point.time.microseconds), \
        "value": \(value)}
        """
    }
    let epochs = Self.epochs.map { $0.map(String.init) ?? "null" }.joined(separator: ",")
    let columns = """
      {"series": [{"key": "\(key)", "steps": [\(series.steps.map(String.init).joined(separator: ","))],
       "times": [\(series.times.map(String.init).joined(separator: ","))],
       "values": [\(jsonValues())], "epochs": [\(epochs)]}]}
      """
    return [
      ("application/json", Array("{\"points\": [\(single.joined(separator: ","))]}".utf8)),
      ("application/json", Array(columns.utf8)),
      (PointsBody.contentType, try PointsBody([series]).encoded()),
    ]
  }

  @Test func everyFormTakesEveryValueAndMayBeSentAgain() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.openRun(OpenRun())
      for form in 0..<3 {
        let key = "metric/\(form) ä"
        let body = try Self.bodies(key)[form]
        for _ in 0..<2 {
          let answer = try await RawConnection(daemon.socketPath).exchange(
            "POST /api/v1/runs/1/metrics", body.type, body.bytes)
          #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
          #expect(answer.hasSuffix("{\"points\":8}"), "\(answer)")
        }
        let asJSON = try await client.history("1", key: key)
        let asBytes = try await client.series(run: "1", key: key)
        #expect(asJSON.values.map(MetricValue.text) == Self.values.map(MetricValue.text))
        #expect(asBytes.values.map(\.bitPattern) == Self.values.map(\.bitPattern))
        #expect(asJSON.steps == Self.points(key).steps && asBytes.steps == asJSON.steps)
        #expect(asJSON.epochs == Self.epochs)
        #expect(asBytes.points.map(\.epoch) == Self.epochs)
        #expect(asJSON.times.map(\.microseconds) == asBytes.times)
        #expect(asBytes.times == Self.points(key).times)
        #expect(asJSON.summary.count == 8 && asJSON.summary.max == .infinity)
        #expect(asJSON.summary.lastEpoch == 3 && asJSON.summary.mean.isNaN)
      }
    }
  }

  @Test func missingTimesAreThoseOfTheArrival() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      for body in [
        "{\"points\": [{\"key\": \"a\", \"step\": 1, \"value\": 1}]}",
        "{\"series\": [{\"key\": \"b\", \"steps\": [1], \"values\": [1.5]}]}",
      ] {
        _ = try await RawConnection(daemon.socketPath).exchange(
          "POST /api/v1/runs/1/metrics", "application/json", Array(body.utf8))
      }
      for key in ["a", "b"] {
        #expect(try await daemon.client.history("1", key: key).times == [daemon.clock.now])
      }
    }
  }

  @Test(arguments: [
    ("{\"points\": [{\"key\": \"a\", \"step\": 1}]}", "bad_json", "value"),
    ("{\"points\": [{\"key\": \"a\", \"step\": 1.5, \"value\": 1}]}", "bad_json", "JSON"),
    ("{\"points\": [{\"key\": \"a\", \"step\": 1, \"value\": \"nan\"}]}", "bad_json", "value"),
    ("{\"points\": [{\"key\": \"\", \"step\": 1, \"value\": 1}]}", "invalid_value", "key"),
    (
      "{\"series\": [{\"key\": \"a\", \"steps\": [1, 2], \"values\": [1]}]}", "bad_points",
      "different lengths"
    ),
    ("{\"points\": [", "bad_json", "JSON"),
  ])
  func aWrongBodyIsRefused(_ body: String, _ code: String, _ part: String) async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      let answer = try await RawConnection(daemon.socketPath).exchange(
        "POST /api/v1/runs/1/metrics", "application/json", Array(body.utf8))
      #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("\"\(code)\""), "\(answer)")
      #expect(answer.contains(part), "\(answer)")
    }
  }

  @Test func wrongBytesAreRefused() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      let good = try PointsBody([Self.points("a")]).encoded()
      var tooMany = PointSeries(key: "a")
      for step in 0...Limits.pointsPerRequest {
        tooMany.append(step: Int64(step), time: 0, value: 0, epoch: nil)
      }
      let bodies: [([UInt8], String)] = [
        (Array(good.dropLast()), "bad_points"), (good + [0], "bad_points"),
        (Array("APT2".utf8) + good.dropFirst(4), "bad_points"), ([], "bad_points"),
        (try PointsBody([tooMany]).encoded(), "limit_exceeded"),
      ]
      for (bytes, code) in bodies {
        let answer = try await RawConnection(daemon.socketPath).exchange(
          "POST /api/v1/runs/1/metrics", PointsBody.contentType, bytes)
        #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("\"\(code)\""), "\(answer)")
      }
      #expect(try await daemon.client.run("1").metrics.isEmpty)
    }
  }

  @Test func aLongSeriesIsThinnedOut() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      _ = try await client.openRun(OpenRun())
      var series = PointSeries(key: "long")
      for step in 0..<20_000 {
        series.append(
          step: Int64(step), time: 1_800_000_000_000_000 + Int64(step),
          value: sin(Double(step) / 700) * Double(step), epoch: nil)
      }
      series.values[7_777] = 1e9
      series.values[3_333] = .nan
      try await client.appendMetrics(run: "1", PointsBody([series]))
      #expect(try await client.series(run: "1", key: "long").steps == series.steps)
      let thin = try await client.history("1", key: "long", points: 500)
      #expect(thin.steps.count <= 500 && thin.steps.count > 150)
      #expect(thin.steps.first == 0 && thin.steps.last == 19_999)
      #expect(thin.steps.contains(7_777) && thin.values.contains(where: \.isNaN))
      #expect(thin.summary.count == 20_000)
      let same = try await client.series(run: "1", key: "long", points: 500)
      #expect(same.steps == thin.steps)
      await client.expectFailure("bad_parameter") {
        _ = try await $0.history("1", key: "long", points: 9)
      }
    }
  }
}

extension RecordingTests {
  /// Requests that are sent before the answers to those before have come are answered in their order,
  /// whichever way they go.
  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      func post(_ path: String, _ body: String) -> String {
        "POST /api/v1/runs/\(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      func point(_ step: Int) -> String {
        "{\"points\":[{\"key\":\"a\",\"step\":\(step),\"value\":1}]}"
      }
      let get = "GET /api/v1/runs/1/metrics/a HTTP/1.1\r\nHost: a\r\n\r\n"
      var requests = ""
      for round in 0..<20 {
        requests += post("1/metrics", point(round * 2)) + post("1/metrics", "{}x")
        requests += post("99/metrics", point(1)) + get
        requests += post("@latest/metrics", point(round * 2 + 1))
      }
      requests += "GET /api/v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      let answers = try await RawConnection(daemon.socketPath).exchangeAll(Array(requests.utf8))
      let parts = answers.split(separator: "HTTP/1.1 ").map(String.init)
      #expect(parts.count == 101)
      for (index, part) in parts.dropLast().enumerated() {
        switch index % 5 {
        case 0, 4: #expect(part.hasPrefix("200") && part.hasSuffix("{\"points\":1}"), "\(part)")
        case 1: #expect(part.hasPrefix("400") && part.contains("bad_json"), "\(part)")
        case 2: #expect(part.hasPrefix("404") && part.contains("run_not_found"), "\(part)")
        default:
          // What was acknowledged before is there.
          let count = index / 5 * 2 + 1
          #expect(part.contains("\"count\":\(count),"), "\(part)")
        }
      }
      #expect(parts.last?.contains("\"ok\":true") == true)
    }
  }

  @Test func aClientThatSendsNoMoreStillGetsItsAnswers() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.openRun(OpenRun())
      let body = "{\"points\":[{\"key\":\"a\",\"step\":1,\"value\":1}]}"
      let request =
        "POST /api/v1/runs/1/metrics HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      let answers = try await RawConnection(daemon.socketPath).exchangeAll(
        Array(String(repeating: request, count: 30).utf8))
      #expect(answers.split(separator: "HTTP/1.1 200").count == 30)
    }
  }
}
