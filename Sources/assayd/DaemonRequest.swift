// One request of a verb to the daemon that serves the data folder, answered by server-sent events.
// The typed client would do the same, and with its library would cost every daemon three megabytes
// of memory for nothing.

import Experiments
import Foundation
import Glibc
import Wire

struct DaemonRequest {
  let socketPath: String

  /// Sends it and waits for the end of the work, however long that takes.
  /// - Throws: `Problem`: the daemon's own error, `daemon_unreachable`, `connection_lost`.
  func post<Result: Decodable>(
    _ path: String, body: Data = Data(), progress: (CareProgress) -> Void
  ) throws -> Result {
    guard let descriptor = SocketProbe.connected(to: socketPath) else {
      throw Problem(
        code: "daemon_unreachable", message: "the daemon does not answer at \(socketPath)",
        hint: "end it with: assayd stop")
    }
    defer { close(descriptor) }
    let head = """
      POST /api/v1\(path) HTTP/1.1\r
      Host: assay\r
      Connection: close\r
      Content-Type: application/json\r
      Content-Length: \(body.count)\r
      \r

      """
    try send(Array(head.utf8) + Array(body), to: descriptor)
    var response = HTTPResponseReader()
    var events = ServerSentEventReader()
    var whole: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      let bytes = response.read(piece[..<count])
      guard response.status == 200 else {
        whole += bytes
        continue
      }
      for event in events.read(bytes) {
        switch event.name {
        case "progress": progress(try Self.decoded(event.data))
        case "end": return try Self.decoded(event.data)
        case "error": throw Problem(try Self.decoded(event.data) as ErrorBody)
        default: break
        }
      }
    }
    if let status = response.status, status != 200 {
      let envelope: ErrorEnvelope = try Self.decoded(String(decoding: whole, as: UTF8.self))
      throw Problem(envelope.error)
    }
    throw Problem(
      code: "connection_lost", message: "the daemon went away before it was done",
      hint: "what it wrote so far does not count; try again")
  }

  private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
    try WireCoding.decoder().decode(Value.self, from: Data(text.utf8))
  }

  private func send(_ bytes: [UInt8], to descriptor: Int32) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Problem.errno("the daemon takes no request") }
      sent += count
    }
  }
}

/// Takes the status and the bytes of the body out of an HTTP/1.1 response whose body comes in
/// chunks, or until the connection ends.
struct HTTPResponseReader {
  private(set) var status: Int?
  private var isChunked = false
  private var pending: [UInt8] = []
  /// Bytes of the present chunk still to come, with the line's end after them.
  private var left = 0
  private var isOver = false

  /// The bytes of the body that `bytes` completes.
  mutating func read(_ bytes: some Collection<UInt8>) -> [UInt8] {
    pending += bytes
    if status == nil, !readHead() { return [] }
    guard isChunked else {
      defer { pending = [] }
      return pending
    }
    var body: [UInt8] = []
    while !isOver, !pending.isEmpty {
      if left == 0 {
        guard let size = readSize() else { break }
        isOver = size == 0
        left = size + 2
      } else {
        let count = min(left, pending.count)
        // The last two are the line's end.
        body += pending.prefix(max(0, min(count, left - 2)))
        pending.removeFirst(count)
        left -= count
      }
    }
    return body
  }

  private mutating func readHead() -> Bool {
    let end = Array("\r\n\r\n".utf8)
    guard let range = pending.firstRange(of: end) else { return false }
    let lines = String(decoding: pending[..<range.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    pending.removeSubrange(..<range.upperBound)
    let words = lines[0].split(separator: " ")
    status = words.count > 1 ? Int(words[1]) ?? 0 : 0
    isChunked = lines.dropFirst().contains {
      $0.lowercased().hasPrefix("transfer-encoding:") && $0.lowercased().hasSuffix("chunked")
    }
    return true
  }

  /// The size of the next chunk, once its line is there.
  private mutating func readSize() -> Int? {
    guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = String(decoding: pending[..<end], as: UTF8.self)
    pending.removeSubrange(...end)
    let digits = line.prefix { $0.isHexDigit }
    return Int(digits, radix: 16) ?? 0
  }
}
