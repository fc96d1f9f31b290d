// The daemon's log on standard error: one line per message with time and level, for people and grep.

import Foundation
import Glibc
import Logging

struct PlainLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = "\(Self.now()) \(event.level.rawValue.uppercased()) \(event.message)"
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("hb.") {
      line += " \(key)=\(value)"
    }
    line = line.replacing("\n", with: " | ") + "\n"
    // One write per line, so that lines of several threads do not mix.
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }

  /// UTC with milliseconds.
  private static func now() -> String {
    Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
  }
}
