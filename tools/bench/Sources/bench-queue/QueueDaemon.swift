// A daemon for the queue's benchmarks: with workers that do their work, or with one that only takes up
// the slot, so that everything else waits.
import BenchSupport
import Foundation
import Glibc
import Synchronization

struct QueueDaemon {
  /// Those that run, for when a part breaks off.
  private static let running = Mutex<[Int32: String]>([:])

  let daemon: BenchDaemon
  var socketPath: String { daemon.socketPath }
  var folder: String { daemon.folder }

  enum Workers { case real, idle }

  init(
    _ options: BenchOptions, folder: String, slots: Int = 1, workers: Workers = .real
  ) async throws {
    var arguments = ["--slots", "\(slots)"]
    if workers == .idle {
      // The daemon looks for the one of command jobs beside the worker that it is told.
      for name in ["/assay-worker", "/assay-runner"] {
        let script = Data("#!/bin/sh\nexec sleep 100000\n".utf8)
        try script.write(to: URL(fileURLWithPath: folder + name))
        chmod(folder + name, 0o700)
      }
      arguments += ["--worker", folder + "/assay-worker"]
    }
    daemon = try await BenchDaemon(
      folder: folder, programs: options.programs, arguments: arguments)
    let pid = daemon.pid
    Self.running.withLock { $0[pid] = folder }
  }

  static func stopAll() async {
    for (pid, folder) in running.withLock({ $0 }) {
      kill(pid, SIGKILL)
      endWorkers(of: folder)
      remove(folder)
    }
  }

  /// Ends the daemon and all workers in its folder.
  func stop() async throws {
    try await stopDaemon()
    Self.endWorkers(of: folder)
  }

  /// Its workers stay.
  func stopDaemon() async throws {
    try await daemon.stop()
    let pid = daemon.pid
    Self.running.withLock { $0[pid] = nil }
  }

  private static func endWorkers(of folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for pid in names.compactMap({ pid_t($0) }) where pid != getpid() {
      // A process that has gone meanwhile is none of them.
      let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
      if let place, place.hasPrefix(folder + "/") { kill(pid, SIGKILL) }
    }
  }

  static func remove(_ folder: String) {
    try? FileManager.default.removeItem(atPath: folder)  // a leftover fails no measurement
  }
}

/// Submissions as they go over the wire.
struct Submissions {
  /// The text of one job's spec.
  let spec: String

  /// A training of a moment, for where it does not matter what waits.
  static let training = Submissions(
    spec: #"""
      {"kind": "train", "name": "moment", "seed": 7,
       "dataset": {"type": "synthetic", "rows": 64, "features": 4},
       "model": [{"type": "dense", "units": 1, "activation": "sigmoid"}],
       "loss": "binary_crossentropy", "optimizer": {"type": "adam"}, "epochs": 1}
      """#)
  static let command = Submissions(
    spec: #"{"kind": "command", "name": "true", "command": ["true"], "directory": "/tmp"}"#)

  /// Commands, or trainings where the daemon knows no commands.
  static func usual(_ socketPath: String) throws -> Submissions {
    try knowsCommands(socketPath) ? command : training
  }

  /// Found out by submitting one, which is cancelled at once.
  static func knowsCommands(_ socketPath: String) throws -> Bool {
    let client = try SocketClient(socketPath)
    var random = SystemRandomNumberGenerator()
    do {
      let ids = try command.submit(client, 1, &random)
      try client.post("/api/v1/jobs/\(ids[0])/cancel", "application/json", [])
      do { try client.answer() } catch { print("the trial had ended: \(error)") }
      return true
    } catch let error as StoreBenchFailure where error.description.contains("spec_invalid") {
      return false
    }
  }

  func body(_ count: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
    let jobs = (0..<count).map { _ in
      "{\"uid\": \"\(Self.uid(&random))\", \"spec\": \(spec)}"
    }
    return Array(
      ("{\"jobs\": [\(jobs.joined(separator: ", "))], "
        + "\"context\": {\"directory\": \"/tmp\", \"user\": \"bench\"}}").utf8)
  }

  /// In the order of time, as clients make them.
  private static func uid(_ random: inout some RandomNumberGenerator) -> String {
    let milliseconds = UInt64(Date().timeIntervalSince1970 * 1_000)
    return padded(milliseconds << 16 | random.next() & 0xFFFF) + padded(random.next())
  }

  private static func padded(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private struct Reply: Decodable {
    let jobs: [JobAnswer]
  }

  /// Submits so many at once.
  /// - Returns: their ids.
  @discardableResult
  func submit(
    _ client: SocketClient, _ count: Int, _ random: inout some RandomNumberGenerator
  ) throws -> [Int] {
    try client.post("/api/v1/jobs", "application/json", body(count, &random))
    return try JSONDecoder().decode(Reply.self, from: Data(try client.answer())).jobs.map(\.id)
  }
}

/// What these benchmarks want to know of a job.
struct JobAnswer: Decodable {
  let id: Int
  let state: String
  let started_at: Int64?
  let ended_at: Int64?

  static func get(_ client: SocketClient, _ id: Int) throws -> JobAnswer {
    try client.get("/api/v1/jobs/\(id)")
    return try JSONDecoder().decode(JobAnswer.self, from: Data(try client.answer()))
  }

  var isOver: Bool { ended_at != nil }
}

/// SplitMix64, so that a run can be repeated.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
