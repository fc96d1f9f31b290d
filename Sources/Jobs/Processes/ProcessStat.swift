// One line of /proc/PID/stat: what a process is, whose child, in which group and session, since
// when, and what it uses.

import Foundation
import Glibc

package struct ProcessStat: Sendable, Equatable {
  package var pid: Int32
  /// `R`, `S`, `D`, `T`, `Z`, …
  package var state: Character
  package var parent: Int32
  package var group: Int32
  package var session: Int32
  package var threads: Int
  /// Ticks since boot at which it began: with the boot id and the pid, its identity.
  package var startTicks: UInt64
  /// CPU ticks of itself and of the children it has awaited.
  package var cpuTicks: UInt64
  package var residentPages: Int64

  /// Parses the file's text. The command's name stands in parentheses and may itself hold spaces,
  /// newlines and `)`: the fields begin after the last `)`. Nil if the text is not such a line.
  package init?(_ text: some Collection<UInt8>) {
    guard let open = text.firstIndex(of: UInt8(ascii: "(")),
      let close = Self.last(UInt8(ascii: ")"), in: text), open < close,
      let pid = Int32(
        String(decoding: text[..<open], as: UTF8.self).trimmingCharacters(in: .whitespaces))
    else { return nil }
    let fields = text[text.index(after: close)...]
      .split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
      .map { String(decoding: $0, as: UTF8.self) }
    // Numbered from 1 in proc(5), where the state is the third.
    func number(_ field: Int) -> Int64? {
      fields.indices.contains(field - 3) ? Int64(fields[field - 3]) : nil
    }
    guard let state = fields.first?.first, let parent = number(4), let group = number(5),
      let session = number(6), let user = number(14), let system = number(15),
      let childUser = number(16), let childSystem = number(17), let threads = number(20),
      fields.count > 21, let start = UInt64(fields[19]), let resident = number(24)
    else { return nil }
    self.pid = pid
    self.state = state
    self.parent = Int32(truncatingIfNeeded: parent)
    self.group = Int32(truncatingIfNeeded: group)
    self.session = Int32(truncatingIfNeeded: session)
    self.threads = Int(threads)
    startTicks = start
    cpuTicks = UInt64(max(0, user + system + childUser + childSystem))
    residentPages = resident
  }

  /// Of a process that is there, or ended and not yet awaited; nil if there is none.
  package static func read(pid: Int32) -> ProcessStat? {
    RawFile.kernelFile("/proc/\(pid)/stat").flatMap { ProcessStat($0) }
  }

  /// Whether it can still do something. A process whose first thread has ended shows as a zombie
  /// while its others go on.
  package var isLive: Bool {
    switch state {
    case "Z", "X", "x": threads > 1
    default: true
    }
  }

  private static func last<Text: Collection<UInt8>>(
    _ byte: UInt8, in text: Text
  ) -> Text.Index? {
    var found: Text.Index?
    var index = text.startIndex
    while index != text.endIndex {
      if text[index] == byte { found = index }
      text.formIndex(after: &index)
    }
    return found
  }
}
