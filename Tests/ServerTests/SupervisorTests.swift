// Every attempt gets its true end, whatever happens to its worker or to the daemon.

import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SupervisorTests {
  @Test func noMoreJobsRunThanThereAreSlots() async throws {
    try await TestDaemon.with(slots: 2) { daemon in
      _ = try await daemon.client.submit(
        Specs.train("a"), Specs.train("b"), Specs.train("c"),
        Specs.train("urgent", extra: ["priority": .int(5)]))
      try await PlayedWorker.with(daemon, 2) { worker in
        let status = try await daemon.client.status()
        #expect(status.slotsInUse == 2)
        #expect(status.jobsByState["queued"] == 2)
        try await worker.start()
        try await worker.finish()
        // It has told its end, but its process is still there and holds the slot.
        #expect(daemon.workers.state.value.orders.count == 2)
        daemon.workers.exit(worker.attempt)
      }
      let third = try await daemon.workers.order(3)
      #expect(third.spec["name"] != nil)
    }
  }

  @Test func higherPriorityGoesFirst() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train("first"))
      let first = try await daemon.workers.order(1)
      _ = try await daemon.client.submit(
        Specs.train("low"), Specs.train("high", extra: ["priority": .int(5)]))
      try daemon.workers.exit(first.attemptId, leaving: Self.record(.finished))
      #expect(try await daemon.workers.order(2).spec["name"] == .string("high"))
    }
  }

  @Test func theResultInTheFolderIsTheTruth() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let order = try await daemon.workers.order(1)
      let folder = try daemon.workers.folder(order.attemptId)
      try daemon.workers.exit(
        order.attemptId,
        leaving: Self.record(.failed, failure: Failure(code: "nan_loss", message: "NaN in epoch 2"))
      )
      try await eventually { try await daemon.client.job(1).state.isFinal }
      let job = try await daemon.client.job(1)
      #expect(job.state == .failed)
      #expect(job.failure?.code == "nan_loss")
      try await eventually { !FileManager.default.fileExists(atPath: folder.path) }
    }
  }

  @Test func whatIsUnsentIsSentBeforeTheEnd() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished, unsent: true))
        try await eventually { daemon.workers.state.value.flushed == [worker.attempt] }
        #expect(try await daemon.client.job(1).state == .running)
        // The flushing process sends the rest and ends.
        try await worker.epoch(1)
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished))
      }
      try await eventually { try await daemon.client.job(1).state.isFinal }
      #expect(try await daemon.client.job(1).state == .finished)
      #expect(try await daemon.client.run("1").metrics["loss"]?.count == 1)
    }
  }

  @Test func aFlushIsRepeatedUntilItSucceeds() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let folder = try daemon.workers.folder(worker.attempt)
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished, unsent: true))
        for (count, status) in [ExitStatus.code(1), .signal(9), .code(1)].enumerated() {
          try await eventually { daemon.workers.state.value.flushed.count == count + 1 }
          daemon.workers.exit(worker.attempt, status: status)
        }
        try await eventually { daemon.workers.state.value.flushed.count == 4 }
        #expect(FileManager.default.fileExists(atPath: folder.exitPath))
        #expect(try await daemon.client.job(1).state == .running)
        // What waits to be sent keeps nobody from working.
        #expect(try await daemon.client.status().slotsInUse == 0)
        try await worker.epoch(1)
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished))
      }
      try await eventually { try await daemon.client.job(1).state == .finished }
      #expect(try await daemon.client.run("1").metrics["loss"]?.count == 1)
    }
  }

  @Test func refusedRecordsAreKeptAndFailTheJob() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let folder = try daemon.workers.folder(worker.attempt)
        try Self.leaveParcel(folder)
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished, unsent: true))
        try await eventually { daemon.workers.state.value.flushed.count == 1 }
        daemon.workers.exit(worker.attempt, status: .code(2))
        try await eventually { try await daemon.client.job(1).state.isFinal }
        let job = try await daemon.client.job(1)
        #expect(job.state == .failed)
        #expect(job.failure?.code == "records_refused")
        let kept = AttemptFolder(path: folder.path + ".refused")
        try await eventually { !FileManager.default.fileExists(atPath: folder.path) }
        #expect(try kept.readExit()?.unsent == true)
        #expect(FileManager.default.fileExists(atPath: kept.spoolPath + "/00000001.parcel"))
      }
    }
  }

  @Test func refusedRecordsThatWereNotSetAsideYetAreSoByTheNextDaemon() async throws {
    let path = Locked("")
    try await restarting { daemon in
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        let folder = try daemon.workers.folder(worker.attempt)
        path.change { $0 = folder.path }
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
        try await eventually { !FileManager.default.fileExists(atPath: folder.path) }
        try FileManager.default.createDirectory(
          atPath: folder.spoolPath, withIntermediateDirectories: true)
        try Self.leaveParcel(folder)
      }
    } after: { _ in
      let folder = AttemptFolder(path: path.value)
      try await eventually { !FileManager.default.fileExists(atPath: folder.path) }
      let kept = AttemptFolder(path: folder.path + ".refused")
      #expect(FileManager.default.fileExists(atPath: kept.spoolPath + "/00000001.parcel"))
    }
  }

  @Test func whatAKilledWorkerHasSpooledIsSentBeforeItIsLost() async throws {
    try await restarting { daemon in
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try Self.leaveParcel(try daemon.workers.folder(worker.attempt))
        _ = daemon.workers.state.change { $0.alive.removeValue(forKey: worker.attempt) }
      }
    } after: { daemon in
      try await eventually { daemon.workers.state.value.flushed.count == 1 }
      try await PlayedWorker.with(daemon) { worker in
        try await worker.epoch(1)
        try await worker.checkpoint(1)
        let folder = try daemon.workers.folder(worker.attempt)
        try FileManager.default.removeItem(atPath: folder.spoolPath + "/00000001.parcel")
        daemon.workers.exit(worker.attempt)
      }
      try await PlayedWorker.with(daemon, 2) { worker in
        let reply = try await worker.start()
        #expect(reply.resumeEpoch == 1)
      }
      #expect(try await daemon.client.detail("1").attempts.map(\.state) == [.lost, .running])
    }
  }

  @Test(arguments: [true, false])
  func aWorkerStoppedBySomebodyElseGoesOn(tellsItself: Bool) async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.checkpoint(3)
        if tellsItself { try await worker.finish(.cancelled) }
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.cancelled))
      }
      try await PlayedWorker.with(daemon, 2) { worker in
        #expect(worker.order.runId == 1)
        let reply = try await worker.start()
        #expect(reply.resumeEpoch == 3)
      }
      let attempts = try await daemon.client.detail("1").attempts
      #expect(attempts.map(\.state) == [.lost, .running])
      #expect(attempts.first?.failure?.code == "worker_stopped")
    }
  }

  @Test func theNewestAttemptIsCancelled() async throws {
    try await TestDaemon.with(slots: 2) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        // It was stopped by somebody else, and its process is still there.
        try await worker.finish(.cancelled)
      }
      try await PlayedWorker.with(daemon, 2) { worker in
        try await worker.start()
        _ = try await daemon.client.cancel(1)
        try await eventually { try await daemon.client.job(1).state == .cancelled }
        #expect(daemon.workers.state.value.cancelled == [worker.attempt])
      }
    }
  }

  @Test func aFlushIsNotCancelled() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let order = try await daemon.workers.order(1)
      try daemon.workers.exit(order.attemptId, leaving: Self.record(.finished, unsent: true))
      try await eventually { daemon.workers.state.value.flushed.count == 1 }
      _ = try await daemon.client.cancel(1)
      #expect(daemon.workers.state.value.cancelled.isEmpty)
      try daemon.workers.exit(order.attemptId, leaving: Self.record(.finished))
      try await eventually { try await daemon.client.job(1).state == .finished }
    }
  }

  @Test func anAttemptThatCannotBeLookedAtNowIsLookedAtAgain() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let order = try await daemon.workers.order(1)
      daemon.workers.state.change {
        $0.adoptErrors = [.process(operation: "open", pid: 1, errno: EMFILE)]
      }
      try daemon.workers.exit(order.attemptId, leaving: Self.record(.finished))
      try await eventually { try await daemon.client.job(1).state.isFinal }
      #expect(try await daemon.client.job(1).state == .finished)
      #expect(daemon.workers.state.value.orders.count == 1)
    }
  }

  @Test func aStartForWhichThereIsNoRoomIsTriedAgain() async throws {
    try await TestDaemon.with { daemon in
      daemon.workers.state.change {
        $0.startError = .spawn(program: "/worker", step: "make a process for", errno: EAGAIN)
      }
      _ = try await daemon.client.submit(Specs.train())
      try await eventually { try await daemon.client.job(1).attempts == 1 }
      daemon.workers.state.change { $0.startError = nil }
      let order = try await daemon.workers.order(1)
      #expect(order.runId == 1)
      // One failure, one start: it is not tried as fast as it fails.
      #expect(order.number == 2)
    }
  }

  @Test(arguments: [true, false])
  func outputBeyondWhatWasSentIsKept(tellsItself: Bool) async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let text = "sent\n" + String(repeating: "0123456789abcde\n", count: 200_000) + "last words\n"
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        // As far as a worker comes that is cut off in the middle of a piece.
        for (offset, end) in [(0, 5), (5, 700_001), (700_001, 1_400_002)] {
          _ = try await worker.client.sendLog(
            worker.attempt, offset: Int64(offset), Array(text.utf8)[offset..<end].map { $0 })
        }
        let folder = try daemon.workers.folder(worker.attempt)
        try text.write(toFile: folder.outputPath, atomically: true, encoding: .utf8)
        if tellsItself { try await worker.finish() }
        try daemon.workers.exit(worker.attempt, leaving: Self.record(.finished))
        try await eventually { !FileManager.default.fileExists(atPath: folder.path) }
      }
      var log = ""
      var offset: Int64 = 0
      while true {
        let page = try await daemon.client.log("1", offset: offset)
        log += page.text
        guard page.next > offset else { break }
        offset = page.next
      }
      #expect(log == text)
    }
  }

  @Test func aVanishedTrainingGoesOnInTheSameRun() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await worker.checkpoint(1)
        let output = try daemon.workers.folder(worker.attempt).outputPath
        try "killed here\n".write(toFile: output, atomically: true, encoding: .utf8)
        daemon.workers.exit(worker.attempt, status: .signal(9))
      }
      try await PlayedWorker.with(daemon, 2) { worker in
        #expect(worker.order.runId == 1)
        #expect(worker.order.number == 2)
        #expect(try await worker.start().resumeEpoch == 1)
        try await worker.epoch(2)
        try await worker.finish()
      }
      let detail = try await daemon.client.detail("1")
      #expect(detail.attempts.map(\.state) == [.lost, .finished])
      #expect(detail.attempts.map(\.resumedFromEpoch) == [nil, 1])
      #expect(detail.run.status == .finished)
      #expect(try await daemon.client.log("1").text == "killed here\n")
    }
  }

  @Test func aJobThatIsAlwaysLostIsGivenUp() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(Specs.train())
      for count in 1...Limits.lostAttemptsWithoutProgress {
        try await PlayedWorker.with(daemon, count) { worker in
          try await worker.start()
          daemon.workers.exit(worker.attempt, status: .signal(11))
        }
      }
      try await eventually { try await daemon.client.job(1).state.isFinal }
      let job = try await daemon.client.job(1)
      #expect(job.state == .lost)
      #expect(job.failure?.message == "the worker ended without a result (signal 11)")
      #expect(try await daemon.client.run("1").status == .lost)
    }
  }

  @Test func theRequeuePolicyBeginsANewRun() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      _ = try await daemon.client.submit(
        Specs.train(extra: ["on_lost": .string("requeue")]))
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        daemon.workers.exit(worker.attempt, status: .signal(9))
      }
      let second = try await daemon.workers.order(2)
      #expect(second.runId == 2)
      #expect(try await daemon.client.run("1").status == .lost)
    }
  }

  @Test func aRunningJobIsCancelled() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        #expect(try await daemon.client.cancel(1).cancelRequested)
      }
      try await eventually { try await daemon.client.job(1).state.isFinal }
      #expect(try await daemon.client.job(1).state == .cancelled)
      #expect(daemon.workers.state.value.cancelled.count == 1)
    }
  }

  @Test func aWorkerThatCannotBeStartedFailsItsJob() async throws {
    try await TestDaemon.with { daemon in
      daemon.workers.state.change {
        $0.startError = .spawn(program: "/no/worker", step: "run", errno: ENOENT)
      }
      _ = try await daemon.client.submit(Specs.train())
      try await eventually { try await daemon.client.job(1).state.isFinal }
      let job = try await daemon.client.job(1)
      #expect(job.state == .failed)
      #expect(job.failure?.code == "worker_not_started")
    }
  }

  @Test func aLivingWorkerIsAdopted() async throws {
    try await restarting { daemon in
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
      }
    } after: { daemon in
      try await eventually { try await daemon.client.status().slotsInUse == 1 }
      try await PlayedWorker.with(daemon) { worker in
        try await worker.epoch(2)
        try await worker.finish()
        daemon.workers.exit(worker.attempt)
      }
      try await eventually { try await daemon.client.status().slotsInUse == 0 }
      let run = try await daemon.client.run("1")
      #expect(run.status == .finished)
      #expect(run.metrics["loss"]?.count == 2)
      #expect(daemon.workers.state.value.orders.count == 1)
    }
  }

  @Test func anEndWhileNoDaemonRanIsFound() async throws {
    try await restarting { daemon in
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try daemon.workers.folder(worker.attempt).write(Self.record(.timedOut))
        _ = daemon.workers.state.change { $0.alive.removeValue(forKey: worker.attempt) }
      }
    } after: { daemon in
      try await eventually { try await daemon.client.job(1).state == .timedOut }
    }
  }

  @Test func aDeathWhileNoDaemonRanIsFound() async throws {
    try await restarting { daemon in
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        _ = daemon.workers.state.change { $0.alive.removeValue(forKey: worker.attempt) }
      }
    } after: { daemon in
      try await PlayedWorker.with(daemon, 2) { worker in
        #expect(worker.order.runId == 1)
        #expect(worker.order.number == 2)
      }
      #expect(try await daemon.client.detail("1").attempts.first?.state == .lost)
    }
  }

  @Test func queuedJobsStartAfterARestart() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      try await TestDaemon.with(folder: folder, slots: 1, workers: workers) { daemon in
        _ = try await daemon.client.submit(Specs.train(), Specs.train())
        let order = try await workers.order(1)
        try workers.folder(order.attemptId).write(Self.record(.finished))
        _ = workers.state.change { $0.alive.removeValue(forKey: order.attemptId) }
      }
      try await TestDaemon.with(folder: folder, slots: 1, workers: workers) { daemon async throws in
        #expect(try await daemon.workers.order(2).jobId == 2)
        #expect(try await daemon.client.job(1).state == .finished)
      }
    }
  }

  private func restarting(
    before: (TestDaemon) async throws -> Void, after: (TestDaemon) async throws -> Void
  ) async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        _ = try await daemon.client.submit(Specs.train())
        try await before(daemon)
      }
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock, after)
    }
  }

  private static func leaveParcel(_ folder: AttemptFolder) throws {
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.spoolPath + "/00000001.parcel"))
  }

  static func record(
    _ state: AttemptState, failure: Failure? = nil, unsent: Bool = false
  ) -> ExitRecord {
    ExitRecord(
      state: state, failure: failure, cost: Cost(),
      endedAt: Timestamp(microseconds: 1_800_000_100_000_000), unsent: unsent)
  }
}
