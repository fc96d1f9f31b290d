import Experiments
import Foundation
import Store
import Testing

@Suite struct LogTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func piecesJoinByTheirOffsets() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      func append(_ offset: Int64, _ text: String) async throws -> Int64 {
        try await test.store.appendLog(attempt: attempt.id, offset: offset, bytes: bytes(text))
      }
      #expect(try await append(0, "hello ") == 6)
      #expect(try await append(0, "hello ") == 6)
      #expect(try await append(3, "lo world") == 11)
      #expect(try await append(2, "l") == 11)
      do {
        _ = try await append(20, "gap")
        Issue.record("a gap was accepted")
      } catch let error as StoreError {
        #expect(error == .logGap(expected: 11, offset: 20))
      }
      await expect("invalid_value") { try await append(-1, "x") }
      for limit in 1...12 {
        var text: [UInt8] = []
        var offset: Int64 = 0
        while true {
          let piece = try await test.store.log(run: attempt.runId, from: offset, limit: limit)
          if piece.bytes.isEmpty { break }
          #expect(piece.bytes.count <= limit && !piece.end)
          text += piece.bytes
          offset = piece.next
        }
        #expect(text == bytes("hello world"))
      }
    }
  }

  @Test func attemptsFollowEachOther() async throws {
    try await TestStore.with { test in
      let first = try await test.start()
      _ = try await test.store.appendLog(attempt: first.id, offset: 0, bytes: bytes("first\n"))
      let second = try await test.resume(first)
      _ = try await test.store.appendLog(attempt: second.id, offset: 0, bytes: bytes("second\n"))
      let whole = try await test.store.log(run: first.runId, from: 0, limit: 100)
      #expect(whole.bytes == bytes("first\nsecond\n") && whole.next == 13 && !whole.end)
      let across = try await test.store.log(run: first.runId, from: 4, limit: 5)
      #expect(across.bytes == bytes("t\nsec") && across.next == 9)
      try await test.finish(second)
      #expect(try await !test.store.log(run: first.runId, from: 0, limit: 12).end)
      #expect(try await test.store.log(run: first.runId, from: 0, limit: 13).end)
      let beyond = try await test.store.log(run: first.runId, from: 99, limit: 5)
      #expect(beyond.bytes.isEmpty && beyond.end)
      await expect("run_not_found") { try await test.store.log(run: 99, from: 0, limit: 1) }
    }
  }

  @Test func whatIsBeyondTheLimitIsCountedAndSaid() async throws {
    try await TestStore.with { test in
      let attempt = try await test.start()
      let piece = [UInt8](repeating: 0x61, count: Limits.logPieceBytes)
      var offset: Int64 = 0
      while offset < Limits.logBytesPerAttempt {
        offset = try await test.store.appendLog(attempt: attempt.id, offset: offset, bytes: piece)
      }
      offset = try await test.store.appendLog(
        attempt: attempt.id, offset: offset, bytes: bytes("lost"))
      #expect(offset == Limits.logBytesPerAttempt + 4)
      #expect(
        try await test.store.appendLog(attempt: attempt.id, offset: offset, bytes: [1])
          == offset + 1)
      let end = try await test.store.log(
        run: attempt.runId, from: Limits.logBytesPerAttempt - 2, limit: 1000)
      let text = String(decoding: end.bytes, as: UTF8.self)
      #expect(text.hasPrefix("aa\n[the log is longer than") && text.hasSuffix("]\n"))
      let after = try await test.store.log(run: attempt.runId, from: end.next, limit: 10)
      #expect(after.bytes.isEmpty)
      await expect("limit_exceeded") {
        try await test.store.appendLog(attempt: attempt.id, offset: 0, bytes: piece + [1])
      }
    }
  }
}
