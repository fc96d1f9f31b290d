// A real daemon on a real socket in a temporary folder, that can be killed and started again.
import Client
import Experiments
import Foundation
import Testing
import Wire

final class TestDaemon: Sendable {
  let folder: TemporaryFolder
  let socket: String
  let data: String
  let client: AssayClient
  private let slots: Int

  init(slots: Int = 2, data: String? = nil) throws {
    folder = try TemporaryFolder()
    socket = folder.file("run/assay.sock")
    self.data = data ?? folder.file("data")
    self.slots = slots
    client = AssayClient(socketPath: socket)
  }

  /// Runs `body` with a started daemon and ends all that was started, whatever happens.
  static func with(
    slots: Int = 2, data: String? = nil, _ body: (TestDaemon) async throws -> Void
  ) async throws {
    let daemon = try TestDaemon(slots: slots, data: data)
    var failure: (any Error)?
    do {
      try await daemon.start()
      try await body(daemon)
    } catch {
      failure = error
    }
    try await daemon.close(showLog: failure != nil)
    if let failure { throw failure }
  }

  var environment: [String: String] { ["ASSAY_SOCKET": socket, "ASSAY_DATA": data] }

  /// Starts it as people do; returns when it is ready.
  func start() async throws {
    let result = try await assayd("--background", "--slots", String(slots))
    try #require(result.status == 0, "assayd did not start: \(result.errors)\(result.output)")
  }

  func assayd(_ arguments: String...) async throws -> Programs.Result {
    try await Programs.run(Programs.path("assayd"), arguments, environment: environment)
  }

  /// Runs the command line against this daemon.
  @discardableResult
  func assay(_ arguments: [String], directory: String? = nil) async throws -> Programs.Result {
    try await Programs.run(
      Programs.path("assay"), arguments, environment: environment, directory: directory)
  }

  @discardableResult
  func assay(_ arguments: String...) async throws -> Programs.Result { try await assay(arguments) }

  var pid: pid_t {
    get async throws { pid_t(try await client.status().pid) }
  }

  /// SIGKILL, and waits until the process is gone.
  func kill() async throws {
    let pid = try await pid
    Foundation.kill(pid, SIGKILL)
    try await eventually("assayd is gone") {
      !FileManager.default.fileExists(atPath: "/proc/\(pid)/exe")
    }
  }

  /// The processes of workers of this daemon's data folder.
  func workers() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { pid in
      guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
        return false
      }
      let text = String(decoding: data, as: UTF8.self)
      return (text.contains("assay-worker") || text.contains("assay-runner"))
        && text.contains(self.data)
    }
  }

  func close(showLog: Bool) async throws {
    _ = try await assayd("stop")
    for pid in workers() { Foundation.kill(pid, SIGKILL) }
    if showLog, let log = try? String(contentsOfFile: data + "/assayd.log", encoding: .utf8) {
      print("assayd.log:\n\(log.suffix(8_000))")
    }
    await client.shutdown()
    folder.remove()
  }

  /// Submits a spec given as YAML-free JSON text; answers the job.
  func submit(_ specs: [JSONValue]) async throws -> [Job] {
    let now = Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))
    return try await client.submit(
      SubmitRequest(
        jobs: specs.map { SubmittedJob(uid: Identifier(at: now), spec: $0) },
        context: SubmitContext(directory: folder.path, user: "test"))
    ).jobs
  }

  func submit(_ spec: JSONValue) async throws -> Job {
    try #require(try await submit([spec]).first)
  }

  /// Waits until the job is in a final state.
  func end(of job: Job, within limit: Duration = .seconds(120)) async throws -> Job {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while clock.now < deadline {
      // The daemon may be down at this moment: that is what some tests are about.
      if let now = try? await client.job(job.id), now.state.isFinal { return now }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw TimeOut(what: "job \(job.id) ends")
  }

  func run(of job: Job) async throws -> Run {
    try await client.run(String(try #require(job.runId)))
  }
}

struct TimeOut: Error {
  var what: String
}

/// Polls until `condition` holds; throws after a generous limit.
func eventually(
  _ what: String, within limit: Duration = .seconds(60),
  _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + limit
  while try await !condition() {
    guard clock.now < deadline else { throw TimeOut(what: what) }
    try await Task.sleep(for: .milliseconds(5))
  }
}
