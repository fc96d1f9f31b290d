// One life of the daemon: started on a place's data, ready or refused, and ended in some way.
import Glibc

final class DaemonProcess: Sendable {
  /// Why a daemon did not get ready.
  struct Refusal: Error, CustomStringConvertible {
    /// Nil if it ended without saying so.
    let code: String?
    let message: String
    /// Nil if it neither got ready nor ended.
    let exit: ChildProcess.Exit?
    let log: String

    var description: String {
      "assayd did not get ready: \(code ?? "no code") \(message) (\(exit.map { "\($0)" } ?? "it hangs"))\n\(log)"
    }
  }

  let process: ChildProcess
  /// From its start to its word.
  let readyAfter: Double

  /// - Parameters:
  ///   - worker: what it starts for a job, if not the idle one.
  ///   - slots: jobs that run at once.
  /// - Throws: `Refusal`.
  init(
    _ place: Place, worker: String? = nil, slots: Int = 1, environment: [String: String] = [:],
    patience: Double = 60
  ) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Trouble("cannot make a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let start = Moment.now
    do {
      defer { close(ends[1]) }
      process = try ChildProcess(
        place.program("assayd"),
        [
          "run", "--data", place.data, "--socket", place.socket, "--slots", "\(slots)", "--worker",
          worker ?? place.idleWorker, "--ready-descriptor", "3",
        ], environment: environment, output: place.log, descriptor: ends[1])
    }
    let word = Self.word(from: ends[0], patience: patience)
    readyAfter = Moment.now - start
    if word == "ready" { return }
    let exit = process.wait(seconds: 5)
    if exit == nil { process.kill() }
    let parts = word.split(separator: "\t", maxSplits: 1).map(String.init)
    throw Refusal(
      code: parts.count > 1 ? parts[0] : nil, message: parts.last ?? "it said nothing",
      exit: exit, log: place.logTail)
  }

  /// SIGTERM.
  /// - Returns: nil if it has not ended after so many seconds; it is then killed.
  func stop(patience: Double = 30) -> ChildProcess.Exit? {
    process.signal(SIGTERM)
    if let exit = process.wait(seconds: patience) { return exit }
    process.kill()
    return nil
  }

  func kill() { process.kill() }

  var hasEnded: Bool { process.wait(seconds: 0) != nil }

  private static func word(from descriptor: Int32, patience: Double) -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    let end = Moment.now + patience
    while !bytes.contains(UInt8(ascii: "\n")) {
      let left = end - Moment.now
      guard left > 0 else { break }
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waited, 1, Int32(left * 1_000) + 1) > 0 else { continue }
      let count = read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += piece[..<count]
    }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
