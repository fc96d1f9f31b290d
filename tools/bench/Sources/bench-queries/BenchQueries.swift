// Fills a store and measures how long `assay` takes to answer. Run by tools/bench/queries.
import BenchSupport
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
    let figures = try await BenchQueries(quick: arguments.contains("--quick"), folder: folder)
      .measure()
    try? FileManager.default.removeItem(atPath: folder)  // a leftover in /tmp fails no measurement
    exit(figures.failures == 0 ? 0 : 1)
  }

  let runs: Int
  let rounds: Int
  let folder: String

  init(quick: Bool, folder: String) {
    runs = quick ? 60 : 1_000
    rounds = quick ? 3 : 40
    self.folder = folder
  }

  func measure() async throws -> Figures {
    var figures = Figures()
    let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().path
    let environment = [
      "ASSAY_DATA": folder + "/data", "ASSAY_SOCKET": folder + "/run/assay.sock",
    ]

    print("filling a store with \(runs) runs x 10 metrics x 100 epochs …")
    try await StoreFill.fill(folder: folder + "/data", runs: runs)
    guard try await Processes.run(programs + "/assayd", ["--background"], environment).status == 0
    else {
      figures.add("started", 0, unit: "daemons", goal: "1", holds: false)
      return figures
    }
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
    figures.add(
      "wrong_answers", Double(wrong.count), unit: "answers", goal: "0", holds: wrong.isEmpty)
    if !wrong.isEmpty { print("wrong: \(Set(wrong).sorted())") }
    for question in questions {
      let sorted = (times[question.name] ?? []).sorted()
      let median = sorted[sorted.count / 2]
      let p95 = sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
      figures.add(
        "\(question.name)_p50", median, unit: "ms", goal: "<= \(Self.goalMilliseconds)",
        holds: median <= Self.goalMilliseconds)
      print(
        "  \(question.name): p95 \(Figures.rounded(p95)) ms, max \(Figures.rounded(sorted.last ?? 0)) ms"
      )
    }
    return figures
  }
}
