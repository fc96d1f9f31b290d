// Whether a hundred thousand jobs that wait slow down a submission, or the time from one job's end to
// the next one's: measured in turns with a queue that is nearly empty.
import BenchSupport
import Foundation

enum BacklogBench {
  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let full = try BenchDaemon.newFolder()
    let empty = try BenchDaemon.newFolder()
    defer {
      QueueDaemon.remove(full)
      QueueDaemon.remove(empty)
    }
    let waiting = options.quick ? 5_000 : 100_000
    let rounds = options.quick ? 2 : 8
    var random = SeededRandom(options.seed)
    figures.add("backlog", Double(waiting), unit: "jobs", goal: "", holds: nil)

    var first = 0
    var submission = (empty: [Double](), full: [Double]())
    do {
      let long = try await QueueDaemon(options, folder: full, workers: .idle)
      let short = try await QueueDaemon(options, folder: empty, workers: .idle)
      let submissions = try Submissions.usual(long.socketPath)
      let longClient = try SocketClient(long.socketPath)
      let taken = try submissions.submit(longClient, 1, &random)[0]
      first = taken + 1
      let filling = try await seconds {
        for _ in 0..<(waiting / 1_000) { try submissions.submit(longClient, 1_000, &random) }
      }
      print("\(waiting) jobs submitted in \(Figures.rounded(filling)) s")
      // What was written must be on the disk, or it would be written beside what is measured.
      try await Task.sleep(for: .seconds(options.quick ? 0 : 5))
      // A connection that is not used meanwhile is closed.
      let shortClient = try SocketClient(short.socketPath)
      try submissions.submit(shortClient, 1, &random)
      for _ in 0..<rounds {
        submission.empty += try submit(submissions, shortClient, &random)
        submission.full += try submit(submissions, longClient, &random)
      }
      // The slot is free when the daemon starts again.
      try longClient.post("/api/v1/jobs/\(taken)/cancel", "application/json", [])
      try longClient.answer()
      while try !JobAnswer.get(longClient, taken).isOver {
        try await Task.sleep(for: .milliseconds(50))
      }
      try await long.stop()
      try await short.stop()
    }
    compare(
      "submission", Times(submission.empty).median, Times(submission.full).median, options, &figures
    )

    var start = (empty: [Double](), full: [Double]())
    let jobs = options.quick ? 5 : 20
    for _ in 0..<rounds {
      start.empty.append(try await pace(options, jobs: jobs, &random))
      let daemon = try await QueueDaemon(options, folder: full)
      start.full.append(try await pace(SocketClient(daemon.socketPath), from: first, jobs: jobs))
      // The one that was on its way when the daemon stopped is not looked at.
      first += jobs + 5
      try await daemon.stopDaemon()
    }
    let last = try await QueueDaemon(options, folder: full, workers: .idle)
    try await last.stop()
    compare("start", Times(start.empty).median, Times(start.full).median, options, &figures)
  }

  private static func compare(
    _ name: String, _ empty: Double, _ full: Double, _ options: BenchOptions,
    _ figures: inout Figures
  ) {
    figures.add("\(name)_empty_queue_p50", empty * 1_000, unit: "ms", goal: "", holds: nil)
    figures.add("\(name)_full_queue_p50", full * 1_000, unit: "ms", goal: "", holds: nil)
    figures.add(
      "\(name)_full_to_empty", full / empty, unit: "", goal: "<= 1.5",
      holds: options.quick ? nil : full / empty <= 1.5)
  }

  private static func submit(
    _ submissions: Submissions, _ client: SocketClient, _ random: inout SeededRandom
  ) throws -> [Double] {
    var times: [Double] = []
    for _ in 0..<50 {
      let start = ContinuousClock.now
      try submissions.submit(client, 1, &random)
      times.append((ContinuousClock.now - start) / .seconds(1))
    }
    return times
  }

  /// Seconds from one job's end to the next one's, on a new store with just those jobs.
  private static func pace(
    _ options: BenchOptions, jobs: Int, _ random: inout SeededRandom
  ) async throws -> Double {
    let folder = try BenchDaemon.newFolder()
    defer { QueueDaemon.remove(folder) }
    let daemon = try await QueueDaemon(options, folder: folder)
    let submissions = try Submissions.usual(daemon.socketPath)
    let client = try SocketClient(daemon.socketPath)
    let ids = try submissions.submit(client, jobs + 5, &random)
    let pace = try await pace(client, from: ids[0], jobs: jobs)
    try await daemon.stop()
    return pace
  }

  /// The same from what the store says of the jobs from this one on.
  private static func pace(_ client: SocketClient, from first: Int, jobs: Int) async throws
    -> Double
  {
    let last = first + jobs
    while try !JobAnswer.get(client, last).isOver { try await Task.sleep(for: .milliseconds(10)) }
    guard let begin = try JobAnswer.get(client, first).ended_at,
      let end = try JobAnswer.get(client, last).ended_at
    else { throw StoreBenchFailure("job \(first) has not ended before job \(last)") }
    return Double(end - begin) / 1e6 / Double(jobs)
  }
}
