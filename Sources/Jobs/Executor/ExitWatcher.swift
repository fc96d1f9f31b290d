// Notices the end of processes at once: one thread sleeps in epoll over their pidfds, which become
// readable when a process has ended, whether or not it is a child of this one.

import CLinux
import Foundation
import Glibc
import Synchronization

package final class ExitWatcher: Sendable {
  private let watched: Watched

  /// Starts the thread.
  package init() throws(JobsError) {
    let epoll = clinux_epoll_create()
    if epoll < 0 { throw .process(operation: "watch", pid: 0, errno: -epoll) }
    let wake = clinux_eventfd()
    if wake < 0 {
      close(epoll)
      throw .process(operation: "watch", pid: 0, errno: -wake)
    }
    watched = Watched(epoll: epoll, wake: wake)
    let added = clinux_epoll_add(epoll, wake, Watched.wakeId)
    if added < 0 { throw .process(operation: "watch", pid: 0, errno: -added) }
    Thread.detachNewThread { [watched] in
      _ = clinux_set_thread_name("exit-watcher")
      watched.run()
    }
  }

  /// Ends the thread; what has not ended by then is not reported.
  deinit { _ = clinux_eventfd_signal(watched.wake) }

  /// Calls `onExit` once on the watcher's thread when the process has ended: shortly, please. Takes
  /// the pidfd over and closes it after the call.
  package func watch(
    pidfd: Int32, pid: Int32, onExit: @escaping @Sendable () -> Void
  ) throws(JobsError) {
    let id = watched.insert(pidfd, onExit)
    let added = clinux_epoll_add(watched.epoll, pidfd, id)
    if added < 0 {
      watched.remove(id)
      close(pidfd)
      throw .process(operation: "watch", pid: pid, errno: -added)
    }
  }

  /// The state that the thread shares; it lives as long as the thread or the watcher.
  private final class Watched: Sendable {
    static let wakeId: UInt64 = 0
    let epoll: Int32
    let wake: Int32
    private struct Entry {
      var pidfd: Int32
      var onExit: @Sendable () -> Void
    }
    private let entries = Mutex<(next: UInt64, byId: [UInt64: Entry])>((1, [:]))

    init(epoll: Int32, wake: Int32) {
      self.epoll = epoll
      self.wake = wake
    }

    deinit {
      entries.withLock { for entry in $0.byId.values { close(entry.pidfd) } }
      close(epoll)
      close(wake)
    }

    func insert(_ pidfd: Int32, _ onExit: @escaping @Sendable () -> Void) -> UInt64 {
      entries.withLock {
        let id = $0.next
        $0.next += 1
        $0.byId[id] = Entry(pidfd: pidfd, onExit: onExit)
        return id
      }
    }

    func remove(_ id: UInt64) { _ = entries.withLock { $0.byId.removeValue(forKey: id) } }

    func run() {
      var ready = [UInt64](repeating: 0, count: 64)
      while true {
        let count = clinux_epoll_wait(epoll, &ready, Int32(ready.count))
        // Only a closed epoll can fail, and it is closed by whoever holds this object: nobody.
        if count < 0 { return }
        for id in ready[..<Int(count)] {
          if id == Self.wakeId { return }
          guard let entry = entries.withLock({ $0.byId.removeValue(forKey: id) }) else { continue }
          _ = clinux_epoll_remove(epoll, entry.pidfd)
          entry.onExit()
          close(entry.pidfd)
        }
      }
    }
  }
}
