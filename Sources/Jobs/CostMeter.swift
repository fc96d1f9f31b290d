// What this process has used since the meter was made (wall time) or since it began (the rest).

import CLinux
package import Experiments
import Foundation

package struct CostMeter: Sendable {
  private let start: Int64

  package init() { start = clinux_boot_nanoseconds() }

  /// Wall time, CPU time with that of ended children, peak memory and storage traffic so far. What
  /// the system does not tell (/proc/self/io in some containers) is 0.
  package func read() -> Cost {
    var user = 0.0
    var system = 0.0
    var childUser = 0.0
    var childSystem = 0.0
    // getrusage cannot fail with these arguments.
    _ = clinux_cpu_seconds(0, &user, &system)
    _ = clinux_cpu_seconds(1, &childUser, &childSystem)
    let status = RawFile.kernelText("/proc/self/status") ?? ""
    let io = RawFile.kernelText("/proc/self/io") ?? ""
    return Cost(
      wallSeconds: Double(clinux_boot_nanoseconds() - start) / 1e9,
      cpuUserSeconds: user + childUser, cpuSystemSeconds: system + childSystem,
      // Not ru_maxrss: that one begins with the peak of the process which executed this program.
      peakRssBytes: (Self.number("VmHWM", in: status) ?? 0) * 1024,
      readBytes: Self.number("read_bytes", in: io) ?? 0,
      writtenBytes: Self.number("write_bytes", in: io) ?? 0)
  }

  /// The number after `key:` on a line of its own.
  static func number(_ key: String, in text: String) -> Int64? {
    for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
      let rest = line.dropFirst(key.count + 1).split(whereSeparator: \.isWhitespace)
      return rest.first.flatMap { Int64($0) }
    }
    return nil
  }
}
