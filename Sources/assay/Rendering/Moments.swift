// Times as people read them: local, to the minute, with how long ago they were. Foundation's
// formatters are not used, since loading their locale data costs more than a whole command.

import Experiments
import Glibc

enum Moments {
  static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  /// `2026-11-24 21:40` in the zone of this machine (or of `TZ`).
  static func local(_ time: Timestamp) -> String { formatted(time, "%Y-%m-%d %H:%M") }

  /// `2026-11-24 21:40:07`.
  static func localToTheSecond(_ time: Timestamp) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%S")
  }

  /// `just now`, `40 s ago`, `3 min ago`, `in 2 h`; beyond a day in days.
  static func relative(_ time: Timestamp, to now: Timestamp) -> String {
    let seconds = now.seconds(since: time)
    let span = coarse(abs(seconds))
    if abs(seconds) < 2 { return "just now" }
    return seconds > 0 ? "\(span) ago" : "in \(span)"
  }

  /// `2026-11-24 21:40 (3 min ago)`.
  static func localAndRelative(_ time: Timestamp, now: Timestamp) -> String {
    "\(local(time)) (\(relative(time, to: now)))"
  }

  private static func coarse(_ seconds: Double) -> String {
    if seconds < 60 { return "\(Int(seconds)) s" }
    if seconds < 3_600 { return "\(Int(seconds / 60)) min" }
    if seconds < 86_400 { return "\(Int(seconds / 3_600)) h" }
    let days = Int(min(seconds / 86_400, 1e9))
    return days == 1 ? "1 day" : "\(days) days"
  }

  private static func formatted(_ time: Timestamp, _ format: String) -> String {
    let (quotient, remainder) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    var seconds = time_t(remainder < 0 ? quotient - 1 : quotient)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return "\(time.microseconds) µs" }
    let text = [CChar](unsafeUninitializedCapacity: 64) { buffer, count in
      count = buffer.baseAddress.map { strftime($0, buffer.count, format, &parts) } ?? 0
    }
    return String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
