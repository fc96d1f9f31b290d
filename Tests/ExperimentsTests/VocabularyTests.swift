// The words that everything else is built of: ids, states, directions, canonical JSON.

import Experiments
import Foundation
import Testing

@Suite struct IdentifierTests {
  @Test("32 hexadecimal digits in the layout of UUID version 7")
  func format() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<1_000 {
      let text = Identifier(
        at: Timestamp(microseconds: 1_790_000_000_123_456), using: &generator
      ).text
      #expect(text.count == 32 && Identifier(text)?.text == text)
      #expect(text.hasPrefix(String(1_790_000_000_123, radix: 16).leftPadded(to: 12)))
      #expect(text.dropFirst(12).first == "7")
      #expect(text.dropFirst(16).first.map { "89ab".contains($0) } == true)
    }
  }

  @Test("sorted by the millisecond of their making")
  func order() {
    var generator = SeededGenerator(seed: 2)
    let ids = (0..<500).map {
      Identifier(at: Timestamp(microseconds: $0 * 1_000_000_007), using: &generator).text
    }
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
    let before = Identifier(at: Timestamp(microseconds: -5), using: &generator)
    #expect(before.text.hasPrefix("000000000000"))
  }

  @Test(
    "other texts are none",
    arguments: ["", "0", "0123456789ABCDEF0123456789ABCDEF", String(repeating: "g", count: 32)])
  func refused(text: String) { #expect(Identifier(text) == nil) }

  @Test("coded as its text")
  func coding() throws {
    let id = Identifier(at: Timestamp(microseconds: 0))
    let data = try JSONEncoder().encode([id])
    #expect(try JSONDecoder().decode([String].self, from: data) == [id.text])
    #expect(try JSONDecoder().decode([Identifier].self, from: data) == [id])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Identifier].self, from: Data(#"["x"]"#.utf8))
    }
  }
}

extension String {
  fileprivate func leftPadded(to length: Int) -> String {
    String(repeating: "0", count: max(0, length - count)) + self
  }
}

@Suite struct StatesTests {
  @Test("a run's end is final, but a lost one may come back", arguments: RunStatus.allCases)
  func runs(status: RunStatus) {
    let expected: Set<RunStatus> =
      status == .lost ? [.running] : status.isFinal ? [] : Set(RunStatus.allCases)
    #expect(status.next == expected)
  }

  @Test("final states lead nowhere, others always to an end", arguments: JobState.allCases)
  func ends(state: JobState) {
    #expect(state.next.isEmpty == state.isFinal)
    var reached: Set<JobState> = [state]
    var frontier = reached
    while !frontier.isEmpty {
      frontier = Set(frontier.flatMap(\.next)).subtracting(reached)
      reached.formUnion(frontier)
    }
    #expect(reached.contains { $0.isFinal })
    #expect(state.isFinal || reached.contains(.cancelled))
  }

  @Test("every state is reached from the queue")
  func reachable() {
    var reached: Set<JobState> = [.queued]
    for _ in JobState.allCases { reached.formUnion(reached.flatMap(\.next)) }
    #expect(reached == Set(JobState.allCases))
  }

  @Test("a job waits before it starts, and only then")
  func waiting() {
    #expect(!JobState.held.next.contains(.starting))
    #expect(!JobState.running.next.contains(.held))
    #expect(JobState.allCases.filter { $0.next.contains(.starting) } == [.queued])
  }

  @Test("attempts and runs end in the states that jobs end in")
  func sameEnds() {
    let ends = JobState.allCases.filter(\.isFinal).map(\.rawValue)
    #expect(AttemptState.allCases.filter(\.isFinal).map(\.rawValue) == ends)
    #expect(RunStatus.allCases.filter(\.isFinal).map(\.rawValue) == ends)
  }
}

@Suite struct MetricDirectionTests {
  @Test(
    "told from the name",
    arguments: [
      ("loss", .lower), ("val_loss", .lower), ("test_f1", .higher), ("accuracy", .higher),
      ("val_roc_auc", .higher), ("r2", .higher), ("test_mean_absolute_error", .lower),
      ("step_time", .lower), ("samples_per_second", .higher), ("peak_rss_bytes", .lower),
      ("wall_seconds", .lower), ("learning_rate", .none), ("val_recall", .higher),
      ("train_precision", .higher), ("Val_Loss", .lower), ("", .none),
    ] as [(String, MetricDirection)])
  func direction(name: String, direction: MetricDirection) {
    #expect(MetricDirection(metric: name) == direction)
  }

  @Test("every metric that training measures has one", arguments: MetricName.allCases)
  func trained(metric: MetricName) {
    for name in ["", "val_", "test_"].map({ $0 + metric.rawValue }) {
      #expect(MetricDirection(metric: name) == (metric == .meanAbsoluteError ? .lower : .higher))
    }
  }
}

@Suite struct JSONValueTests {
  @Test(
    "canonical text",
    arguments: [
      (#" { "b" : [1, 2.5, true, null], "a" : "x" } "#, #"{"a":"x","b":[1,2.5,true,null]}"#),
      (#"{"z":{},"A":[],"ä":1}"#, #"{"A":[],"z":{},"ä":1}"#),
      (#""a\"b\\c\nd\te\u0001/""#, #""a\"b\\c\nd\te\u0001/""#),
      ("1e-7", "1e-07"), ("-0.1", "-0.1"), ("9223372036854775807", "9223372036854775807"),
    ])
  func canonical(text: String, canonical: String) throws {
    #expect(try json(text).canonicalText == canonical)
    #expect(try json(canonical).canonicalText == canonical, "is its own canonical text")
  }

  @Test("numbers that JSON does not have are texts")
  func nonFinite() {
    #expect(JSONValue.number(.nan).canonicalText == "\"NaN\"")
    #expect(JSONValue.number(-.infinity).canonicalText == "\"-Infinity\"")
  }

  @Test("whole numbers are told from others, 2.0 counts as one")
  func numbers() {
    #expect(JSONValue.number(2).intValue == 2)
    #expect(JSONValue.number(2.5).intValue == nil)
    #expect(JSONValue.number(.nan).intValue == nil)
    #expect(JSONValue.string("2").intValue == nil)
    #expect(JSONValue.int(2).doubleValue == 2)
    #expect(JSONValue.bool(true).intValue == nil)
  }
}

@Suite struct MetricValueTests {
  @Test(
    "texts read back the same",
    arguments: [0.1, -0.0, 1e300, .leastNormalMagnitude, .infinity, -.infinity])
  func roundTrip(value: Double) {
    #expect(MetricValue.parse(MetricValue.text(value)) == value)
  }

  @Test("NaN stays NaN, other words are no values")
  func words() {
    #expect(MetricValue.parse(MetricValue.text(.nan))?.isNaN == true)
    #expect(MetricValue.parse("abc") == nil)
  }
}
