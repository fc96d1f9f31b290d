import Client
import Experiments
import Foundation
import Testing
import Wire

/// The hand-written encoding of runs is that of every other value.
@Suite struct RunJSONTests {
  private static let texts = [
    "", "plain", "with \"quotes\" and \\ and /", "line\nend\r\ttab",
    "\u{0}\u{1}\u{8}\u{C}\u{1F}\u{7F}",
    "ünïcödé", "日本", "🙂🏽", "e\u{301}", "\u{2028}\u{2029}", "a.b", "a/b", "A", "b", "_", "Z", "é",
    "z",
  ]

  private static let numbers: [Double] = [
    0, -0.0, 1, -1, 0.1, 1.0 / 3, 1e15, 1e16, 123_456_789_012_345, 1e21, 1e-7, 5e-324, 1e300,
    .greatestFiniteMagnitude, .nan, .infinity, -.infinity, 100, 2.5, -12.75, 1e22,
    9_007_199_254_740_993,
  ]

  private static func run(_ random: inout SystemRandomNumberGenerator) -> Run {
    func number() -> Double { numbers.randomElement(using: &random) ?? 0 }
    func text() -> String { texts.randomElement(using: &random) ?? "" }
    func id() -> Int64 { Int64.random(in: -3...Int64.max, using: &random) }
    func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? {
      Bool.random(using: &random) ? value() : nil
    }
    func members<Value>(_ value: () -> Value) -> [String: Value] {
      Dictionary(
        (0..<Int.random(in: 0...8, using: &random)).map { _ in (text() + text(), value()) },
        uniquingKeysWith: { $1 })
    }
    let time = Timestamp(microseconds: id())
    return Run(
      id: id(), uid: Identifier(at: time), name: text(), experiment: text(), jobId: maybe(id()),
      parentId: maybe(id()), status: RunStatus.allCases.randomElement(using: &random) ?? .lost,
      seed: maybe(id()), createdAt: time, startedAt: maybe(time), endedAt: maybe(time),
      deletedAt: maybe(time), note: text(), tags: members(text), params: members(text),
      metrics: members {
        MetricSummary(
          last: number(), lastStep: id(), lastEpoch: maybe(id()), min: number(), max: number(),
          mean: number(), count: id())
      },
      progress: maybe(
        Progress(epoch: 1, epochs: 20, step: 3, steps: 60, samplesPerSecond: number())),
      failure: maybe(Failure(code: text(), message: text())),
      cost: maybe(
        Cost(
          wallSeconds: number(), cpuUserSeconds: number(), cpuSystemSeconds: number(),
          peakRssBytes: id(), readBytes: id(), writtenBytes: id(), trainingSeconds: maybe(number()),
          stepsPerSecond: maybe(number()), samplesPerSecond: maybe(number()),
          flopsPerStep: maybe(number()))),
      dataset: maybe(
        DatasetInfo(
          name: text(), type: "csv", path: maybe(text()), sha256: text(), rows: 10, features: 2,
          classes: [text(), text()], trainRows: 8, validationRows: 1, testRows: 1)),
      comparabilityKey: maybe(text()))
  }

  @Test func pagesAreTheSameByteForByte() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let runs = (0..<Int.random(in: 0...3, using: &random)).map { _ in Self.run(&random) }
      let next = Bool.random(using: &random) ? "abc-_" : nil
      let total = Bool.random(using: &random) ? 12 : nil
      let expected = try WireCoding.encoder().encode(Page(items: runs, next: next, total: total))
      let bytes = RunJSON.page(runs, next: next, total: total)
      #expect(
        String(decoding: bytes, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    }
  }

  @Test func everyNumberIsTheSame() throws {
    var random = SystemRandomNumberGenerator()
    var run = Self.run(&random)
    run.metrics = [:]
    let more = (0..<2_000).map { _ in
      Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
    }
    for (index, number) in (Self.numbers + more).enumerated() {
      run.metrics["\(index)"] = MetricSummary(
        last: number, lastStep: 1, lastEpoch: nil, min: Double(index), max: Double(index) / 7,
        mean: number.rounded(), count: 1)
    }
    let expected = try WireCoding.encoder().encode(Page(items: [run]))
    let bytes = RunJSON.page([run], next: nil)
    #expect(String(decoding: bytes, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
  }
}
