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
