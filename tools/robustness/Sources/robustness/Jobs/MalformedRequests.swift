// Tens of thousands of requests that are wrong in every way, on connections of their own: none may
// crash the daemon, be left without an end, be answered as the daemon's own failure, or leave memory
// behind. And a body over the limit must be refused before all of it has been sent.
import BenchSupport
import Foundation
import Synchronization

enum MalformedRequests {
  private static let threads = 4
  /// Until the answer and the end of the connection, once all has been sent.
  private static let patience = 10.0
  private static let allowedGrowth = 32.0
  /// The largest body that any route takes, in MiB.
  private static let bodyLimit = 16

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let count = options.rounds(quick: 2_000, full: 20_000)
    let findings = Findings()
    let place = try Place(programs: options.programs)
    defer { place.remove() }
    let daemon = try DaemonProcess(place)
    let client = HTTPConnection(place.socket)
    for _ in 0..<3 { _ = try client.send(Request("POST", "/runs", json: #"{"name": "nonsense"}"#)) }
    // The first ones of each kind load what the daemon needs once.
    storm(place, daemon, seed: options.seed &+ 1_000_003, count: 400, findings)
    let before = try memory(daemon)
    let start = Moment.now
    let statuses = storm(place, daemon, seed: options.seed, count: count, findings)
    let growth = try memory(daemon) - before
    say("\(count) in \(Int(Moment.now - start)) s; answered with \(statuses.summary)")
    try tooLarge(place, findings, &figures)
    do {
      // It was idle meanwhile, and the connection may have been closed.
      client.disconnect()
      if try !client.get("/health").isSuccess { findings.add("crash", "health is not well") }
    } catch {
      findings.add("crash", "after all there is no health: \(error)")
    }
    if daemon.hasEnded { findings.add("crash", place.logTail) }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("crash", "after SIGTERM: \(String(describing: exit))") }
    findings.add("doctor", try StoreCheck.doctor(place))

    figures.add("malformed_requests", Double(count), unit: "", goal: "", holds: nil)
    figures.add(
      "malformed_memory_growth", growth, unit: "MiB", goal: "<= 32",
      holds: growth <= allowedGrowth)
    for (name, kind) in [
      ("malformed_crashes", "crash"), ("malformed_hangs", "hang"),
      ("malformed_internal_errors", "internal"), ("malformed_without_envelope", "envelope"),
      ("malformed_doctor_complaints", "doctor"), ("too_large_not_refused", "too_large"),
    ] {
      let number = findings.count(kind)
      figures.add(name, Double(number), unit: "", goal: "0", holds: number == 0)
    }
  }

  private struct Statuses: Sendable {
    var counts: [Int: Int] = [:]

    var summary: String {
      counts.sorted { $0.key < $1.key }
        .map { "\($0.key == 0 ? "nothing" : "\($0.key)"): \($0.value)" }.joined(separator: ", ")
    }
  }

  @discardableResult
  private static func storm(
    _ place: Place, _ daemon: DaemonProcess, seed: UInt64, count: Int, _ findings: Findings
  ) -> Statuses {
    let statuses = Mutex(Statuses())
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for number in stride(from: thread, to: count, by: threads) where !daemon.hasEnded {
        var random = Random(seed: seed, stream: number)
        let request = MalformedRequest(&random)
        let status = send(request, number: number, place, findings)
        statuses.withLock { $0.counts[status, default: 0] += 1 }
      }
    }
    return statuses.withLock { $0 }
  }

  /// - Returns: the status of the first answer, 0 without one.
  private static func send(
    _ request: MalformedRequest, number: Int, _ place: Place, _ findings: Findings
  ) -> Int {
    let socket: RawSocket
    do { socket = try RawSocket(place.socket) } catch {
      findings.add("crash", "request \(number) (\(request.kind)): \(error)")
      return 0
    }
    var rest = request.bytes[...]
    var isOpen = true
    let end = Moment.now + patience
    while isOpen {
      guard Moment.now < end else {
        findings.add("hang", "request \(number) (\(request.kind)) has no end: \(shown(request))")
        break
      }
      if !rest.isEmpty {
        switch socket.send(rest) {
        case .bytes(let count):
          rest = rest.dropFirst(count)
          if rest.isEmpty { socket.finish() }
        case .nothing: break
        // What has been answered may still be there to be read.
        case .end: rest = []
        }
      }
      switch socket.receive() {
      case .bytes: break
      case .end: isOpen = false
      case .nothing: socket.wait(toSend: !rest.isEmpty, milliseconds: 100)
      }
    }
    let status = socket.status ?? 0
    if status >= 500, status != 501, status != 505 {
      findings.add(
        "internal",
        "request \(number) (\(request.kind)) was answered \(shown(socket.received)) to \(shown(request))"
      )
    }
    if status >= 400, !String(decoding: socket.received, as: UTF8.self).contains(#""code":""#) {
      findings.add(
        "envelope",
        "request \(number) (\(request.kind)) was answered \(shown(socket.received)) to \(shown(request))"
      )
    }
    return status
  }

  private static func shown(_ request: MalformedRequest) -> String { shown(request.bytes) }

  private static func shown(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix(300), as: UTF8.self).debugDescription
  }

  /// A body over the limit, with its length told before and without.
  private static func tooLarge(
    _ place: Place, _ findings: Findings, _ figures: inout Figures
  ) throws {
    let piece = [UInt8](repeating: 0x20, count: 64 << 10)
    for (name, head, isChunked) in [
      ("told", "Content-Length: 1073741824", false),
      ("chunked", "Transfer-Encoding: chunked", true),
    ] {
      let socket = try RawSocket(place.socket)
      let start = "POST /api/v1/jobs HTTP/1.1\r\nHost: a\r\n\(head)\r\n\r\n"
      var rest = Array(start.utf8)[...]
      let chunk = isChunked ? Array("10000\r\n".utf8) + piece + Array("\r\n".utf8) : piece
      var sent = 0
      let begun = Moment.now
      while socket.status == nil, Moment.now - begun < patience, sent < 256 << 20 {
        if rest.isEmpty { rest = chunk[...] }
        switch socket.send(rest) {
        case .bytes(let count):
          sent += count
          rest = rest.dropFirst(count)
        case .nothing: socket.wait(toSend: true, milliseconds: 10)
        case .end: break
        }
        if case .end = socket.receive() { break }
      }
      let mebibytes = Double(sent) / 1_048_576
      if socket.status != 413 {
        findings.add(
          "too_large",
          "\(name): \(socket.status.map(String.init) ?? "no answer") after \(mebibytes) MiB")
      }
      // With the length told nothing has to be read; else the limit, and what the socket holds.
      let most = isChunked ? Double(bodyLimit) + 4 : 4
      figures.add(
        "too_large_\(name)_sent_before_413", mebibytes, unit: "MiB", goal: "<= \(Int(most))",
        holds: mebibytes <= most)
    }
  }

  /// What the daemon keeps once it has had nothing to do for a moment, in MiB.
  private static func memory(_ daemon: DaemonProcess) throws -> Double {
    Moment.sleep(1)
    let text = try Files.text("/proc/\(daemon.process.pid)/status")
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
      let kibibytes = Double(line.filter(\.isNumber))
    else { throw Trouble("the daemon's memory cannot be read") }
    return kibibytes / 1_024
  }
}
