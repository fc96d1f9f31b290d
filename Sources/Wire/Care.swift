// The care of the daemon's database. Both routes answer with server-sent events: `progress`
// (CareProgress), and at last `end` (BackupReport, DoctorReport) or `error` (ErrorBody).

/// What `POST /backup` takes.
package struct BackupRequest: Codable, Sendable, Equatable {
  /// Absolute, on the daemon's machine.
  package var path: String
  /// Whether a file of that name gives way.
  package var replace: Bool?

  package init(path: String, replace: Bool? = nil) {
    self.path = path
    self.replace = replace
  }
}
