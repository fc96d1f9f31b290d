// Which process, for good: a pid is given to another process later, so it counts only together with
// the moment its process began and the boot it began in. Signals go through a pidfd that is opened
// first and checked afterwards, so they reach this very process or none.

import CLinux
import Foundation
import Glibc

package struct ProcessIdentity: Sendable, Hashable, Codable {
  package var pid: Int32
  /// Field 22 of /proc/PID/stat.
  package var startTicks: UInt64
  /// /proc/sys/kernel/random/boot_id.
  package var bootId: String

  package init(pid: Int32, startTicks: UInt64, bootId: String) {
    self.pid = pid
    self.startTicks = startTicks
    self.bootId = bootId
  }

  /// The process that has this pid now; nil if there is none.
  package init?(pid: Int32) {
    guard let stat = ProcessStat.read(pid: pid) else { return nil }
    self.init(pid: pid, startTicks: stat.startTicks, bootId: Self.currentBootId)
  }

  /// The process this code runs in; nil without /proc.
  package static var current: ProcessIdentity? { ProcessIdentity(pid: getpid()) }

  package static let currentBootId: String =
    (RawFile.kernelText("/proc/sys/kernel/random/boot_id") ?? "")
    .trimmingCharacters(in: .whitespacesAndNewlines)

  /// Whether this very process is running: not another one with its pid, not one that has ended and
  /// only waits for its parent.
  package var isAlive: Bool { stat?.isLive ?? false }

  /// Its line in /proc, also while it is a zombie; nil if it is gone.
  package var stat: ProcessStat? {
    guard pid > 0, bootId == Self.currentBootId, let stat = ProcessStat.read(pid: pid),
      stat.startTicks == startTicks
    else { return nil }
    return stat
  }

  /// Opens a descriptor of this process; nil if it is gone. Closed by the caller.
  package func openDescriptor() throws(JobsError) -> Int32? {
    guard stat != nil else { return nil }
    let descriptor = clinux_pidfd_open(pid)
    if descriptor == -ESRCH { return nil }
    if descriptor < 0 { throw .process(operation: "open", pid: pid, errno: -descriptor) }
    // Between the first look and the open the pid may have changed hands. The descriptor holds on
    // to one process; that it is the right one shows now.
    guard stat != nil else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// Sends `signal` to this process; false if it is gone, or has ended.
  @discardableResult
  package func send(_ signal: Int32) throws(JobsError) -> Bool {
    guard let descriptor = try openDescriptor() else { return false }
    defer { close(descriptor) }
    guard isAlive else { return false }
    let sent = clinux_pidfd_send_signal(descriptor, signal)
    if sent == -ESRCH { return false }
    if sent < 0 { throw .process(operation: "signal", pid: pid, errno: -sent) }
    return true
  }
}
