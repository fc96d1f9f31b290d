// Another user of the machine, who looks every millisecond from before the daemon's start until after
// its end, and tries to talk to it: there must be no moment at which anything can be seen or reached.
// Also where the owner's umask is 0, and where somebody has opened the socket to everybody.
import BenchSupport
import COtherUser
import Foundation
import Synchronization

enum OtherUsers {
  static func run(_ options: Options, _ figures: inout Figures) throws {
    guard geteuid() == 0 else {
      say("skipped: playing another user takes root")
      figures.add("reached_by_other_user", .nan, unit: "", goal: "0", holds: nil)
      return
    }
    let rounds = options.rounds(quick: 3, full: 30)
    let findings = Findings()
    var random = Random(seed: options.seed, stream: 4)
    var looks = 0
    var attempts = 0
    for _ in 0..<rounds {
      let place = try Place(programs: options.programs)
      defer { place.remove() }
      // Only the daemon's own folders may keep others out.
      chmod(place.base, 0o755)
      let old = umask(0)
      defer { umask(old) }
      let stranger = Stranger(place, findings: findings)
      let daemon = try DaemonProcess(place)
      let client = HTTPConnection(place.socket)
      _ = try client.send(Request("POST", "/runs", json: #"{"name": "secret"}"#))
      Moment.sleep(Double(random.number(20...150)) / 1_000)
      let exit = daemon.stop()
      if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
      Moment.sleep(0.02)
      let seen = stranger.end()
      looks += seen.looks
      attempts += seen.attempts
    }
    let loosened = try loosened(options, findings)
    figures.add("looks_of_other_user", Double(looks), unit: "", goal: "", holds: nil)
    figures.add("attempts_of_other_user", Double(attempts), unit: "", goal: "", holds: nil)
    figures.add(
      "attempts_on_opened_socket", Double(loosened), unit: "", goal: "some", holds: loosened > 0)
    for (name, kind) in [
      ("moments_readable", "mode"), ("reached_by_other_user", "reached"),
      ("answered_on_opened_socket", "answered"), ("access_unexpected_ends", "exit"),
    ] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }

  /// Somebody has opened the socket: then the daemon itself must send others away.
  /// - Returns: how many connections were made.
  private static func loosened(_ options: Options, _ findings: Findings) throws -> Int {
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    let daemon = try DaemonProcess(place)
    chmod(place.base, 0o755)
    chmod(place.base + "/run", 0o755)
    chmod(place.socket, 0o666)
    let connected = Mutex(0)
    let isDone = Mutex(false)
    let count = options.quick ? 20 : 500
    Thread.detachNewThread {
      defer { isDone.withLock { $0 = true } }
      guard otheruser_become(65_534, 65_534) == 0 else { return }
      for _ in 0..<count {
        guard let socket = try? RawSocket(place.socket) else { continue }  // counted by its absence
        connected.withLock { $0 += 1 }
        _ = socket.send(Array("GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let end = Moment.now + 5
        reading: while Moment.now < end {
          switch socket.receive() {
          case .bytes: break
          case .nothing: socket.wait(toSend: false, milliseconds: 100)
          case .end: break reading
          }
        }
        if !socket.received.isEmpty || Moment.now >= end {
          findings.add("answered", String(decoding: socket.received.prefix(200), as: UTF8.self))
        }
      }
    }
    while !isDone.withLock({ $0 }) { usleep(1_000) }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
    return connected.withLock { $0 }
  }
}

/// Looks at modes as root, since it is about what is there, and tries to get in as nobody.
private final class Stranger: Sendable {
  struct Seen: Sendable {
    var looks = 0
    var attempts = 0
  }

  private let place: Place
  private let findings: Findings
  private let seen = Mutex(Seen())
  private let state = Mutex((isOver: false, running: 2))

  init(_ place: Place, findings: Findings) {
    self.place = place
    self.findings = findings
    Thread.detachNewThread { [self] in repeatedly { look() } }
    Thread.detachNewThread { [self] in
      let result = otheruser_become(65_534, 65_534)
      if result != 0 { findings.add("exit", "nobody cannot be played: \(result)") }
      repeatedly { if result == 0 { attempt() } }
    }
  }

  func end() -> Seen {
    state.withLock { $0.isOver = true }
    while state.withLock({ $0.running }) > 0 { usleep(500) }
    return seen.withLock { $0 }
  }

  private func repeatedly(_ body: () -> Void) {
    while !state.withLock({ $0.isOver }) {
      body()
      usleep(1_000)
    }
    state.withLock { $0.running -= 1 }
  }

  private var folders: [String] { [place.data, place.base + "/run"] }
  private var files: [String] {
    [
      place.socket, place.socket + ".lock", place.database, place.database + "-wal",
      place.data + "/assayd.lock", place.data + "/attempts",
    ]
  }

  private func look() {
    for path in folders + files {
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      seen.withLock { $0.looks += 1 }
      if status.st_mode & 0o077 != 0 {
        findings.add("mode", "\(path) has mode \(String(status.st_mode & 0o7777, radix: 8))")
      }
    }
  }

  private func attempt() {
    for path in folders + files {
      seen.withLock { $0.attempts += 1 }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      if descriptor >= 0 {
        close(descriptor)
        findings.add("reached", "\(path) could be opened")
      }
    }
    do {
      _ = try RawSocket(place.socket)
      findings.add("reached", "the socket could be connected to")
    } catch {
      // As it should be.
    }
  }
}
