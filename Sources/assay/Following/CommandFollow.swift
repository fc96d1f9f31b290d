// Follows one command job: its output is printed as it comes, and its exit code becomes that of the
// command. Ctrl-C ends the following and nothing else.

import ArgumentParser
import Client
import Experiments
import Wire

enum CommandFollow {
  private struct Interrupted: Error {}

  /// - Throws: `ExitCode` unless the job finished.
  static func follow(_ job: Job, client: AssayClient) async throws {
    let interrupt = Interrupt()
    let signals = interrupt.signals
    defer { interrupt.cancel() }
    do {
      let end = try await withThrowingTaskGroup(of: Job?.self) { group in
        group.addTask { try await Self.output(of: job, client: client) }
        group.addTask {
          for await _ in signals { throw Interrupted() }
          return nil
        }
        defer { group.cancelAll() }
        while let end = try await group.next() { if let end { return end } }
        return job
      }
      try await conclude(end, client: client)
    } catch is Interrupted {
      Terminal.complain(
        "job \(job.id) goes on; see assay jobs, or cancel with: assay cancel \(job.id)")
      throw Ending.interrupted
    }
  }

  /// Prints what the program prints until the job has ended; a job may go on in another run.
  private static func output(of job: Job, client: AssayClient) async throws -> Job {
    var job = job
    var known: Int64?
    while true {
      if let run = job.runId, run != known {
        known = run
        for try await event in client.followLog(String(run)) { Terminal.write(event.text) }
        try Task.checkCancellation()
      }
      job = try await client.job(job.id)
      if job.state.isFinal { return job }
      guard job.runId == known else { continue }
      for try await event in client.followJob(job.id) {
        if case .end(let end) = event { return end.job }
        if case .progress(let progress) = event, progress.job.runId != known { break }
      }
      try Task.checkCancellation()
    }
  }

  private static func conclude(_ job: Job, client: AssayClient) async throws {
    guard job.state != .finished else { return }
    var code: Int?
    if let run = job.runId { code = try await client.detail(String(run)).attempts.last?.exitCode }
    let why = job.failure.map { "  \($0.code): \(ShownText.line($0.message))" } ?? ""
    Terminal.complain("job \(job.id) \(StateText.text(job.state))\(why)")
    throw ExitCode(Int32(truncatingIfNeeded: code ?? 1))
  }
}
