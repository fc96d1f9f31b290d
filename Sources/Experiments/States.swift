// The state machines of jobs, attempts and runs. Every move of one is a conditional update in a
// transaction; these tables say which moves there are.

package enum JobKind: String, Sendable, Codable, CaseIterable {
  case train, command, evaluate, serve
}

package enum JobState: String, Sendable, Codable, CaseIterable {
  case held, queued, starting, running
  case finished, failed, cancelled
  case timedOut = "timed_out"
  case lost

  package var isFinal: Bool {
    switch self {
    case .held, .queued, .starting, .running: false
    case .finished, .failed, .cancelled, .timedOut, .lost: true
    }
  }

  /// The states that may follow this one.
  package var next: Set<JobState> {
    switch self {
    case .held: [.queued, .cancelled]
    case .queued: [.held, .starting, .cancelled]
    // back to queued: the attempt was lost and the job's policy says to go on
    case .starting, .running:
      [.queued, .running, .finished, .failed, .cancelled, .timedOut, .lost]
    case .finished, .failed, .cancelled, .timedOut, .lost: []
    }
  }
}

package enum AttemptState: String, Sendable, Codable, CaseIterable {
  case starting, running, finished, failed, cancelled
  case timedOut = "timed_out"
  case lost

  package var isFinal: Bool { self != .starting && self != .running }
}

package enum RunStatus: String, Sendable, Codable, CaseIterable {
  case queued, running, finished, failed, cancelled
  case timedOut = "timed_out"
  case lost

  package var isFinal: Bool { self != .queued && self != .running }

  /// The statuses that may follow this one.
  package var next: Set<RunStatus> {
    switch self {
    // back to queued: the attempt was lost and the job's policy says to go on in this run
    case .queued, .running:
      [.queued, .running, .finished, .failed, .cancelled, .timedOut, .lost]
    // a run that lives by a lease comes back with a late write
    case .lost: [.running]
    case .finished, .failed, .cancelled, .timedOut: []
    }
  }
}

/// What happens to a job whose worker vanished without a result.
package enum LostPolicy: String, Sendable, Codable, CaseIterable {
  /// Goes on in the same run from the last checkpoint.
  case resume
  /// Starts again in a new run.
  case requeue
  case fail
}
