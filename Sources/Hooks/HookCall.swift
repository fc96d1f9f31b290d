// One attempt to deliver an event to a hook. What is sent is the same each time, so that a receiver
// can tell by its id that it had it before.

package import Experiments
import Foundation

/// What a hook is told: the body of a call and the standard input of a command.
package struct HookPayload: Sendable, Codable {
  /// Of the delivery.
  package var deliveryId: Identifier
  package var hook: String
  package var event: Event

  package init(deliveryId: Identifier, hook: String, event: Event) {
    self.deliveryId = deliveryId
    self.hook = hook
    self.event = event
  }

  package func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: MetricValue.positiveInfinity,
      negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    return [UInt8](try encoder.encode(self))
  }
}

/// What an attempt came to.
package struct HookOutcome: Sendable, Equatable {
  /// `exit code 0`, `status 204`; nil if there was none.
  package var answer: String?
  /// Nil: it was delivered.
  package var error: String?

  package init(answer: String?, error: String? = nil) {
    self.answer = answer
    self.error = error
  }
}
