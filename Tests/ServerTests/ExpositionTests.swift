// `GET /metrics` and the ids of requests.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ExpositionTests {
  @Test func metricsAreInPrometheusFormat() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      let run = try await client.openRun(OpenRun(name: "open"))
      try await client.appendMetrics(
        run: String(run.id), PointsBody(points: [Self.point(1), Self.point(2)]))
      _ = try await client.submit(Specs.train(), Specs.train(), Specs.train())
      _ = try await daemon.workers.order(2)
      await client.expectFailure("job_not_found") { _ = try await $0.job(99) }
      _ = try await RawConnection(daemon.socketPath).exchange(
        "LINK /tea HTTP/1.1\r\nHost: assay\r\n\r\n")
      let values = try await Self.values(daemon)
      #expect(values["assay_points_taken_total"] == 2)
      #expect(values["assay_slots"] == 2 && values["assay_slots_in_use"] == 2)
      #expect(values["assay_jobs{state=\"queued\"}"] == 1)
      #expect(values["assay_queue_depth"] == 1)
      let metrics = "method=\"POST\",path=\"/api/v1/runs/{run}/metrics\""
      #expect(values["assay_http_requests_total{\(metrics),status=\"200\"}"] == 1)
      let job = "method=\"GET\",path=\"/api/v1/jobs/{job}\""
      #expect(values["assay_http_requests_total{\(job),status=\"404\"}"] == 1)
      let other = "method=\"other\",path=\"other\""
      #expect(values["assay_http_requests_total{\(other),status=\"404\"}"] == 1)
      #expect(values["assay_http_request_seconds_bucket{\(metrics),le=\"+Inf\"}"] == 1)
      #expect(values["assay_http_request_seconds_count{\(metrics)}"] == 1)
      #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
      #expect(try #require(values["assay_store_bytes"]) > 0)
      #expect(values.keys.contains { $0.hasPrefix("assay_build_info{version=\"") })
    }
  }

  /// Each name with its labels, of an exposition in which every line is as the format wants it.
  private static func values(_ daemon: TestDaemon) async throws -> [String: Double] {
    let answer = try await RawConnection(daemon.socketPath).exchange(
      "GET /metrics HTTP/1.1\r\nHost: assay\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200"))
    #expect(answer.lowercased().contains("content-type: text/plain; version=0.0.4"))
    let body = try #require(answer.range(of: "\r\n\r\n")).upperBound
    var values: [String: Double] = [:]
    var family = ""
    for line in answer[body...].split(separator: "\n") {
      if line.hasPrefix("# TYPE ") {
        family = String(line.split(separator: " ")[2])
        continue
      }
      if line.hasPrefix("# HELP ") { continue }
      #expect(line.hasPrefix(family), "\(line)")
      let cut = try #require(line.lastIndex(of: " "))
      let value = try #require(
        Double(line[line.index(after: cut)...].replacing("+Inf", with: "inf")))
      #expect(values.updateValue(value, forKey: String(line[..<cut])) == nil, "\(line)")
    }
    return values
  }

  private static func point(_ step: Int64) -> MetricPoint {
    MetricPoint(
      key: "loss", step: step, epoch: nil, time: Timestamp(microseconds: 1_800_000_000_000_000),
      value: 1)
  }

  @Test(arguments: [
    ("GET /api/v1/status", "", 200), ("GET /api/v1/jobs/99", "", 404),
    ("GET /nowhere", "", 404), ("POST /api/v1/runs/99/metrics", "{\"points\":[]}", 404),
    ("POST /api/v1/runs/99/metrics", "{", 400),
  ])
  func aRequestKeepsItsId(line: String, body: String, status: Int) async throws {
    try await TestDaemon.with { daemon in
      let answer = try await Self.ask(daemon, line, body, header: "X-Request-Id: mine-7\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
      #expect(answer.lowercased().contains("x-request-id: mine-7\r\n"))
      #expect(answer.contains("\"request_id\":\"mine-7\"") == (status != 200))
    }
  }

  @Test(arguments: [
    "", "X-Request-Id: \(String(repeating: "x", count: 129))\r\n",
    "X-Request-Id: two words\r\n", "X-Request-Id: \"quoted\"\r\n",
  ])
  func oneWithoutAUsableIdGetsOne(header: String) async throws {
    try await TestDaemon.with { daemon in
      for line in ["GET /api/v1/jobs/99", "POST /api/v1/runs/99/metrics"] {
        let answer = try await Self.ask(daemon, line, "{", header: header).lowercased()
        let start = try #require(answer.range(of: "x-request-id: ")).upperBound
        let id = answer[start...].prefix(while: \.isHexDigit)
        #expect(id.count == 16 && id.allSatisfy(\.isHexDigit), "\(id)")
        #expect(answer.contains("\"request_id\":\"\(id)\""))
      }
    }
  }

  private static func ask(
    _ daemon: TestDaemon, _ line: String, _ body: String, header: String
  ) async throws -> String {
    try await RawConnection(daemon.socketPath).exchange(
      "\(line) HTTP/1.1\r\nHost: assay\r\n\(header)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    )
  }
}
