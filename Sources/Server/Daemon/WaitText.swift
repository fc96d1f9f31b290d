// Why a job waits, in words: first what it waits for by itself, then what there is no room in.

import Experiments
import Glibc
import Jobs

enum WaitText {
  /// Nil for one that does not wait.
  static func reason(
    _ job: Job, in situation: QueueSituation, behind first: QueuePolicy.Queued?
  ) -> WaitReason? {
    if job.state == .held {
      return WaitReason(code: "held", message: job.heldBy.map { "held by \($0)" } ?? "held")
    }
    guard job.state == .queued else { return nil }
    if let jobs = job.waitsFor, !jobs.isEmpty {
      return WaitReason(code: "dependency", message: "waits for \(names(jobs))")
    }
    if let due = job.notBefore {
      let most = JobPolicy(ofStored: job.spec).retries.max
      return WaitReason(
        code: "retry", message: "waits until \(clockTime(due)) (retry \(job.retries) of \(most))")
    }
    return situation.reason(.init(job), behind: first)
  }

  /// The store names a few more than are shown.
  private static func names(_ jobs: [Int64]) -> String {
    let shown = jobs.prefix(3).map { String($0) }.joined(separator: ", ")
    return (jobs.count == 1 ? "job " : "jobs ") + shown + (jobs.count > 3 ? " and others" : "")
  }

  /// In the machine's own time: `14:05`, with seconds where it is close.
  private static func clockTime(_ time: Timestamp) -> String {
    var seconds = time_t(time.microseconds / 1_000_000)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return "\(time.microseconds)" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
