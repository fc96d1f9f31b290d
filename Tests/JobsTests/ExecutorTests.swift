// Workers are started clean, watched, and ended with everything they have started.

import CLinux
import Experiments
import Foundation
import Glibc
import Jobs
import Testing

extension ProcessTests {
  @Suite(.serialized, .timeLimit(.minutes(5))) struct ExecutorTests {
    @Test func `a worker starts in its own session with nothing but its own`() async throws {
      try await TemporaryFolder.with { other in
        // A descriptor that would be inherited, and a signal that would stay ignored.
        let leak = open(other + "/leak", O_WRONLY | O_CREAT, 0o600)
        defer { close(leak) }
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        // The blocked and ignored signals are those of `cat`, which inherits them: the shell blocks
        // all for a moment before it waits.
        let script = """
          cat /proc/$$/stat > stat
          cat /proc/self/status > status
          (for fd in 0 1 2 3; do readlink /proc/$$/fd/$fd; done) > fds
          ls -l /proc/$$/fd > all
          env > environment
          pwd > directory
          echo to output; echo to error >&2
          exit 7
          """
        let environment = ["PATH": "/usr/bin:/bin", "KEPT": "yes", "NOTIFY_SOCKET": "/run/x"]
        try await Workshop.with(script, environment: environment) { shop in
          let folder = shop.attempt(1)
          let handle = try await shop.start()
          #expect(try folder.readProcess() == handle.process)
          let exit = try #require(await shop.nextExit())
          #expect(exit.attemptId == 1 && exit.task == .work && exit.status == .code(7))
          #expect(exit.process == handle.process && exit.leftover == nil)
          #expect(handle.process.stat == nil, "a zombie is left")

          func text(_ name: String) throws -> String {
            try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
          }
          let stat = try #require(ProcessStat(Array(try text("stat").utf8)))
          #expect(stat.session == handle.process.pid && stat.group == handle.process.pid)
          #expect(stat.startTicks == handle.process.startTicks)
          #expect(
            try text("fds").split(separator: "\n").map(String.init) == [
              "/dev/null", folder.outputPath, folder.outputPath, folder.lockPath,
            ])
          #expect(try !text("all").contains(other + "/leak"))
          let status = try text("status")
          for name in ["SigBlk", "SigIgn"] {
            #expect(status.contains("\(name):\t0000000000000000\n"), "\(status)")
          }
          let variables = try text("environment")
          #expect(variables.contains("KEPT=yes\n") && !variables.contains("NOTIFY_SOCKET"))
          #expect(variables.contains("\(ProcessFamily.markVariable)=\(handle.mark)\n"))
          #expect(!variables.contains("secret"))
          #expect(variables.contains("SWIFT_BACKTRACE=enable=no\n"))
          #expect(try text("directory") == folder.path + "\n")
          #expect(try text("output") == "to output\nto error\n")
        }
      }
    }

    @Test func `the end by a signal is told`() async throws {
      try await Workshop.with("kill -9 $$") { shop in
        _ = try await shop.start()
        #expect(await shop.nextExit()?.status == .signal(9))
      }
    }

    @Test func `the lock is held for as long as the worker lives`() async throws {
      try await Workshop.with("exec sleep 600") { shop in
        let handle = try await shop.start()
        #expect(try FileLock.isHeld(shop.attempt(1).lockPath))
        #expect(try FileLock.acquire(shop.attempt(1).lockPath) == nil)
        #expect(try handle.process.send(SIGKILL))
        #expect(await shop.nextExit()?.status == .signal(9))
        #expect(try !FileLock.isHeld(shop.attempt(1).lockPath))
        #expect(try !handle.process.send(SIGKILL))
      }
    }

