// Why a job waits, and the queues it may wait in.

package struct WaitReason: Codable, Sendable, Equatable {
  /// Stable: `held`, `dependency`, `retry`, `queue_paused`, `queue_full`, `resource`, `exclusive`,
  /// `behind_exclusive`, `slot`.
  package var code: String
  /// For people: "waits for job 12".
  package var message: String

  package init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

package struct JobQueue: Codable, Sendable, Equatable {
  package var name: String
  /// How many of its jobs run at once; nil: as many as the daemon runs.
  package var slots: Int?
  /// Nothing of it starts.
  package var paused: Bool
  package var running: Int
  package var queued: Int
  package var held: Int

  package init(
    name: String, slots: Int?, paused: Bool, running: Int = 0, queued: Int = 0, held: Int = 0
  ) {
    self.name = name
    self.slots = slots
    self.paused = paused
    self.running = running
    self.queued = queued
    self.held = held
  }
}
