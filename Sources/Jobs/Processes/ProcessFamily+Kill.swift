// The end of a family: every member is stopped before the first is killed, so that none can start
// another one while its parent dies, and the table is read again until nobody is left.

import Foundation
import Glibc

extension ProcessFamily {
  /// Kills every member and returns when none is left. The reading of /proc happens on `queue`.
  /// Throws `survivors` if some are still there at the deadline: a process that waits in the
  /// kernel for a dead file system cannot be killed.
  package func kill(
    on queue: BlockingQueue, deadline: Duration = .seconds(30)
  ) async throws {
    // Mostly nobody is left, and looking at every process of the machine takes its time.
    guard try await queue.run({ try self.freeze() }) else { return }
    let end = ContinuousClock.now + deadline
    var pause = Duration.milliseconds(2)
    while true {
      let left = try await queue.run {
        let members = self.members()
        for stat in members { try stat.identity.send(SIGKILL) }
        return members.map(\.pid)
      }
      if left.isEmpty { return }
      if ContinuousClock.now >= end { throw JobsError.survivors(pids: left) }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(100))
    }
  }

  /// Stops members until a look finds no new one. Bounded: one that is stuck in the kernel cannot
  /// be stopped, and cannot start others either.
  /// - Returns: whether there was any.
  private func freeze() throws(JobsError) -> Bool {
    var frozen = Set<ProcessIdentity>()
    for _ in 0..<100 {
      let new = members().map(\.identity).filter { !frozen.contains($0) }
      if new.isEmpty { return !frozen.isEmpty }
      for identity in new {
        try identity.send(SIGSTOP)
        frozen.insert(identity)
      }
    }
    return true
  }
}
