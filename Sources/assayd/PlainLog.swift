// The daemon's log on standard error: one line per message with time and level, for people and grep,
// or one JSON object per line for programs. A line that is written while a request is worked on has
// the request's id.

import Experiments
import Foundation
import Glibc
import Logging
import Server

struct PlainLog: LogHandler {
  let settings: LogSettings
  var metadata: Logger.Metadata = [:]
  private var ownLevel: Logger.Level?

  init(_ settings: LogSettings) { self.settings = settings }

  var logLevel: Logger.Level {
    get { ownLevel ?? settings.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata.merging(event.metadata ?? [:]) { _, new in new }
      .filter { !$0.key.hasPrefix("hb.") }
    if all["request"] == nil, let id = RequestID.current { all["request"] = "\(id)" }
    let line =
      switch settings.format {
      case .text: Self.text(event, all)
      case .json: Self.json(event, all)
      }
    // One write per line, so that lines of several threads do not mix.
    _ = (line + "\n").withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }

  private static func text(_ event: LogEvent, _ metadata: Logger.Metadata) -> String {
    var line = "\(now()) \(event.level.rawValue.uppercased()) \(event.message)"
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let text = "\(value)"
      line += " \(key)=" + (text.contains { $0 == " " || $0 == "\"" } ? quoted(text) : text)
    }
    return line.replacing("\n", with: " | ")
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// What every line has comes first in the reader's mind, but keys are sorted.
  private static func json(_ event: LogEvent, _ metadata: Logger.Metadata) -> String {
    var members: [String: JSONValue] = [:]
    for (key, value) in metadata { members[key] = .string("\(value)") }
    members["time"] = .string(now() + "Z")
    members["level"] = .string(event.level.rawValue)
    members["message"] = .string("\(event.message)")
    return JSONValue.object(members).canonicalText
  }

  /// UTC with milliseconds, by the C library: Foundation's calendar would read all of ICU into memory
  /// for it.
  private static func now() -> String {
    let time = Date().timeIntervalSince1970
    var second = time_t(time)
    var parts = tm()
    gmtime_r(&second, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    let milliseconds = String(1_000 + Int((time - Double(second)) * 1_000)).dropFirst()
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      + ".\(milliseconds)"
  }
}
