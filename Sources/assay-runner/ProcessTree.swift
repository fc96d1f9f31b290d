// Everything that this process has started, however deep: it is the parent of its orphans, so all
// of it hangs below it in the process tree. Found in /proc, measured, and ended.

import CLinux
import Experiments
import Glibc

struct TreeProcess {
  let pid: Int32
  let parent: Int32
  let startTicks: UInt64
  let cpuTicks: UInt64
  let residentBytes: Int64
  let isZombie: Bool

  /// Of a line of /proc/PID/stat, whose fields begin after the last parenthesis.
  init?(_ bytes: [UInt8]) {
    guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
      let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close,
      let pid = Int32(String(decoding: bytes[..<open].dropLast(), as: UTF8.self))
    else { return nil }
    let fields = bytes[(close + 1)...].split(separator: 0x20)
    func number(_ field: Int) -> Int64? {
      fields.indices.contains(field - 3)
        ? Int64(String(decoding: fields[field - 3], as: UTF8.self)) : nil
    }
    guard let state = fields.first?.first, let parent = number(4), let user = number(14),
      let system = number(15), let childUser = number(16), let childSystem = number(17),
      let start = number(22), let pages = number(24)
    else { return nil }
    self.pid = pid
    self.parent = Int32(truncatingIfNeeded: parent)
    startTicks = UInt64(clamping: start)
    cpuTicks = UInt64(clamping: user + system + childUser + childSystem)
    residentBytes = pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    isZombie = state == UInt8(ascii: "Z") || state == UInt8(ascii: "X")
  }

  static func read(_ pid: Int32) -> TreeProcess? {
    AttemptFiles.read("/proc/\(pid)/stat", atMost: 4_096).flatMap { TreeProcess($0) }
  }

  /// Reaches this process or none.
  func send(_ signal: Int32) {
    let descriptor = clinux_pidfd_open(pid)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard let now = Self.read(pid), now.startTicks == startTicks else { return }
    _ = clinux_pidfd_send_signal(descriptor, signal)
  }
}

enum ProcessTree {
  /// Descendants of this process that live, but for `helper` and what that has started.
  static func members(without helper: Int32 = 0) -> [TreeProcess] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var children: [Int32: [TreeProcess]] = [:]
    while let entry = readdir(directory) {
      let first = entry.pointee.d_name.0
      guard (0x30...0x39).contains(first) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let pid = Int32(name), let process = TreeProcess.read(pid) else { continue }
      children[process.parent, default: []].append(process)
    }
    var found: [TreeProcess] = []
    var open = [getpid()]
    var seen: Set<Int32> = [helper]
    while let parent = open.popLast() {
      for child in children[parent] ?? [] where seen.insert(child.pid).inserted {
        open.append(child.pid)
        if !child.isZombie { found.append(child) }
      }
    }
    return found
  }
}

/// What the tree uses and has used.
struct TreeMeter {
  private let start = Moment.now
  private(set) var peakBytes: Int64 = 0
  /// Of ended children.
  private var userSeconds = 0.0
  private var systemSeconds = 0.0
  private var last: (time: Double, cpu: Double)?
  private let ticks = Double(clinux_ticks_per_second())

  var elapsed: Double { Moment.now - start }

  mutating func take(_ ended: clinux_ended) {
    userSeconds += ended.user_seconds
    systemSeconds += ended.system_seconds
    peakBytes = max(peakBytes, ended.peak_bytes)
  }

  struct Sample {
    let residentBytes: Int64
    let values: [(key: String, value: Double)]
  }

  /// Resident bytes of all members together; pages that they share count in each.
  mutating func residentBytes(_ members: [TreeProcess]) -> Int64 {
    let bytes = members.reduce(0) { $0 + $1.residentBytes }
    peakBytes = max(peakBytes, bytes)
    return bytes
  }

  mutating func sample(_ members: [TreeProcess], ownWrites: Int) -> [(key: String, value: Double)] {
    let live = members.reduce(UInt64(0)) { $0 + $1.cpuTicks }
    let cpu = Double(live) / ticks + userSeconds + systemSeconds
    let now = Moment.now
    let before = last ?? (start, 0)
    last = (now, cpu)
    let io = traffic(members, ownWrites: ownWrites)
    var values: [(key: String, value: Double)] = [
      ("system.cpu", max(0, cpu - before.cpu) / max(1e-3, now - before.time)),
      ("system.rss", Double(residentBytes(members))),
      ("system.processes", Double(members.count)),
      ("system.read_bytes", Double(io.read)), ("system.written_bytes", Double(io.written)),
    ]
    if let text = AttemptFiles.text("/proc/loadavg", atMost: 256)?.split(separator: " ").first,
      let load = Double(text)
    {
      values.append(("machine.load", load))
    }
    if let text = AttemptFiles.text("/proc/meminfo", atMost: 4_096),
      let kilobytes = Self.number("MemAvailable", in: text)
    {
      values.append(("machine.memory_available", Double(kilobytes * 1_024)))
    }
    return values
  }

  /// All that was used so far, ended children and, of those that live, what they have used.
  func cost(_ members: [TreeProcess], ownWrites: Int) -> JSONValue {
    let live = members.reduce(UInt64(0)) { $0 + $1.cpuTicks }
    let io = traffic(members, ownWrites: ownWrites)
    return .object([
      "wall_seconds": .number(elapsed),
      "cpu_user_seconds": .number(userSeconds + Double(live) / ticks),
      "cpu_system_seconds": .number(systemSeconds),
      "peak_rss_bytes": .int(peakBytes), "read_bytes": .int(io.read),
      "written_bytes": .int(io.written),
    ])
  }

  /// A parent's numbers have those of its awaited children, so this process has those of all that
  /// have ended. What it wrote itself is taken off again.
  private func traffic(
    _ members: [TreeProcess], ownWrites: Int
  ) -> (read: Int64, written: Int64) {
    var read: Int64 = 0
    var written: Int64 = -Int64(ownWrites)
    for pid in [getpid()] + members.map(\.pid) {
      guard let text = AttemptFiles.text("/proc/\(pid)/io", atMost: 1_024) else { continue }
      read += Self.number("read_bytes", in: text) ?? 0
      written += Self.number("write_bytes", in: text) ?? 0
    }
    return (read, max(0, written))
  }

  static func number(_ key: String, in text: String) -> Int64? {
    for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
      let rest = line.dropFirst(key.count + 1).split(whereSeparator: { $0 == " " || $0 == "\t" })
      return rest.first.flatMap { Int64($0) }
    }
    return nil
  }
}
