// How an attempt ended, as its worker wrote it durably before it ended itself. It is the truth about
// the attempt, whether or not the daemon was there to hear it.

package import Experiments

package struct ExitRecord: Codable, Sendable, Equatable {
  package var state: AttemptState
  /// Of the program that the job ran; nil where the worker did the work itself.
  package var exitCode: Int?
  /// The signal that ended it.
  package var signal: Int?
  package var failure: Failure?
  package var cost: Cost
  package var endedAt: Timestamp
  /// Whether the spool holds something that the daemon has not yet confirmed.
  package var unsent: Bool

  package init(
    state: AttemptState, exitCode: Int? = nil, signal: Int? = nil, failure: Failure? = nil,
    cost: Cost, endedAt: Timestamp, unsent: Bool = false
  ) {
    self.state = state
    self.exitCode = exitCode
    self.signal = signal
    self.failure = failure
    self.cost = cost
    self.endedAt = endedAt
    self.unsent = unsent
  }
}
