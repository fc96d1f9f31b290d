// The way to the daemon: one connection, one request at a time, no call that waits. A request that
// got no answer is simply made again by whoever made it, since the daemon takes repeats.

import CLinux
import Experiments
import Glibc

struct LinkRequest {
  enum Purpose {
    case start
    /// Log bytes up to this offset.
    case log(end: Int)
    /// So many of the points that wait first.
    case metrics(Int)
    /// What a parcel of the spool holds.
    case parcel(Int)
    case progress
    case finish
  }

  let purpose: Purpose
  let path: String
  let body: [UInt8]
  var isJSON = true
}

struct LinkAnswer {
  let purpose: LinkRequest.Purpose
  let status: Int
  let body: JSONValue?

  var code: String { body?["error"]?["code"]?.stringValue ?? "" }
  var message: String { body?["error"]?["message"]?.stringValue ?? "status \(status)" }
  var isFence: Bool { code == "attempt_fenced" || code == "attempt_not_found" }
  /// Whether the same request would be answered the same again.
  var isFinal: Bool { (400..<500).contains(status) && status != 408 && status != 429 }
}

struct DaemonLink {
  private let socketPath: String
  private let token: String
  private(set) var descriptor: Int32 = -1
  private var request: LinkRequest?
  private var output: [UInt8] = []
  private var sent = 0
  private var input: [UInt8] = []
  private var deadline = Moment.never
  private static let patience = 30.0

  init(socketPath: String, token: String) {
    self.socketPath = socketPath
    self.token = token
  }

  var isIdle: Bool { request == nil }
  var isConnected: Bool { descriptor >= 0 }

  /// False if the daemon is away.
  mutating func connect() -> Bool {
    guard descriptor < 0 else { return true }
    let opened = clinux_connect(socketPath)
    guard opened >= 0 else { return false }
    descriptor = opened
    return true
  }

  /// Begins a request; the link must be idle and connected.
  mutating func begin(_ request: LinkRequest) {
    self.request = request
    let type = request.isJSON ? "application/json" : "application/octet-stream"
    let head =
      "POST \(request.path) HTTP/1.1\r\nHost: assay\r\nAuthorization: Bearer \(token)\r\n"
      + "Content-Type: \(type)\r\nContent-Length: \(request.body.count)\r\n\r\n"
    output = Array(head.utf8) + request.body
    sent = 0
    input = []
    deadline = Moment.now + Self.patience
  }

  /// What to poll the descriptor for.
  var interest: Int16 {
    guard request != nil else { return 0 }
    return Int16(sent < output.count ? POLLIN | POLLOUT : POLLIN)
  }

  enum Progress {
    case waiting
    case answer(LinkAnswer)
    /// The connection is gone, and with it the request.
    case broken
  }

  /// Goes on with the request as far as that is possible without waiting.
  mutating func proceed() -> Progress {
    guard let request else { return .waiting }
    while sent < output.count {
      let count = output.withUnsafeBytes { buffer in
        send(
          descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { break }
      // What the daemon has said before it closed is still worth reading.
      if count <= 0 { break }
      sent += count
    }
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { break }
      guard count > 0 else { return broken() }
      input.append(contentsOf: piece[..<count])
      if let answer = answer(to: request) {
        self.request = nil
        return .answer(answer)
      }
    }
    return Moment.now > deadline ? broken() : .waiting
  }

  mutating func close() { _ = broken() }

  private mutating func broken() -> Progress {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    request = nil
    return .broken
  }

  /// The whole answer, nil while parts of it are missing. All answers of the daemon to these
  /// requests tell their length.
  private mutating func answer(to request: LinkRequest) -> LinkAnswer? {
    guard let end = Self.headEnd(input) else { return nil }
    let lines = String(decoding: input[..<end], as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first,
      let status = Int(first.split(separator: " ").dropFirst().first ?? "")
    else { return nil }
    var length = 0
    var closes = false
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let value = parts[1].drop { $0 == " " }
      switch parts[0].lowercased() {
      case "content-length": length = Int(value) ?? 0
      case "connection": closes = value.lowercased() == "close"
      default: break
      }
    }
    let body = input[(end + 4)...]
    guard body.count >= length else { return nil }
    if closes {
      Glibc.close(descriptor)
      descriptor = -1
    }
    return LinkAnswer(
      purpose: request.purpose, status: status, body: JSONValue(parsing: body.prefix(length)))
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (0...(bytes.count - 4)).first {
      bytes[$0] == 13 && bytes[$0 + 1] == 10 && bytes[$0 + 2] == 13 && bytes[$0 + 3] == 10
    }
  }
}

/// Seconds on the boot clock.
enum Moment {
  static let never = Double.infinity
  static var now: Double { Double(clinux_boot_nanoseconds()) / 1e9 }
}
