// A daemon that comes back finds out what became of its workers, and never mistakes a stranger for
// one.

import Experiments
import Foundation
import Glibc
import Jobs
import Testing

extension ProcessTests {
  @Suite(.serialized, .timeLimit(.minutes(5))) struct AdoptionTests {
    private let wait = "echo $$ > pids; exec sleep 600"
    private let record = ExitRecord(
      state: .finished, exitCode: 0, cost: Cost(wallSeconds: 1.5),
      endedAt: Timestamp(microseconds: 7), unsent: true)

    @Test(arguments: [true, false])
    func `a worker of an earlier daemon is adopted and its end reported`(
      recorded: Bool
    ) async throws {
      // Not exec: the command line must go on naming the folder.
      try await Workshop.with("echo $$ > pids; sleep 600 & wait") { shop in
        let folder = shop.attempt(1)
        let order = try shop.startOrphan()
        let process = try #require(try await shop.pids(1).first)
        if recorded { try folder.write(process) }
        let adoption = try await shop.executor.adopt(folder)
        guard case .alive(let handle) = adoption else {
          Issue.record("\(adoption)")
          return
        }
        #expect(handle.process == process && handle.attemptId == 1 && handle.task == .work)
        #expect(!handle.isChild && handle.mark == order.mark)
        #expect(try folder.readProcess() == process)
        #expect(try folder.readClaim() == nil)
        try await shop.executor.cancel(handle, grace: .zero)
        let exit = try #require(await shop.nextExit())
        #expect(exit.process == process && exit.status == nil && exit.leftover == nil)
        #expect(try await shop.executor.adopt(folder) == .vanished(claimed: false))
      }
    }

    @Test func `the true result of a worker that ended meanwhile is taken`() async throws {
      try await Workshop.with("exit 0") { shop in
        _ = try await shop.start()
        _ = await shop.nextExit()
        try shop.attempt(1).write(record)
        #expect(try shop.attempt(1).claim())
        #expect(try await shop.executor.adopt(shop.attempt(1)) == .ended(record))
        // Looking does not change it.
        #expect(try await shop.executor.adopt(shop.attempt(1)) == .ended(record))
      }
    }

    @Test func `one that vanished in its work is told from one that never began`() async throws {
      try await Workshop.with("exit 1") { shop in
        for id in [Int64(1), 2] {
          _ = try await shop.start(id)
          _ = await shop.nextExit()
        }
        #expect(try shop.attempt(1).claim())
        #expect(try await shop.executor.adopt(shop.attempt(1)) == .vanished(claimed: true))
        #expect(try await shop.executor.adopt(shop.attempt(2)) == .vanished(claimed: false))
        // From now on it cannot begin any more.
        #expect(try !shop.attempt(2).claim())
        #expect(try await shop.executor.adopt(shop.attempt(2)) == .vanished(claimed: false))
      }
    }

    @Test func `a start that was cut short leaves an attempt that never began`() async throws {
      try await Workshop.with("exit 0") { shop in
        // No folder, a folder alone, and a folder with its order.
        #expect(try await shop.executor.adopt(shop.attempt(1)) == .vanished(claimed: false))
        try shop.attempt(2).create()
        #expect(try await shop.executor.adopt(shop.attempt(2)) == .vanished(claimed: false))
        try shop.attempt(3).create()
        try shop.attempt(3).write(shop.order(3))
        #expect(try await shop.executor.adopt(shop.attempt(3)) == .vanished(claimed: false))
      }
    }

    @Test func `what a killed worker left is ended, also if it holds the lock`() async throws {
      // The worker ends and its child, in a session of its own, keeps descriptor 3.
      try await Workshop.with("setsid sleep 600 & echo $! > pids") { shop in
        _ = try shop.startOrphan()
        let left = try #require(try await shop.pids(1).first)
        #expect(try FileLock.isHeld(shop.attempt(1).lockPath))
        #expect(try shop.attempt(1).claim())
        #expect(try await shop.executor.adopt(shop.attempt(1)) == .vanished(claimed: true))
        #expect(!left.isAlive)
        #expect(try !FileLock.isHeld(shop.attempt(1).lockPath))
      }
    }

    @Test func `a lock held by a stranger is an error, and the stranger lives`() async throws {
      try await Workshop.with("exit 0") { shop in
        let folder = shop.attempt(1)
        try folder.create()
        try folder.write(shop.order(1))
        let lock = try FileLock.require(folder.lockPath)
        let error = await #expect(throws: JobsError.self) {
          try await shop.executor.adopt(folder)
        }
        #expect(error?.code == "lock_held")
        withExtendedLifetime(lock) {}
      }
    }

    @Test func `a process that only has the worker's pid is never touched`() async throws {
      try await Workshop.with(wait) { shop in
        let folder = shop.attempt(1)
        try folder.create()
        try folder.write(shop.order(1))
        #expect(try folder.claim())
        try await Spawned.withStranger { stranger in
          var wrongTicks = stranger
          wrongTicks.startTicks -= 1
          var wrongBoot = stranger
          wrongBoot.bootId = "00000000-0000-0000-0000-000000000000"
          for process in [wrongTicks, wrongBoot] {
            try folder.write(process)
            #expect(try await shop.executor.adopt(folder) == .vanished(claimed: true))
            #expect(try !process.send(SIGKILL))
            let handle = WorkerHandle(
              attemptId: 1, process: process, task: .work, isChild: false, folder: folder,
              mark: shop.order(1).mark)
            try await shop.executor.cancel(handle, grace: .milliseconds(20))
            #expect(try await shop.executor.describe(handle) == nil)
            #expect(stranger.isAlive)
          }
          // Even with the right identity it is not the folder's worker: its lock is free.
          try folder.write(stranger)
          #expect(try await shop.executor.adopt(folder) == .vanished(claimed: true))
          #expect(stranger.isAlive)
        }
      }
    }

    @Test func `a worker that was revoked before it began does nothing`() async throws {
      // The script plays the worker's side: it begins only if it can make the claim.
      let script = """
        while [ ! -e go ]; do sleep 0.01; done
        if (set -C; : > claim) 2> /dev/null; then exit 0; else exit 9; fi
        """
      try await Workshop.with(script) { shop in
        for (id, revoked) in [(Int64(1), true), (2, false)] {
          let folder = shop.attempt(id)
          _ = try await shop.start(id)
          if revoked { #expect(try folder.revoke()) }
          try DurableFile().replace(folder.path + "/go", with: [])
          #expect(await shop.nextExit()?.status == .code(revoked ? 9 : 0))
          #expect(try folder.readClaim() == (revoked ? .revoked : .claimed))
        }
      }
    }

    @Test func `a damaged order is an error, not a lost attempt`() async throws {
      try await Workshop.with("exit 0") { shop in
        try shop.attempt(1).create()
        try DurableFile().replace(shop.attempt(1).orderPath, with: "{".utf8)
        let error = await #expect(throws: JobsError.self) {
          try await shop.executor.adopt(shop.attempt(1))
        }
        #expect(error?.code == "file_damaged")
      }
    }
  }
}
