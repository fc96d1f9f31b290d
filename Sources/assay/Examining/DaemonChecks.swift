// What the daemon says of itself: versions, queue, clock, store.

import Experiments
import Wire

enum DaemonChecks {
  static func look(at status: DaemonStatus, _ findings: inout Findings) {
    findings.add("daemon", .ok, "process \(status.pid) answers")
    if status.version == AssayVersion.text {
      findings.add("versions", .ok, "assay and assayd are \(status.version)")
    } else {
      findings.add(
        "versions", .warn, "assay is \(AssayVersion.text), assayd \(status.version)",
        "start the newer one: assayd stop && assayd --background (running jobs go on)")
    }
  }
}

enum QueueChecks {
  static func look(
    at status: DaemonStatus, _ schedules: [Schedule], _ findings: inout Findings
  ) {
    func count(_ state: JobState) -> Int { status.jobsByState[state.rawValue] ?? 0 }
    let text =
      "\(count(.queued)) queued, \(count(.starting) + count(.running)) running, "
      + "\(status.slotsInUse) of \(status.slots) slots in use"
    if count(.queued) > 0, status.slotsInUse == 0 {
      findings.add(
        "queue", .warn, text,
        "jobs wait although slots are free; assay jobs tells, and the daemon's log")
    } else {
      findings.add("queue", .ok, text)
    }
    for schedule in schedules {
      if let problem = schedule.problem {
        findings.add(
          "schedules", .warn, "schedule \(schedule.id) (\(schedule.name)): \(problem)",
          "see: assay schedule history \(schedule.id)")
      }
    }
  }
}

enum ClockChecks {
  /// Between two looks at one clock nothing is earlier by more than this.
  private static let tolerance = 5.0
  /// 2024-01-01: no release of Assay is older.
  private static let earliest = Timestamp(microseconds: 1_704_067_200_000_000)

  static func look(
    at status: DaemonStatus, newest: Job?, now: Timestamp, _ findings: inout Findings
  ) {
    let last = max(status.startedAt, newest?.createdAt ?? status.startedAt)
    let ahead = last.seconds(since: now)
    if now < earliest {
      findings.add(
        "clock", .fail, "it is \(Moments.local(now)), which cannot be",
        "set the clock (timedatectl)")
    } else if ahead > tolerance {
      findings.add(
        "clock", .warn,
        "something was recorded \(Quantities.duration(ahead)) in the future: a clock was or is wrong",
        "compare it with another one (timedatectl)")
    } else {
      findings.add("clock", .ok, "\(Moments.localToTheSecond(now))")
    }
  }
}

enum StoreChecks {
  private static let longLog: Int64 = 1 << 30

  static func look(at usage: StoreUsage, _ findings: inout Findings) {
    let text =
      "\(Quantities.bytes(usage.fileBytes)), of which \(Quantities.bytes(usage.freeBytes)) "
      + "are free; log \(Quantities.bytes(usage.walBytes))"
    let used = usage.fileBytes - usage.freeBytes
    if let most = usage.maxBytes, used >= most {
      findings.add(
        "store", .fail, text + "; it is as large as it may be",
        "no checkpoints and artifacts are taken; see assay gc, or raise --max-size")
    } else if usage.walBytes > longLog {
      findings.add(
        "store", .warn, text, "a long log means that somebody reads for long, or a full disk")
    } else {
      findings.add("store", .ok, text)
    }
  }
}
