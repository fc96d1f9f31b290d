// How many submissions of one job each are acknowledged per second, with eight clients that each wait
// for their answer.
import BenchSupport
import Foundation

enum EnqueueBench {
  private static let clients = 8

  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let folder = try BenchDaemon.newFolder()
    defer { QueueDaemon.remove(folder) }
    let daemon = try await QueueDaemon(options, folder: folder, workers: .idle)
    let path = daemon.socketPath
    let submissions = try Submissions.usual(path)
    let duration = options.quick ? 1.0 : 8.0
    let sync = try await SyncTime.measure(in: daemon.folder, count: options.quick ? 20 : 300).median
    figures.add("disk_sync", sync * 1_000, unit: "ms", goal: "", holds: nil)
    let before = try daemon.daemon.processorSeconds()
    let seed = options.seed
    let times = try await onThreads(clients) { index in
      let client = try SocketClient(path)
      var random = SeededRandom(seed &+ UInt64(index) &* 7_919)
      var times: [Double] = []
      let start = ContinuousClock.now
      var now = start
      while now - start < .seconds(duration) {
        // What the answer says is looked at once, at the end.
        try client.post("/api/v1/jobs", "application/json", submissions.body(1, &random))
        try client.answer()
        let end = ContinuousClock.now
        times.append((end - now) / .seconds(1))
        now = end
      }
      return times
    }.flatMap { $0 }
    let rate = Double(times.count) / duration
    // Eight that wait for a sync each cannot be faster than this, whatever the daemon does.
    let goal = min(2_000, 0.7 * Double(clients) / sync)
    figures.add(
      "enqueue_rate", rate, unit: "jobs/s", goal: ">= 2000, or 0.7 x 8 / sync",
      holds: options.quick ? nil : rate >= goal)
    let used = try daemon.daemon.processorSeconds() - before
    figures.add(
      "enqueue_processor_time", used / Double(times.count) * 1_000, unit: "ms/job", goal: "",
      holds: nil)
    figures.add(
      "enqueue_p99", Times(times).percentile(0.99) * 1_000, unit: "ms", goal: "", holds: nil)
    let waiting = try count(path)
    // One has the slot; whether there was one to find out about commands too, it is cancelled.
    let missing = times.count - waiting - 1
    figures.add(
      "enqueued_missing", Double(max(0, missing)), unit: "", goal: "0", holds: missing <= 0)
    try await daemon.stop()
  }

  private struct Status: Decodable {
    let jobs_by_state: [String: Int]
  }

  private static func count(_ path: String) throws -> Int {
    let client = try SocketClient(path)
    try client.get("/api/v1/status")
    let status = try JSONDecoder().decode(Status.self, from: Data(try client.answer()))
    return status.jobs_by_state["queued", default: 0]
  }
}
