// What is no HTTP request is answered all the same, and after it the connection is over.

import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct BadConnectionTests {
  @Test(arguments: [
    "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /api/v1/health HTTP/7.9\r\nHost: a\r\n\r\n",
    "\u{1}\u{2}\u{3}\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\nHost: a\r\nName : x\r\n\r\n",
    "GET /api/v1/health HTTP/1.1\r\nX: \(String(repeating: "x", count: 90_000))\r\n\r\n",
    "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "POST /api/v1/runs HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{\"name\": \"cut short\"}",
  ])
  func nonsenseHasTheEnvelopeToo(_ text: String) async throws {
    try await TestDaemon.with { daemon in
      // Returns when the daemon has ended the connection.
      let answer = try await RawConnection(daemon.socketPath).exchangeAll(Array(text.utf8))
      #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
      #expect(answer.contains("\"code\":\"bad_request\""), "\(answer)")
      #expect(answer.lowercased().contains("connection: close"))
      #expect(try await daemon.client.runs(RunListQuery()).items.isEmpty)
      #expect(try await daemon.client.health().ok)
    }
  }

  @Test func nonsenseBehindGoodRequestsWaitsForTheirAnswers() async throws {
    try await TestDaemon.with { daemon in
      let good = "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n"
      let answer = try await RawConnection(daemon.socketPath)
        .exchangeAll(Array((good + good + "NON SENSE\r\n\r\n").utf8))
      let answers = answer.components(separatedBy: "HTTP/1.1 ").dropFirst()
      #expect(answers.map { $0.prefix(3) } == ["200", "200", "400"], "\(answer)")
      #expect(answers.last?.contains("\"code\":\"bad_request\"") == true)
    }
  }

  @Test func theRestOfARefusedBodyIsNotWaitedFor() async throws {
    try await TestDaemon.with { daemon in
      let raw = try RawConnection(daemon.socketPath)
      // Half of a body that is too large anyway: the daemon answers and ends the connection, although
      // the client has more to send and never closes its side.
      let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"
      let answer = try await raw.exchangeToEnd(Array(head.utf8))
      #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
      #expect(answer.contains("\"code\":\"body_too_large\""))
    }
  }
}