    @Test(arguments: [("/nonexistent/assay-worker", ENOENT), ("/etc/passwd", EACCES)])
    func `a program that cannot be run is an error and leaves nothing`(
      path: String, number: Int32
    ) async throws {
      try await TemporaryFolder.with { parent in
        let executor = try LocalExecutor(program: WorkerProgram(path: path, environment: [:]))
        let folder = AttemptFolder(path: parent + "/1")
        let order = AttemptFolderTests.order()
        let error = await #expect(throws: JobsError.self) {
          try await executor.start(order, in: folder)
        }
        #expect(error == .spawn(program: path, step: "run", errno: number))
        #expect(error?.code == "worker_not_started" && error?.hint != nil)
        #expect(try !FileLock.isHeld(folder.lockPath))
        #expect(try await executor.adopt(folder) == .vanished(claimed: false))
      }
    }

    @Test func `an attempt is started once`() async throws {
      try await Workshop.with("exit 0") { shop in
        _ = try await shop.start()
        await #expect(throws: JobsError.attemptFolderExists(path: shop.attempt(1).path)) {
          try await shop.start()
        }
      }
    }

    @Test func `twenty at once are each reported once`() async throws {
      try await Workshop.with("exit ${PWD##*/}") { shop in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for id in 1...20 { group.addTask { _ = try await shop.start(Int64(id)) } }
          try await group.waitForAll()
        }
        var codes: [Int64: Jobs.ExitStatus?] = [:]
        for await exit in shop.executor.exits {
          #expect(codes[exit.attemptId] == nil)
          codes[exit.attemptId] = exit.status
          if codes.count == 20 { break }
        }
        for id in 1...20 { #expect(codes[Int64(id)] == .code(id)) }
      }
    }

    @Test func `what a worker leaves running ends with it`() async throws {
      let script = """
        sleep 600 & echo $! >> pids
        setsid sleep 600 & echo $! >> pids
        (setsid sh -c 'echo $$ >> pids; exec sleep 600' &)
        while [ $(wc -l < pids) -lt 3 ]; do sleep 0.01; done
        """
      try await Workshop.with(script) { shop in
        _ = try await shop.start()
        let left = try await shop.pids(3)
        let exit = try #require(await shop.nextExit())
        #expect(exit.status == .code(0) && exit.leftover == nil)
        for process in left { #expect(!process.isAlive) }
        #expect(try !FileLock.isHeld(shop.attempt(1).lockPath))
      }
    }

    @Test func `a worker that obeys is not killed`() async throws {
      let script = "trap 'echo obeyed > answer; exit 5' TERM; echo $$ > pids; sleep 600 & wait"
      try await Workshop.with(script) { shop in
        let handle = try await shop.start()
        _ = try await shop.pids(1)
        try await shop.executor.cancel(handle, grace: .seconds(30))
        #expect(await shop.nextExit()?.status == .code(5))
        #expect(FileManager.default.fileExists(atPath: shop.attempt(1).path + "/answer"))
        #expect(handle.process.stat == nil)
      }
    }

    @Test func `cancel leaves nobody, however they hide`() async throws {
      // Everybody ignores TERM. In turn: a child; one in a session of its own; one that has left
      // session and tree; one with an empty environment that stays in the session but has left
      // the tree; one with an empty environment and a session of its own, still in the tree.
      let script = """
        trap '' TERM
        stay='trap "" TERM; echo $$ >> pids; while :; do sleep 1; done'
        sh -c "$stay" &
        setsid sh -c "$stay" &
        (setsid sh -c "$stay" &)
        (env -i PATH=$PATH sh -c "$stay" &)
        env -i PATH=$PATH setsid sh -c "$stay" &
        while :; do sleep 1; done
        """
      try await Workshop.with(script) { shop in
        let handle = try await shop.start()
        let hidden = try await shop.pids(5)
        #expect(hidden.count == 5)
        try await Spawned.withStranger { stranger in
          try await shop.executor.cancel(handle, grace: .milliseconds(50))
          for process in hidden { #expect(!process.isAlive, "\(process.pid)") }
          #expect(handle.process.stat == nil, "a zombie is left")
          #expect(stranger.isAlive)
        }
        #expect(await shop.nextExit()?.status == .signal(9))
        // Again, on one that is gone.
        try await shop.executor.cancel(handle, grace: .zero)
      }
    }

    @Test func `a fork storm is ended`() async throws {
      let script = """
        trap '' TERM
        echo $$ > pids
        storm() { while :; do (setsid sh -c 'sleep 0.05' &); done; }
        storm & storm & wait
        """
      try await Workshop.with(script) { shop in
        let handle = try await shop.start()
        _ = try await shop.pids(1)
        try await shop.executor.cancel(handle, grace: .milliseconds(100))
        #expect(ProcessFamily(leader: nil, mark: handle.mark).members().isEmpty)
        #expect(await shop.nextExit()?.status == .signal(9))
      }
    }

    @Test func `a cancelled cancel kills nobody`() async throws {
      try await Workshop.with("trap '' TERM; echo $$ > pids; while :; do sleep 1; done") { shop in
        let handle = try await shop.start()
        _ = try await shop.pids(1)
        let task = Task { try await shop.executor.cancel(handle, grace: .seconds(600)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(handle.process.isAlive)
        try await shop.executor.cancel(handle, grace: .zero)
        #expect(!handle.process.isAlive)
      }
    }

    @Test func `what a worker and its children use`() async throws {
      try await Workshop.with("sleep 600 & echo $! > pids; wait") { shop in
        let handle = try await shop.start()
        _ = try await shop.pids(1)
        let usage = try #require(try await shop.executor.describe(handle))
        #expect(usage.pid == handle.process.pid && usage.processes == 2)
        #expect(usage.residentBytes > 100_000 && usage.cpuSeconds >= 0)
        try await shop.executor.cancel(handle, grace: .zero)
        #expect(try await shop.executor.describe(handle) == nil)
      }
    }

    @Test func `a flush is started on the folder of an ended worker only`() async throws {
      let script = "if [ $1 = --flush ]; then echo $2 > flushed; exit 3; fi; exec sleep 600"
      try await Workshop.with(script) { shop in
        let folder = shop.attempt(1)
        let worker = try await shop.start()
        let held = await #expect(throws: JobsError.self) { try await shop.executor.flush(folder) }
        #expect(held?.code == "lock_held")
        try await shop.executor.cancel(worker, grace: .zero)
        #expect(await shop.nextExit()?.task == .work)
        let handle = try await shop.executor.flush(folder)
        #expect(handle.task == .flush && handle.mark == worker.mark)
        let exit = try #require(await shop.nextExit())
        #expect(exit.task == .flush && exit.status == .code(3) && exit.process == handle.process)
        #expect(FileManager.default.fileExists(atPath: folder.path + "/flushed"))
      }
    }
  }
}
