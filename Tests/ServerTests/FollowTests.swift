// Live views lose nothing and double nothing, whatever happens to the connection.

import Client
import Experiments
import Foundation
import Jobs
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct FollowTests {
  @Test func everyEpochComesOnceAndThenTheEnd() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let seen = Locked<[Int64]>([])
      let follower = Task {
        var end: EndEvent?
        for try await event in daemon.client.followJob(1) {
          switch event {
          case .epoch(let epoch): seen.change { $0.append(epoch.epoch) }
          case .progress: break
          case .end(let last): end = last
          }
        }
        return end
      }
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        for epoch in 1...5 {
          try await worker.epoch(Int64(epoch))
          if epoch == 2 { try await eventually { seen.value.count == 2 } }
        }
        try await worker.checkpoint(5)
        try await worker.finish()
      }
      let end = try #require(try await follower.value)
      #expect(seen.value == [1, 2, 3, 4, 5])
      #expect(end.job.state == .finished)
      #expect(end.run?.metrics["loss"]?.last == 0.2)
      #expect(end.checkpoints == 1)
    }
  }

  @Test func aFollowerGoesOnAfterARestart() async throws {
    try await TestDaemon.withFolder { folder in
      let workers = PlayedWorkers()
      let clock = TestClock()
      let client = AssayClient(socketPath: folder + "/s/assay.sock")
      let seen = Locked<[Int64]>([])
      var follower: Task<Bool, any Error>?
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        _ = try await daemon.client.submit(Specs.train())
        follower = Task {
          for try await event in client.followJob(1) {
            if case .epoch(let epoch) = event { seen.change { $0.append(epoch.epoch) } }
            if case .end = event { return true }
          }
          return false
        }
        try await PlayedWorker.with(daemon) { worker in
          try await worker.start()
          try await worker.epoch(1)
          try await worker.epoch(2)
        }
        try await eventually { seen.value.count == 2 }
      }
      // The worker lived on while nobody listened.
      try await TestDaemon.with(folder: folder, workers: workers, clock: clock) { daemon in
        try await PlayedWorker.with(daemon) { worker in
          try await worker.epoch(3)
          try await worker.finish()
        }
        #expect(try await follower?.value == true)
      }
      #expect(seen.value == [1, 2, 3])
      await client.shutdown()
    }
  }

  @Test func aFollowerOfAnEndedJobGetsAllOfIt() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        try await worker.epoch(1)
        try await worker.finish(.failed, failure: Failure(code: "nan_loss", message: "NaN"))
      }
      var names: [String] = []
      for try await event in daemon.client.followJob(1) {
        switch event {
        case .epoch: names.append("epoch")
        case .progress: names.append("progress")
        case .end(let end): names.append("end \(end.job.failure?.code ?? "")")
        }
      }
      #expect(names == ["epoch", "end nan_loss"])
      await daemon.client.expectFailure("job_not_found") { for try await _ in $0.followJob(9) {} }
    }
  }

  @Test func aLogIsFollowedToItsEndWithoutCuttingCharacters() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      let text = Locked("")
      let follower = Task {
        for try await event in daemon.client.followLog("1") { text.change { $0 += event.text } }
      }
      let whole = "Grüße, 世界 🙂\n"
      try await PlayedWorker.with(daemon) { worker in
        try await worker.start()
        // One byte at a time: most pieces end within a character.
        for (offset, byte) in whole.utf8.enumerated() {
          _ = try await worker.client.sendLog(worker.attempt, offset: Int64(offset), [byte])
        }
        try await worker.finish()
      }
      try await follower.value
      #expect(text.value == whole)
    }
  }

  @Test func aPageOfALogNeverEndsWithinACharacter() async throws {
    try await TestDaemon.with { daemon in
      _ = try await daemon.client.submit(Specs.train())
      try await PlayedWorker.with(daemon) { worker in
        _ = try await worker.client.sendLog(
          worker.attempt, offset: 0, Array("aé🙂b".utf8))
      }
      var offset: Int64 = 0
      var pieces: [String] = []
      while offset < 8 {
        let page = try await daemon.client.log("1", offset: offset, limit: 4)
        pieces.append(page.text)
        #expect(page.next > offset)
        offset = page.next
      }
      #expect(pieces == ["aé", "🙂", "b"])
    }
  }

  @Test func eventsAreFollowedInOrder() async throws {
    try await TestDaemon.with { daemon in
      let kinds = Locked<[String]>([])
      let follower = Task {
        for try await event in daemon.client.followEvents() {
          kinds.change { $0.append(event.kind) }
          if event.kind == "run_cancelled" { return }
        }
      }
      _ = try await daemon.client.submit(Specs.train())
      _ = try await daemon.workers.order(1)
      _ = try await daemon.client.cancel(1)
      try await follower.value
      let all = try await daemon.client.events().items
      #expect(all.map(\.id) == all.map(\.id).sorted())
      #expect(kinds.value == all.prefix(kinds.value.count).map(\.kind))
      #expect(kinds.value.first == "job_submitted")
    }
  }

  @Test func aReaderOfEventsTakesPiecesOfAnySize() {
    let events = [
      ServerSentEvent(name: "epoch", id: "1.2", data: "{\"a\":1}"),
      ServerSentEvent(name: "log", id: "9", data: "two\nlines"),
      ServerSentEvent(name: "end", data: "{}"),
    ]
    let text = ServerSentEvent.keepAlive + events.map(\.text).joined(separator: ": comment\n\n")
    for size in [1, 2, 3, 7, 1000] {
      var reader = ServerSentEventReader()
      var read: [ServerSentEvent] = []
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: size) {
        read += reader.read(bytes[start..<min(start + size, bytes.count)])
      }
      #expect(read == events)
    }
  }
}
