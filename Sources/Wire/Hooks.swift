// What people ask of hooks.

/// `POST /api/v1/hooks`. One of `command` and `url` is needed.
package struct HookRequest: Codable, Sendable {
  package var name: String
  package var events: [String]
  package var command: String?
  package var url: String?
  /// On the daemon's machine; its content signs the calls.
  package var secretFile: String?
  package var timeoutSeconds: Int?

  package static let defaultTimeoutSeconds = 60

  package init(
    name: String, events: [String], command: String? = nil, url: String? = nil,
    secretFile: String? = nil, timeoutSeconds: Int? = nil
  ) {
    self.name = name
    self.events = events
    self.command = command
    self.url = url
    self.secretFile = secretFile
    self.timeoutSeconds = timeoutSeconds
  }
}
