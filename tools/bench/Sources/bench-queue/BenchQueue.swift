// Measures the queue: how fast it takes jobs in, whether many that wait slow it down, how long one
// waits for an answer while jobs use all cores, and what a job costs beside task-spooler. Run by
// tools/bench/queue. Each part is a file of its own.
import BenchSupport
import Foundation

@main
struct BenchQueue {
  static func main() async throws {
    let options = BenchOptions(
      CommandLine.arguments,
      usage: "tools/bench/queue [--quick] [--peers DIR] [--seed N] [--only PART,…]")
    print("seed \(options.seed)")
    var figures = Figures()
    for part in parts where options.wants(part.name) {
      print("== \(part.name)")
      do {
        try await part.run(options, &figures)
      } catch {
        print("\(part.name) broke off: \(error)")
        await QueueDaemon.stopAll()
        exit(2)
      }
    }
    exit(figures.failures == 0 ? 0 : 1)
  }

  private typealias Part = (
    name: String, run: (BenchOptions, inout Figures) async throws -> Void
  )

  private static var parts: [Part] {
    [
      ("enqueue", EnqueueBench.run), ("backlog", BacklogBench.run), ("health", HealthBench.run),
      ("spooler", SpoolerBench.run),
    ]
  }
}
