// `assayd --background`: starts the daemon in a session of its own and waits until it answers.

import CLinux
import Foundation
import Glibc
import Jobs
import Server

struct BackgroundStart {
  let dataFolder: String
  let socketPath: String
  /// Absolute.
  let config: String?
  let flags: SettingFlags

  private static let patience = 60.0
  private static let logBytes = 10 << 20

  /// - Throws: `Problem` with the daemon's own reason.
  func run() throws {
    if try sayRunning() { return }
    try makeDataFolder()
    let logPath = dataFolder + "/assayd.log"
    let log = try openLog(logPath)
    defer { close(log) }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Problem.errno("cannot make a pipe") }
    defer { close(ends[0]) }
    do {
      defer { close(ends[1]) }
      try spawn(log: log, ready: ends[1])
    }
    let answer = try read(ends[0], logPath: logPath)
    if answer == Announcement.readyWord {
      return print(
        Announcement.readyLine(socketPath: socketPath, dataFolder: dataFolder))
    }
    // Another one may have been quicker.
    if answer.contains("daemon_already_running"), try sayRunning() { return }
    throw Problem(
      text: answer.isEmpty ? "internal\tassayd ended before it was ready\tsee \(logPath)" : answer)
  }

  private func sayRunning() throws -> Bool {
    guard let holder = try DaemonLock.holder(dataFolder: dataFolder) else { return false }
    if let verb = holder.offlineVerb {
      throw ServerError.dataFolderBusy(pid: String(holder.process.pid), verb: verb)
    }
    try waitUntilListening(holder)
    FileHandle.standardError.write(
      Data("assayd is running already (process \(holder.process.pid))\n".utf8))
    print(
      Announcement.readyLine(socketPath: holder.socketPath, dataFolder: dataFolder))
    return true
  }

  /// A daemon that was started a moment ago may not listen yet.
  private func waitUntilListening(_ holder: DaemonLock.Holder) throws {
    let end = Date().addingTimeInterval(Self.patience)
    while !SocketProbe.accepts(holder.socketPath) {
      guard holder.process.isAlive, Date() < end else {
        throw Problem(
          code: "daemon_silent",
          message:
            "process \(holder.process.pid) runs, but does not answer at \(holder.socketPath)",
          hint: "end it with: assayd stop")
      }
      usleep(20_000)
    }
  }

  private func spawn(log: Int32, ready: Int32) throws {
    let program = try OwnProgram.path()
    var arguments = [
      "assayd", "run", "--data", dataFolder, "--socket", socketPath,
      "--ready-descriptor", "3",
    ]
    if let config { arguments += ["--config", config] }
    arguments += flags.arguments
    let variables = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var step = clinux_spawn_fork
    let pid = CStrings.with(arguments) { argv in
      CStrings.with(variables) { envp in
        program.withCString { program in
          var order = clinux_spawn_order(
            program: program, argv: argv, envp: envp, directory: nil, output_fd: log,
            lock_fd: ready)
          return clinux_spawn(&order, &step)
        }
      }
    }
    if pid < 0 { throw JobsError.spawn(program: program, step: "run", errno: -pid) }
  }

  /// The daemon's word; empty if it ended without one.
  private func read(_ descriptor: Int32, logPath: String) throws -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    let end = Date().addingTimeInterval(Self.patience)
    while !bytes.contains(UInt8(ascii: "\n")) {
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = end.timeIntervalSinceNow
      guard left > 0 else {
        throw Problem(
          code: "daemon_slow", message: "assayd is not ready after \(Int(Self.patience)) s",
          hint: "see \(logPath)")
      }
      guard Glibc.poll(&poll, 1, Int32(left * 1000) + 1) > 0 else { continue }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func makeDataFolder() throws {
    do {
      try FileManager.default.createDirectory(
        atPath: dataFolder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw ServerError.folder(path: dataFolder, reason: error.localizedDescription)
    }
  }

  /// A long log of earlier days is set aside once.
  private func openLog(_ path: String) throws -> Int32 {
    // No log yet is no mistake.
    let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
    if let size, size.intValue > Self.logBytes { rename(path, path + ".1") }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Problem.errno("cannot write \(path)") }
    return descriptor
  }
}
