// Measures the store: how fast it takes in, how small it keeps and how soon it answers. Run by
// tools/bench/store. Each part is a file of its own.
import BenchSupport
import Foundation

@main
struct BenchStore {
  static func main() async throws {
    let options = BenchOptions(
      CommandLine.arguments,
      usage: "tools/bench/store [--quick] [--peers DIR] [--keep DIR] [--seed N] [--only PART,…]")
    var figures = Figures()
    for part in parts where options.wants(part.name) {
      print("== \(part.name)")
      try await part.run(options, &figures)
    }
    exit(figures.failures == 0 ? 0 : 1)
  }

  private typealias Part = (
    name: String, run: (BenchOptions, inout Figures) async throws -> Void
  )

  private static var parts: [Part] {
    [
      ("ingest", IngestBench.run),
      ("size", SizeBench.run),
      ("series", SeriesReadBench.run),
      (QueryBench.name, QueryBench.run),
      ("checkpoints", CheckpointBench.run),
      ("delay", CheckpointBench.runDelay),
    ]
  }
}
