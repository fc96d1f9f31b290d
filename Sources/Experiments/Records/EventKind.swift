// The kinds of events. Everything that changes the state of a job, a run or what judges them writes
// one, in the transaction that changes it.

package enum EventKind: String, Sendable, CaseIterable {
  case jobSubmitted = "job_submitted"
  case jobStarted = "job_started"
  case jobHeld = "job_held"
  case jobReleased = "job_released"
  case jobRequeued = "job_requeued"
  case jobCancelled = "job_cancelled"
  case jobEdited = "job_edited"
  case jobRetried = "job_retried"
  case pauseEnded = "pause_ended"
  case timeLimit = "time_limit"
  case cancelRequested = "cancel_requested"
  case attemptBegun = "attempt_begun"
  case attemptLost = "attempt_lost"
  case runOpened = "run_opened"
  case runImported = "run_imported"
  case runFinished = "run_finished"
  case runFailed = "run_failed"
  case runCancelled = "run_cancelled"
  case runTimedOut = "run_timed_out"
  case runLost = "run_lost"
  case runRevived = "run_revived"
  case runChanged = "run_changed"
  case runDeleted = "run_deleted"
  case runRestored = "run_restored"
  case runPurged = "run_purged"
  case experimentDeleted = "experiment_deleted"
  case experimentRestored = "experiment_restored"
  case quotaExceeded = "quota_exceeded"
  case alertRaised = "alert_raised"
  case baselineSet = "baseline_set"
  case baselineDeleted = "baseline_deleted"
  case checkMade = "check_made"
  case checkFailed = "check_failed"
  case scheduleAdded = "schedule_added"
  case schedulePaused = "schedule_paused"
  case scheduleResumed = "schedule_resumed"
  case scheduleDeleted = "schedule_deleted"
  case scheduleFired = "schedule_fired"
  case scheduleSkipped = "schedule_skipped"
  case scheduleBroken = "schedule_broken"
  case scheduleMended = "schedule_mended"
  case queueSet = "queue_set"
  case queuePaused = "queue_paused"
  case queueResumed = "queue_resumed"
  case queueRemoved = "queue_removed"
  case hookAdded = "hook_added"
  case hookRemoved = "hook_removed"
  case hookTest = "hook_test"

  package var isOfHooks: Bool { self == .hookAdded || self == .hookRemoved || self == .hookTest }
}

/// Which events a hook is for: a kind, or the beginning of kinds followed by `*`.
package enum EventPattern {
  /// Why a text is none, in words; nil if it is one.
  package static func mistake(in pattern: String) -> String? {
    let all = EventKind.allCases.map(\.rawValue)
    if pattern.hasSuffix("*") {
      let beginning = pattern.dropLast()
      if all.contains(where: { $0.hasPrefix(beginning) }) { return nil }
      return "no kind of event begins with \"\(beginning)\""
    }
    if all.contains(pattern) { return nil }
    return "there is no event \"\(pattern)\"" + NearestName.question(for: pattern, among: all)
  }

  package static func matches(_ pattern: String, _ kind: String) -> Bool {
    guard pattern.hasSuffix("*") else { return pattern == kind }
    return kind.hasPrefix(pattern.dropLast())
  }
}
