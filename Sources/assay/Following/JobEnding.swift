// Waits for jobs that were just submitted, says how they ended, and makes that the command's exit
// code.

import ArgumentParser
import Client
import Experiments
import Wire

enum JobEnding {
  /// - Throws: `Ending.failed` if one of the jobs did not finish.
  static func await(
    _ jobs: [Job], client: AssayClient, mode: FollowMode, json: Bool
  ) async throws {
    if mode == .show && !Terminal.isInteractive {
      Terminal.print(jobs.map(SubmitCommand.line))
    }
    let ends = try await Follower(jobs, client: client, mode: mode).follow()
    if json {
      try JSONOutput.print(SubmitReply(jobs: ends.map(\.job)))
    } else if mode == .wait {
      Terminal.print(summary(ends))
    }
    guard ends.allSatisfy({ $0.job.state == .finished }) else { throw Ending.failed }
  }

  /// `runs 2-6 finished`, and of each that did not finish why.
  private static func summary(_ ends: [EndEvent]) -> [String] {
    let style = Terminal.style
    let finished = ends.filter { $0.job.state == .finished }.compactMap(\.job.runId)
    var lines = finished.isEmpty ? [] : ["\(NumberList.text("run", finished)) finished"]
    for end in ends where end.job.state != .finished {
      var text = EndText.lines(end, style: style)
      let name = end.job.runId.map { "run \($0)" } ?? "job \(end.job.id)"
      text[0] = "\(name) \(text[0])"
      lines += text
    }
    return lines
  }
}
