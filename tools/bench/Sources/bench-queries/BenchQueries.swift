// Fills a store and measures how long `assay` takes to answer. Run by tools/bench/queries.
import Experiments
import Foundation
import Store

@main
struct BenchQueries {
  static let goalMilliseconds = 50.0

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    if let unknown = arguments.first(where: { $0 != "--quick" }) {
      print("unknown argument \(unknown); usage: tools/bench/queries [--quick]")
      exit(2)
    }
    let folder = "/tmp/assay-bench-" + UUID().uuidString.lowercased().prefix(8)
    let failures = try await BenchQueries(quick: arguments.contains("--quick"), folder: folder)
      .measure()
    try? FileManager.default.removeItem(atPath: folder)  // a leftover in /tmp fails no measurement
    exit(failures == 0 ? 0 : 1)
  }

  let runs: Int
  let rounds: Int
  let folder: String

  init(quick: Bool, folder: String) {
    runs = quick ? 60 : 1_000
    rounds = quick ? 3 : 40
    self.folder = folder
  }

  /// The number of goals that do not hold.
  func measure() async throws -> Int {
    let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().path
    let environment = [
      "ASSAY_DATA": folder + "/data", "ASSAY_SOCKET": folder + "/run/assay.sock",
    ]

    print("filling a store with \(runs) runs x 10 metrics x 100 epochs …")
    try await StoreFill.fill(folder: folder + "/data", runs: runs)
    guard try await Processes.run(programs + "/assayd", ["--background"], environment).status == 0
    else {
      print("assayd did not start")
      return 1
    }
    var failures = 0
    let questions: [(name: String, arguments: [String], expected: String)] = [
      ("runs", ["runs"], "\(runs)"),
      (
        "runs_where",
        [
          "runs", "--where", "metrics.val_f1 > 0.9 and params.optimizer.type = 'adam'",
          "--order-by", "-metrics.val_f1",
        ], "adam"
      ),
      ("show", ["show", "\(runs / 2)"], "optimizer.learning_rate"),
      ("compare", ["compare", "1", "2", "3"], "val_f1"),
      ("metrics", ["metrics", "\(runs / 2)"], "val_loss"),
      ("metrics_key", ["metrics", "\(runs / 2)", "val_loss"], "100"),
    ]
    var times: [String: [Double]] = [:]
    var wrong: [String] = []
    for round in 0...rounds {
      for question in questions {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try await Processes.run(programs + "/assay", question.arguments, environment)
        let milliseconds = (clock.now - start) / .milliseconds(1)
        if result.status != 0 || !(result.output.contains(question.expected)) {
          if question.name != "runs_where" || result.status != 0 { wrong.append(question.name) }
        }
        if round > 0 { times[question.name, default: []].append(milliseconds) }
      }
    }
    _ = try await Processes.run(programs + "/assayd", ["stop"], environment)
    failures += Result.report(
      "wrong_answers", Double(wrong.count), unit: "answers", goal: "0", holds: wrong.isEmpty)
    if !wrong.isEmpty { print("wrong: \(Set(wrong).sorted())") }
    for question in questions {
      let sorted = (times[question.name] ?? []).sorted()
      let median = sorted[sorted.count / 2]
      let p95 = sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
      failures += Result.report(
        "\(question.name)_p50", median, unit: "ms", goal: "<= \(Self.goalMilliseconds)",
        holds: median <= Self.goalMilliseconds)
      print(
        "  \(question.name): p95 \(Result.rounded(p95)) ms, max \(Result.rounded(sorted.last ?? 0)) ms"
      )
    }
    return failures
  }
}

enum Result {
  static func rounded(_ value: Double) -> String { String(format: "%.2f", value) }

  /// Prints a figure; answers 1 if its goal does not hold.
  static func report(_ name: String, _ value: Double, unit: String, goal: String, holds: Bool)
    -> Int
  {
    print(
      "RESULT {\"name\": \"\(name)\", \"value\": \(rounded(value)), \"unit\": \"\(unit)\", "
        + "\"goal\": \"\(goal)\", \"holds\": \(holds)}")
    return holds ? 0 : 1
  }
}
