// A worker and everything it has started, however it was started: children and their children, the
// worker's session, and whoever carries the attempt's mark in its environment (which double-forked
// processes still do when they have left the tree and the session).

import CLinux
import Foundation
import Glibc

package struct ProcessFamily: Sendable {
  package static let markVariable = "ASSAY_ATTEMPT_MARK"

  /// Nil when only the mark is known.
  package let leader: ProcessIdentity?
  /// The attempt's own random mark; empty for none.
  package let mark: String
  /// Ticks since boot at which the leader was last seen alive. A session's number is its leader's
  /// pid, and when the whole session has ended another process may get it: members that are older
  /// than this moment are surely the worker's, younger ones only while the leader is there.
  private let leaderSeenTicks: UInt64
  /// Members are no older than this.
  private let oldest: UInt64

  /// The family of a leader seen alive just now, or without a leader.
  /// - Parameter former: the leader that there was, where it is known: nobody of the family is older.
  package init(leader: ProcessIdentity?, mark: String, former: ProcessIdentity? = nil) {
    self.leader = leader
    self.mark = mark
    let first = leader ?? former
    oldest = first?.bootId == ProcessIdentity.currentBootId ? first?.startTicks ?? 0 : 0
    let ticks = UInt64(clinux_ticks_per_second())
    let now = UInt64(max(0, clinux_boot_nanoseconds()))
    let seen = now / (1_000_000_000 / ticks)
    leaderSeenTicks = leader?.stat != nil && seen > 0 ? seen - 1 : 0
  }

  /// All living members, the leader among them. Looks at every process of the machine.
  package func members() -> [ProcessStat] {
    members(among: Self.everyProcess(), environment: Self.carries)
  }

  /// The same over a given table; `environment(pid, mark)` tells whether a process carries the mark.
  package func members(
    among table: [ProcessStat], environment carries: (Int32, String) -> Bool
  ) -> [ProcessStat] {
    let here = getpid()
    let leaderNow = leader.flatMap { leader in
      leader.bootId == ProcessIdentity.currentBootId
        ? table.first { $0.pid == leader.pid && $0.startTicks == leader.startTicks } : nil
    }
    let pidTakenOver =
      leader.map { leader in
        leaderNow == nil && table.contains { $0.pid == leader.pid }
      } ?? true

    func belongs(_ stat: ProcessStat) -> Bool {
      if stat == leaderNow { return true }
      if let leader, stat.session == leader.pid, stat.pid != leader.pid, !pidTakenOver,
        leaderNow != nil || stat.startTicks <= leaderSeenTicks
      {
        return true
      }
      return !mark.isEmpty && carries(stat.pid, mark)
    }

    // Whatever the leader started began after it.
    let candidates = table.filter { $0.startTicks >= oldest && $0.pid != here && $0.pid > 1 }
    var found = Set<Int32>()
    var children: [Int32: [Int32]] = [:]
    for stat in candidates { children[stat.parent, default: []].append(stat.pid) }
    var open = candidates.filter(belongs).map(\.pid)
    while let pid = open.popLast() {
      guard found.insert(pid).inserted else { continue }
      open.append(contentsOf: children[pid] ?? [])
    }
    return candidates.filter { found.contains($0.pid) && $0.isLive }
  }

  /// Sends `signal` to the members of the leader's process group; returns how many there were.
  @discardableResult
  package func signalGroup(_ signal: Int32) throws(JobsError) -> Int {
    guard let leader else { return 0 }
    let group = members().filter { $0.group == leader.pid }
    for stat in group { try stat.identity.send(signal) }
    return group.count
  }

  static func everyProcess() -> [ProcessStat] {
    // Several times for each job that ends, so not by Foundation.
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var table: [ProcessStat] = []
    while let entry = readdir(directory) {
      guard (0x30...0x39).contains(entry.pointee.d_name.0) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let pid = Int32(name), let stat = ProcessStat.read(pid: pid) { table.append(stat) }
    }
    return table
  }

  /// Whether the environment that a process was started with holds the mark. False for processes of
  /// other users, whose environment is not ours to read.
  static func carries(_ pid: Int32, _ mark: String) -> Bool {
    guard let bytes = RawFile.kernelFile("/proc/\(pid)/environ"), !bytes.isEmpty else {
      return false
    }
    let wanted = Array("\(markVariable)=\(mark)".utf8)
    return bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
  }
}

extension ProcessStat {
  /// In this boot.
  package var identity: ProcessIdentity {
    ProcessIdentity(pid: pid, startTicks: startTicks, bootId: ProcessIdentity.currentBootId)
  }
}
