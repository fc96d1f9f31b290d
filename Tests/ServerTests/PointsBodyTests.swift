// The forms of points by themselves: that bytes from anywhere are read or refused and never trap, and
// that the fast reader of JSON says what the decoder says.

import Experiments
import Foundation
import Testing
import Wire

@Suite struct PointsBodyTests {
  private static let body = PointsBody([
    PointSeries(key: "a", steps: [1, 2], times: [3, 4], values: [.nan, -0.5]),
    PointSeries(
      key: "ключ", steps: [.min, .max], times: [0, -1], values: [.infinity, 1],
      epochs: [7, PointSeries.noEpoch]), PointSeries(key: ""),
  ])

  private func text(_ series: [PointSeries]) -> String {
    series.map {
      "\($0.key) \($0.steps) \($0.times) \($0.values.map(\.bitPattern)) \($0.epochs ?? [])"
    }
    .joined(separator: "\n")
  }

  @Test func whatIsEncodedIsDecoded() throws {
    let bytes = try Self.body.encoded()
    #expect(text(try PointsBody(decoding: bytes).series) == text(Self.body.series))
    // The documented form, byte by byte.
    let small = try PointsBody([PointSeries(key: "k", steps: [1], times: [2], values: [1])])
      .encoded()
    #expect(
      small == Array("APT1".utf8) + [1, 0, 0, 0] + [1, 0, 0x6B] + [1, 0, 0, 0] + [0]
        + [1, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
  }

  @Test func everyCutIsRefused() throws {
    let bytes = try Self.body.encoded()
    for length in 0..<bytes.count {
      #expect(throws: PointsBodyError.self) { try PointsBody(decoding: Array(bytes[..<length])) }
    }
  }

  @Test func noDamageTraps() throws {
    let bytes = try Self.body.encoded()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      // Read or refused, both are right.
      _ = try? PointsBody(decoding: damaged)
    }
  }

  @Test func columnsMustBeOfOneLength() {
    #expect(throws: PointsBodyError.columns(key: "a")) {
      try PointsBody([PointSeries(key: "a", steps: [1], times: [], values: [1])]).encoded()
    }
    #expect(throws: PointsBodyError.key(bytes: 70_000)) {
      try PointsBody([PointSeries(key: String(repeating: "x", count: 70_000))]).encoded()
    }
  }

  private static let now = Timestamp(microseconds: 99)

  @Test(arguments: [
    #"{"points": []}"#, #" { "series" : [ ] } "#,
    #"{"points":[{"key":"a","step":-1,"value":1.5e3},{"value":"NaN","step":9223372036854775807,"key":"b","time":5,"epoch":2}]}"#,
    #"{"points":[{"key":"a","step":-9223372036854775808,"value":-0.0}]}"#,
    #"{"points":[{"key":"ü","step":0,"value":1e-320},{"key":"ü","step":0,"value":-Infinity}]}"#,
    #"{"points":[{"key":"a\"b","step":0,"value":1}]}"#,
    #"{"points":[{"key":"a","step":1e2,"value":1}]}"#,
    #"{"points":[{"key":"a","step":9223372036854775808,"value":1}]}"#,
    #"{"points":[{"key":"a","step":01,"value":1}]}"#,
    #"{"points":[{"key":"a","step":1,"value":1.}]}"#,
    #"{"points":[{"key":"a","step":1,"value":.5}]}"#,
    #"{"points":[{"key":"a","step":1,"value":0x10}]}"#,
    #"{"points":[{"key":"a","step":1,"value":1e999}]}"#,
    #"{"points":[{"key":"a","step":1,"value":nan}]}"#,
    #"{"points":[{"key":"a","step":1,"value":1},]}"#, #"{"points":[],}"#, #"{"points":[]} x"#,
    #"{"points":[{"key":"a","step":1,"value":null}]}"#,
    #"{"series":[{"key":"a","steps":[1,2],"values":[1,"Infinity"]}]}"#,
    #"{"series":[{"key":"a","steps":[1,2],"values":[1,"-Infinity"],"times":[3,4],"epochs":[5,6]}]}"#,
    #"{"series":[{"key":"a","steps":[1,2],"values":[1,2],"times":[3,4],"epochs":[null,6]}]}"#,
    #"{"series":[{"key":"a","steps":[1,2],"values":[1]}]}"#, "", "{", "[]", "\"",
    "{\"points\":[{\"key\":\"",
  ])
  func theScannerSaysWhatTheDecoderSays(_ json: String) {
    let decoded = try? WireCoding.decoder().decode(MetricsRequest.self, from: Data(json.utf8))
      .series(now: Self.now)
    guard let scanned = MetricsScanner.series(Array(json.utf8), now: Self.now) else { return }
    #expect(decoded.map(text) == text(scanned))
  }

  @Test func theScannerKnowsWhatProgramsSend() {
    let usual = #"{"points": [{"key": "loss", "step": 1, "time": 5, "value": 0.25}]}"#
    #expect(MetricsScanner.series(Array(usual.utf8), now: Self.now)?.first?.values == [0.25])
    let columns = #"{"series":[{"key":"loss","steps":[1,2],"times":[5,6],"values":[0.1,"NaN"]}]}"#
    #expect(MetricsScanner.series(Array(columns.utf8), now: Self.now)?.first?.steps == [1, 2])
  }

  @Test func theScannersNumbersAreExact() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
      guard value.isFinite else { continue }
      let json = "{\"points\":[{\"key\":\"a\",\"step\":1,\"value\":\(value)}]}"
      let series = try #require(MetricsScanner.series(Array(json.utf8), now: Self.now))
      #expect(series[0].values[0].bitPattern == value.bitPattern)
    }
  }

  @Test func theWritersJSONIsTheEncoders() throws {
    let summary = MetricSummary(
      last: .nan, lastStep: 3, lastEpoch: nil, min: 1, max: .infinity, mean: 0.1, count: 2)
    var series = PointSeries(key: "a\"\\\u{1}\n/ü")
    series.append(step: .min, time: .max, value: -.infinity, epoch: nil)
    series.append(step: 0, time: -12, value: 1e21, epoch: 4)
    let history = try WireCoding.decoder().decode(
      MetricHistory.self, from: Data(MetricHistory.json(run: 7, summary: summary, series: series)))
    #expect(history.runId == 7 && history.key == series.key && history.steps == series.steps)
    #expect(history.epochs == [nil, 4] && history.times.map(\.microseconds) == series.times)
    #expect(history.values == series.values && history.summary.last.isNaN)
    #expect(history.summary.lastEpoch == nil && history.summary.max == .infinity)
  }
}
