// Jobs of one place: submitting them to a daemon that may be gone at any moment, and reading what
// became of them from the database, past the daemon.
import Foundation
import GRDB

struct JobBoard {
  let place: Place

  /// Whether the daemon takes jobs that run any program; found out by submitting one.
  func knowsCommands() throws -> Bool {
    var random = SystemRandomNumberGenerator()
    let uid = JobBoard.uid(&random)
    let reply = try HTTPConnection(place.socket).send(
      submission(uid, Self.command(["true"], directory: "/tmp")))
    if reply.errorCode == "spec_invalid" { return false }
    guard reply.isSuccess else { throw Trouble("a command job was refused: \(reply.text)") }
    return true
  }

  static func uid(_ random: inout some RandomNumberGenerator) -> String {
    (0..<2).map { _ in
      let digits = String(random.next(), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  func submission(_ uid: String, _ spec: [String: Any]) throws -> Request {
    let body: [String: Any] = [
      "jobs": [["uid": uid, "spec": spec]], "context": ["directory": "/tmp", "user": "robust"],
    ]
    return Request(
      "POST", "/jobs", type: "application/json",
      Array(try JSONSerialization.data(withJSONObject: body)))
  }

  /// - Returns: the job's id; nil if the daemon is gone, and then it may be there or not.
  func submit(_ uid: String, _ spec: [String: Any]) throws -> Int64? {
    let reply: HTTPConnection.Reply
    do {
      reply = try HTTPConnection(place.socket).send(try submission(uid, spec))
    } catch is HTTPConnection.Lost {
      return nil
    }
    guard reply.isSuccess, let jobs = try reply.object()["jobs"] as? [[String: Any]],
      let id = jobs.first?["id"] as? Int
    else { throw Trouble("a job was refused: \(reply.text)") }
    return Int64(id)
  }

  static func command(_ words: [String], directory: String) -> [String: Any] {
    ["kind": "command", "name": "robust", "command": words, "directory": directory]
  }

  static func train(epochs: Int, rows: Int = 20_000, seed: Int = 7) -> [String: Any] {
    [
      "kind": "train", "name": "robust", "seed": seed,
      "dataset": ["type": "synthetic", "rows": rows, "features": 40],
      "model": [
        ["type": "dense", "units": 32, "activation": "relu"],
        ["type": "dense", "units": 1, "activation": "sigmoid"],
      ],
      "loss": "binary_crossentropy", "optimizer": ["type": "adam"], "epochs": epochs,
      "checkpoints": ["every": 1],
    ]
  }

  struct Outcome: Sendable {
    var state: String
    var runId: Int64
    var failureCode: String?
    var failureMessage: String?
    /// Of the newest attempt.
    var exitCode: Int?
    var attempts: Int
    /// Attempts whose worker was lost when it had told that its work began.
    var lostWorkers: Int
    /// Of the epochs of the newest run, its last state.
    var finalState: String?
    /// The values of `loss` by their step, each of the newest attempt that told it.
    var losses: [Double]

    var isOver: Bool {
      ["finished", "failed", "cancelled", "timed_out", "lost"].contains(state)
    }
  }

  /// What the database has, by the id of the job.
  func outcomes() throws -> [Int64: Outcome] {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    let queue = try DatabaseQueue(path: place.database, configuration: configuration)
    defer { try? queue.close() }  // nothing was written
    return try queue.read { db in
      var outcomes: [Int64: Outcome] = [:]
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT j.id, j.state, j.failure_code, j.failure_message,
            (SELECT MAX(id) FROM runs r WHERE r.job_id = j.id),
            (SELECT exit_code FROM attempts a WHERE a.job_id = j.id ORDER BY number DESC LIMIT 1),
            (SELECT COUNT(*) FROM attempts a WHERE a.job_id = j.id),
            (SELECT COUNT(*) FROM attempts a WHERE a.job_id = j.id AND a.state = 'lost'
              AND a.failure_code = 'worker_lost' AND a.started_at IS NOT NULL)
          FROM jobs j
          """)
      for row in rows {
        let run: Int64 = row[4] ?? 0
        outcomes[row[0]] = Outcome(
          state: row[1], runId: run, failureCode: row[2], failureMessage: row[3],
          exitCode: row[5], attempts: row[6], lostWorkers: row[7],
          finalState: try String.fetchOne(
            db,
            sql: """
              SELECT sha256 FROM checkpoints WHERE run_id = ? AND kind = 'checkpoint'
              ORDER BY epoch DESC LIMIT 1
              """, arguments: [run]),
          losses: try Double.fetchAll(
            db,
            sql: """
              SELECT value, MAX(attempt) FROM metric_history WHERE run_id = ? AND key = 'loss'
              GROUP BY step ORDER BY step
              """, arguments: [run]))
      }
      return outcomes
    }
  }

  /// Waits until all jobs have ended.
  /// - Returns: whether they have.
  func waitForAll(seconds: Double) throws -> Bool {
    let connection = HTTPConnection(place.socket)
    let end = Moment.now + seconds
    while Moment.now < end {
      if try unfinished(connection) == 0 { return true }
      usleep(50_000)
    }
    return false
  }

  /// How many have not ended.
  /// - Throws: `HTTPConnection.Lost`.
  func unfinished(_ connection: HTTPConnection) throws -> Int {
    let reply = try connection.get("/jobs?state=queued,held,starting,running&limit=1000")
    guard let items = try reply.object()["items"] as? [Any] else {
      throw Trouble("no list of jobs: \(reply.text)")
    }
    return items.count
  }

  /// The workers of attempts that have begun.
  func workers() -> [(attempt: Int64, pid: pid_t)] {
    let folder = place.data + "/attempts"
    // None yet is as good as an empty one.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap { name in
      guard let attempt = Int64(name), Files.exists("\(folder)/\(name)/claim"),
        let data = FileManager.default.contents(atPath: "\(folder)/\(name)/process.json"),
        let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
        let pid = object["pid"] as? Int
      else { return nil }
      return (attempt, pid_t(pid))
    }
  }

  /// What stands in the environment of everything that a job here starts.
  static let trace = "ASSAY_ROBUSTNESS_TRACE"

  /// Processes of jobs of this place: those that work in its folders, or have the trace or the path
  /// of one of them in their environment.
  func processes() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let needle = Array(place.base.utf8)
    return names.compactMap { pid_t($0) }.filter { pid in
      guard pid != getpid() else { return false }
      // A process that has gone meanwhile is none of them.
      let cwd = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
      if let cwd, cwd == place.base || cwd.hasPrefix(place.base + "/") { return true }
      guard let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
        return false
      }
      return variables.firstRange(of: needle) != nil
    }
  }
}
