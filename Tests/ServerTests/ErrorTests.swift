// Every request that cannot be done is answered with the envelope, a stable code and what is wrong.

import Client
import Experiments
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ErrorTests {
  @Test func wrongRequestsHaveTheirCodes() async throws {
    try await TestDaemon.with { daemon in
      let client = daemon.client
      func code(_ path: APIPath) async -> String? {
        await client.failure { let _: JSONValue = try await $0.get(path) }?.code
      }
      #expect(await code(APIPath("nothing")) == "route_not_found")
      #expect(await code(APIPath("runs", "99")) == "run_not_found")
      #expect(await code(APIPath("runs", "@nobody")) == "baseline_not_found")
      #expect(await code(APIPath("jobs", "99")) == "job_not_found")
      #expect(await code(APIPath("jobs", "x")) == "bad_parameter")
      #expect(await code(APIPath("jobs").query("limit", 0)) == "bad_parameter")
      #expect(await code(APIPath("jobs").query("state", "asleep")) == "bad_parameter")
      #expect(await code(APIPath("jobs").query("sate", "queued")) == "unknown_parameter")
      #expect(await code(APIPath("runs").query("where", "metrics.x >")) == "invalid_query")
      #expect(await code(APIPath("resolve")) == "missing_parameter")
      #expect(await code(APIPath("schemas", "nothing")) == "schema_not_found")
      #expect(await code(APIPath("checks", "1")) == "check_not_found")
      #expect(await code(APIPath("schedules", "1")) == "schedule_not_found")
    }
  }

  @Test func aWrongMethodNamesTheRightOnes() async throws {
    try await TestDaemon.with { daemon in
      let error = await daemon.client.failure {
        let _: JSONValue = try await $0.delete(APIPath("jobs"))
      }
      #expect(error?.code == "method_not_allowed")
      #expect(error?.message == "DELETE is not a method of /api/v1/jobs; it has GET, POST")
      let raw = try RawConnection(daemon.socketPath)
      let answer = try await raw.exchange("DELETE /api/v1/jobs HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 405 "))
      #expect(answer.lowercased().contains("allow: get, post"))
    }
  }

  @Test func aBodyThatIsNotWhatItMustBeSaysWhere() async throws {
    try await TestDaemon.with { daemon in
      let uid = Specs.uid()
      let context = JSONValue.object(["directory": .string("/"), "user": .string("u")])
      let cases: [(JSONValue, String?)] = [
        (.object(["context": context]), "jobs"),
        (.object(["jobs": .array([]), "context": context]), "jobs"),
        (
          .object([
            "jobs": .array([.object(["uid": .string("short"), "spec": .null])]),
            "context": context,
          ]), "jobs.0.uid"
        ),
        (
          .object([
            "jobs": .array([.object(["uid": .string(uid.text), "spec": .object([:])])]),
            "context": .object(["directory": .int(1), "user": .string("u")]),
          ]), "context.directory"
        ),
      ]
      for (body, field) in cases {
        let error = await daemon.client.failure {
          let _: SubmitReply = try await $0.post(APIPath("jobs"), body)
        }
        #expect(error?.code == "bad_json")
        #expect(error?.field == field)
      }
    }
  }

  @Test func textThatIsNoJSONIsRefused() async throws {
    try await TestDaemon.with { daemon in
      let raw = try RawConnection(daemon.socketPath)
      let answer = try await raw.exchange(
        "POST /api/v1/compare HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{nope")
      #expect(answer.hasPrefix("HTTP/1.1 400 "))
      #expect(answer.contains("\"code\":\"bad_json\""))
    }
  }

  @Test func aBodyOverTheLimitIsNotEvenRead() async throws {
    try await TestDaemon.with { daemon in
      let raw = try RawConnection(daemon.socketPath)
      let length = Limits.requestBytes + 1
      let answer = try await raw.exchange(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n{")
      #expect(answer.hasPrefix("HTTP/1.1 413 "))
      #expect(answer.contains("\"code\":\"body_too_large\""))
    }
  }

  @Test func headersWithoutEndAreRefused() async throws {
    try await TestDaemon.with { daemon in
      let raw = try RawConnection(daemon.socketPath)
      let header = "X-Long: " + String(repeating: "x", count: 64 << 10)
      let answer = try await raw.exchange("GET /api/v1/health HTTP/1.1\r\n\(header)\r\n\r\n")
      #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"))
      #expect(try await daemon.client.health().ok)
    }
  }

  @Test func allMistakesOfASpecAreReported() async throws {
    try await TestDaemon.with { daemon async throws in
      let spec = Specs.train(extra: ["epochs": .int(0), "bach_size": .int(3)])
      let error = await daemon.client.failure { _ = try await $0.submit(spec) }
      #expect(error?.code == "spec_invalid")
      #expect(error?.mistakes?.map(\.path).sorted() == ["bach_size", "epochs"])
      // All or none: the good one before it is not queued either.
      let second = await daemon.client.failure { _ = try await $0.submit(Specs.train(), spec) }
      #expect(second?.mistakes?.map(\.path).sorted() == ["jobs.1.bach_size", "jobs.1.epochs"])
      #expect(try await daemon.client.jobs().items.isEmpty)
    }
  }

  @Test func withoutADaemonTheClientSaysHowToStartOne() async throws {
    try await TestDaemon.withFolder { folder in
      try await AssayClient.with(socketPath: folder + "/none.sock") { client in
        let error = await client.failure { _ = try await $0.health() }
        #expect(error?.code == "daemon_unreachable")
        #expect(error?.hint == "start it with: assayd --background")
      }
    }
  }
}
