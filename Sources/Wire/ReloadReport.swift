// What came of reading the daemon's settings anew.

/// The result of `POST /api/v1/reload`.
package struct ReloadReport: Codable, Sendable, Equatable {
  /// The configuration files that were read.
  package var files: [String]
  /// What is different and was taken over, as `key = value`.
  package var changed: [String] = []
  /// What is different and will count after a restart.
  package var needRestart: [String] = []

  package init(files: [String]) { self.files = files }

  /// For people.
  package var lines: [String] {
    var lines = files.isEmpty ? ["there is no configuration file"] : files.map { "read \($0)" }
    if changed.isEmpty && needRestart.isEmpty { lines.append("nothing has changed") }
    lines += changed.map { "\($0): in force now" }
    lines += needRestart.map { "\($0): needs a restart (assayd stop; assayd --background)" }
    return lines
  }
}
