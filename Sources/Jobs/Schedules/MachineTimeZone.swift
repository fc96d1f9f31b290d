// The time zone this machine lives in, by its IANA name, so that a schedule can keep the name.

package import Foundation
import Glibc

package enum MachineTimeZone {
  /// The first that is set: `TZ` of the environment, the link /etc/localtime (what `date` uses),
  /// /etc/timezone; else UTC. Names that are not known, and `TZ` rules such as `CET-1CEST`, count as
  /// not set.
  package static func current(
    environment: [String: String] = ProcessInfo.processInfo.environment, etc: String = "/etc"
  ) -> TimeZone {
    var names: [String] = []
    if let variable = environment["TZ"] {
      names.append(variable.hasPrefix(":") ? String(variable.dropFirst()) : variable)
    }
    if let target = realpath(etc + "/localtime", nil) {
      names.append(String(cString: target))
      free(target)
    }
    if let text = RawFile.kernelText(etc + "/timezone") {
      names.append(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    for name in names {
      if let zone = known(name) { return zone }
    }
    return .gmt
  }

  /// The zone of an IANA name. Throws `JobsError.timeZone`.
  package static func named(_ name: String) throws(JobsError) -> TimeZone {
    guard let zone = known(name) else { throw .timeZone(name: String(name.prefix(64))) }
    return zone
  }

  /// Also for the path of a file in a zoneinfo folder.
  private static func known(_ name: String) -> TimeZone? {
    var name = Substring(name)
    if let folder = name.range(of: "/zoneinfo/") { name = name[folder.upperBound...] }
    for part in ["posix/", "right/"] where name.hasPrefix(part) {
      name = name.dropFirst(part.count)
    }
    // Foundation also takes abbreviations ("PST") and offsets ("GMT+3"), which are no places.
    guard name.contains("/") || ["UTC", "GMT"].contains(name) else { return nil }
    return TimeZone(identifier: String(name))
  }
}
