// One line of /proc/PID/stat: what a process is, whose child, in which group and session, since
// when, and what it uses.

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
      let pid = Self.number(text[..<open].filter { $0 != 0x20 })
    else { return nil }
    let fields = text[text.index(after: close)...].split { $0 == 0x20 || $0 == 0x0A }
    // Numbered from 1 in proc(5), where the state is the third.
    func number(_ field: Int) -> Int64? {
      fields.indices.contains(field - 3) ? Self.number(fields[field - 3]) : nil
    }
    guard let state = fields.first?.first, let parent = number(4), let group = number(5),
      let session = number(6), let user = number(14), let system = number(15),
      let childUser = number(16), let childSystem = number(17), let threads = number(20),
      let start = number(22), start >= 0, let resident = number(24)
    else { return nil }
    self.pid = Int32(truncatingIfNeeded: pid)
    self.state = Character(Unicode.Scalar(state))
    self.parent = Int32(truncatingIfNeeded: parent)
    self.group = Int32(truncatingIfNeeded: group)
    self.session = Int32(truncatingIfNeeded: session)
    self.threads = Int(threads)
    startTicks = UInt64(start)
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

  /// By hand: there are some fifty for each process of the machine.
  private static func number(_ digits: some Collection<UInt8>) -> Int64? {
    var rest = digits[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    guard !rest.isEmpty else { return nil }
    var value: UInt64 = 0
    for digit in rest {
      guard (0x30...0x39).contains(digit) else { return nil }
      let (product, isLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isLarger) = product.addingReportingOverflow(UInt64(digit - 0x30))
      guard !isLarge, !isLarger else { return nil }
      value = sum
    }
    // Some fields have no sign and all 64 bits; beyond 63 none that counts here.
    guard let magnitude = Int64(exactly: value) else { return isNegative ? nil : Int64.max }
    return isNegative ? -magnitude : magnitude
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
