// What is done when something happens: a command that is run, or a URL that is called.

package struct Hook: Codable, Sendable, Equatable {
  package var id: Int64
  package var name: String
  /// Kinds of events, or beginnings of kinds followed by `*`.
  package var events: [String]
  /// For /bin/sh; nil for one that calls a URL.
  package var command: String?
  /// Scheme and host only: the rest may hold a secret.
  package var url: String?
  /// Whether its calls are signed.
  package var isSigned: Bool
  /// For one delivery.
  package var timeoutSeconds: Int
  package var createdAt: Timestamp
  /// Deliveries still to come, and those that were given up.
  package var waiting: Int
  package var failed: Int

  package init(
    id: Int64, name: String, events: [String], command: String?, url: String?, isSigned: Bool,
    timeoutSeconds: Int, createdAt: Timestamp, waiting: Int, failed: Int
  ) {
    self.id = id
    self.name = name
    self.events = events
    self.command = command
    self.url = url
    self.isSigned = isSigned
    self.timeoutSeconds = timeoutSeconds
    self.createdAt = createdAt
    self.waiting = waiting
    self.failed = failed
  }
}

package enum DeliveryState: String, Codable, Sendable, CaseIterable {
  /// Still to come, perhaps again.
  case waiting
  case delivered
  /// Given up after the last attempt.
  case failed
  /// Its hook was removed before.
  case dropped
}

/// One event for one hook.
package struct HookDelivery: Codable, Sendable, Equatable {
  package var id: Int64
  /// The same at each attempt, so that a receiver can tell that it had it before.
  package var uid: Identifier
  package var hook: String
  package var eventId: Int64
  package var eventKind: String
  package var state: DeliveryState
  package var attempts: Int
  /// When it is tried next; nil once it is over.
  package var nextAt: Timestamp?
  /// What the last attempt came to, in words: `exit code 0`, `status 204`.
  package var answer: String?
  package var lastError: String?
  package var createdAt: Timestamp
  package var endedAt: Timestamp?

  package init(
    id: Int64, uid: Identifier, hook: String, eventId: Int64, eventKind: String,
    state: DeliveryState, attempts: Int, nextAt: Timestamp?, answer: String?, lastError: String?,
    createdAt: Timestamp, endedAt: Timestamp?
  ) {
    self.id = id
    self.uid = uid
    self.hook = hook
    self.eventId = eventId
    self.eventKind = eventKind
    self.state = state
    self.attempts = attempts
    self.nextAt = nextAt
    self.answer = answer
    self.lastError = lastError
    self.createdAt = createdAt
    self.endedAt = endedAt
  }
}
