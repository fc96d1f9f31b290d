// Processes are read and recognised without mistaking one for another.

import Foundation
import Glibc
import Jobs
import Testing

@Suite struct ProcessStatTests {
  @Test(arguments: ["sh", "a b", "x) R 1 1 1", ") S (", "(((", "new\nline", ""])
  func `a command's name cannot forge the fields`(name: String) throws {
    let line =
      "42 (\(name)) S 7 40 39 34816 42 4194304 1 2 3 4 10 20 30 40 20 0 5 0 987654321 1000 77 "
      + "18446744073709551615 0\n"
    let stat = try #require(ProcessStat(Array(line.utf8)))
    #expect(stat.pid == 42 && stat.state == "S" && stat.parent == 7)
    #expect(stat.group == 40 && stat.session == 39 && stat.threads == 5)
    #expect(stat.startTicks == 987_654_321 && stat.cpuTicks == 100 && stat.residentPages == 77)
    #expect(stat.isLive)
  }

  @Test(arguments: ["", "42", "42 (sh", "42 (sh) S 1 2", ")(", "x (sh) S 1 1 1"])
  func `what is no such line is none`(text: String) {
    #expect(ProcessStat(Array(text.utf8)) == nil)
  }

  @Test func `this process is alive, and another boot's or moment's is not`() throws {
    let current = try #require(ProcessIdentity.current)
    #expect(current.isAlive)
    #expect(current.bootId.count == 36)
    var other = current
    other.startTicks += 1
    #expect(!other.isAlive)
    other = current
    other.bootId = "00000000-0000-0000-0000-000000000000"
    #expect(!other.isAlive)
    other = current
    other.pid = 0
    #expect(!other.isAlive)
    #expect(ProcessIdentity(pid: -1) == nil)
  }
}

/// Trees made up by hand; ticks say when each began.
@Suite struct ProcessFamilyTests {
  private func stat(
    _ pid: Int32, parent: Int32, session: Int32, ticks: UInt64, state: String = "S"
  ) throws -> ProcessStat {
    try #require(
      ProcessStat(
        Array(
          ("\(pid) (x) \(state) \(parent) \(session) \(session) 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 "
            + "\(ticks) 0 1\n").utf8)))
  }

  private func leader(_ pid: Int32, ticks: UInt64) -> ProcessIdentity {
    ProcessIdentity(pid: pid, startTicks: ticks, bootId: ProcessIdentity.currentBootId)
  }

  // Far above the machine's own pids, so that none of them is really there.
  private let worker: Int32 = 2_000_000_000

  @Test func `children, the session and the marked belong to it, and their children`() throws {
    let table = [
      try stat(worker, parent: 1, session: worker, ticks: 100),
      try stat(worker + 1, parent: worker, session: worker, ticks: 101),
      try stat(worker + 2, parent: 1, session: worker, ticks: 102),  // left the tree
      try stat(worker + 3, parent: 1, session: worker + 3, ticks: 103),  // left both; marked
      try stat(worker + 4, parent: worker + 3, session: worker + 3, ticks: 104),
      try stat(worker + 5, parent: 1, session: 5, ticks: 105),  // a stranger
      try stat(worker + 6, parent: worker, session: worker, ticks: 106, state: "Z"),
      try stat(worker + 7, parent: worker + 5, session: worker, ticks: 99),  // older than it
    ]
    let family = ProcessFamily(leader: leader(worker, ticks: 100), mark: "m")
    let members = family.members(among: table) { pid, mark in
      pid == worker + 3 && mark == "m"
    }
    #expect(members.map { $0.pid - worker } == [0, 1, 2, 3, 4])
  }

  @Test func `another process that got the pid is left alone, with its session`() throws {
    let table = [
      try stat(worker, parent: 1, session: worker, ticks: 500),
      try stat(worker + 1, parent: worker, session: worker, ticks: 501),
    ]
    let family = ProcessFamily(leader: leader(worker, ticks: 100), mark: "m")
    #expect(family.members(among: table) { _, _ in false }.isEmpty)
  }

  @Test func `a session whose leader is gone is not trusted`() throws {
    let table = [try stat(worker + 1, parent: 1, session: worker, ticks: 1 << 60)]
    let family = ProcessFamily(leader: leader(worker, ticks: 100), mark: "m")
    #expect(family.members(among: table) { _, _ in false }.isEmpty)
    #expect(family.members(among: table) { _, _ in true }.count == 1)
  }

  @Test func `without a leader only the mark counts`() throws {
    let table = [
      try stat(worker, parent: 1, session: worker, ticks: 100),
      try stat(worker + 1, parent: 1, session: worker, ticks: 100),
    ]
    let family = ProcessFamily(leader: nil, mark: "m")
    let marked = worker + 1
    #expect(family.members(among: table) { pid, _ in pid == marked }.map(\.pid) == [marked])
    #expect(
      ProcessFamily(leader: nil, mark: "").members(among: table) { _, _ in true }.isEmpty)
  }
}
