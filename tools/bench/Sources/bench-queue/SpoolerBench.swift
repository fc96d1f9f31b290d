// What a job that does nothing costs, beside task-spooler, which keeps a queue in memory and runs
// commands: two hundred `true` on two slots, in turns.
import BenchSupport
import Foundation
import Glibc

enum SpoolerBench {
  static func run(_ options: BenchOptions, _ figures: inout Figures) async throws {
    let jobs = options.quick ? 20 : 200
    let rounds = options.quick ? 1 : 3
    let folder = try BenchDaemon.newFolder()
    defer { QueueDaemon.remove(folder) }
    let daemon = try await QueueDaemon(options, folder: folder, slots: 2)
    let knows = try Submissions.knowsCommands(daemon.socketPath)
    if !knows { print("this daemon knows no command jobs, so nothing is compared") }
    let spooler = Spooler(options, folder: folder)
    if spooler == nil {
      print("task-spooler (tsp) is not installed; --peers DIR fetches it from Debian")
    }
    var times = (own: [Double](), peer: [Double]())
    for round in 0..<rounds {
      if let spooler { times.peer.append(try await spooler.run(jobs)) }
      if knows {
        times.own.append(try await own(daemon, jobs, seed: options.seed &+ UInt64(round)))
      }
    }
    try await daemon.stop()
    let own = Times(times.own).median
    let peer = Times(times.peer).median
    figures.add("true_jobs", Double(jobs), unit: "", goal: "", holds: nil)
    figures.add("true_jobs_time", own, unit: "s", goal: "", holds: nil)
    figures.add("task_spooler_time", peer, unit: "s", goal: "", holds: nil)
    figures.add(
      "true_jobs_to_task_spooler", own / peer, unit: "", goal: "<= 2.5",
      holds: options.quick || own.isNaN || peer.isNaN ? nil : own / peer <= 2.5)
  }

  /// One request per job on one connection, as task-spooler has one client per job.
  private static func own(_ daemon: QueueDaemon, _ jobs: Int, seed: UInt64) async throws -> Double {
    let client = try SocketClient(daemon.socketPath)
    var random = SeededRandom(seed)
    return try await seconds {
      var left: [Int] = []
      for _ in 0..<jobs { left += try Submissions.command.submit(client, 1, &random) }
      for id in left {
        var job = try JobAnswer.get(client, id)
        while !job.isOver {
          try await Task.sleep(for: .milliseconds(2))
          job = try JobAnswer.get(client, id)
        }
        guard job.state == "finished" else {
          throw StoreBenchFailure("job \(id) is \(job.state)")
        }
      }
    }
  }
}

private struct Spooler {
  private let program: String
  private let environment: [String: String]
  private let folder: String

  init?(_ options: BenchOptions, folder: String) {
    let places =
      (options.peers.map { [$0 + "/usr/bin"] } ?? [])
      + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard
      let program = places.map({ $0 + "/tsp" })
        .first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else { return nil }
    self.program = program
    self.folder = folder
    environment = [
      "PATH": "/usr/bin:/bin", "HOME": folder, "TS_SOCKET": folder + "/tsp.sock", "TS_SLOTS": "2",
      "TMPDIR": folder,
    ]
  }

  func run(_ jobs: Int) async throws -> Double {
    // Its server starts with the first client, and stays until it is told to go.
    try await call("-l")
    let time = try await seconds {
      for _ in 0..<jobs { try await call("true") }
      while try await isBusy() { try await Task.sleep(for: .milliseconds(2)) }
    }
    try await call("-K")
    return time
  }

  private func isBusy() async throws -> Bool {
    let list = try await call("-l")
    return list.contains(" queued ") || list.contains(" running ")
  }

  /// Not by Foundation, which waits until the server that the first client leaves behind has gone.
  @discardableResult
  private func call(_ argument: String) async throws -> String {
    let output = folder + "/tsp.out"
    let program = program
    let variables = environment
    return try await onThread {
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      var argv: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(argument), nil]
      var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") }
      envp.append(nil)
      defer { for pointer in argv + envp { free(pointer) } }
      var pid: pid_t = 0
      guard posix_spawn(&pid, program, &actions, nil, &argv, &envp) == 0 else {
        throw StoreBenchFailure("\(program) cannot be started")
      }
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      guard status == 0 else {
        throw StoreBenchFailure("tsp \(argument) ended with status \(status)")
      }
      return try String(contentsOfFile: output, encoding: .utf8)
    }
  }
}
