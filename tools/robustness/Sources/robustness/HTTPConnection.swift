// A plain HTTP/1.1 connection over a Unix socket, kept open from request to request. Small and
// written anew, so that what it sees of the daemon passes through none of the daemon's own code.
import CLinux
import Foundation

final class HTTPConnection {
  /// The daemon went away, or did not answer in time.
  struct Lost: Error, CustomStringConvertible {
    let description: String
    var isSilence = false
  }

  struct Reply: Sendable {
    let status: Int
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var isSuccess: Bool { (200..<300).contains(status) }

    /// The error's code; nil without an error's body.
    var errorCode: String? {
      guard let object = try? json() as? [String: Any],
        let error = object["error"] as? [String: Any], error["message"] is String
      else { return nil }
      return error["code"] as? String
    }

    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(body)) }

    func object() throws -> [String: Any] {
      guard let object = try json() as? [String: Any] else {
        throw Trouble("no JSON object: \(text.prefix(200))")
      }
      return object
    }
  }

  private let path: String
  private let patience: Int
  private var descriptor: Int32 = -1
  private var buffer: [UInt8] = []

  /// - Parameter patience: seconds for which an answer is waited for.
  init(_ path: String, patience: Int = 30) {
    self.path = path
    self.patience = patience
  }

  deinit { disconnect() }

  func disconnect() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    buffer = []
  }

  var isConnected: Bool { descriptor >= 0 }

  /// - Throws: `Lost`.
  func send(_ request: Request) throws -> Reply {
    do {
      if descriptor < 0 { try connect() }
      try write(request)
      return try read()
    } catch {
      disconnect()
      throw error
    }
  }

  func get(_ path: String) throws -> Reply { try send(Request("GET", path)) }

  private func connect() throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Lost(description: "no socket") }
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else { throw lost("connect") }
  }

  private func write(_ request: Request) throws {
    var head = "\(request.method) \(request.path) HTTP/1.1\r\nHost: assay\r\n"
    for (name, value) in request.headers { head += "\(name): \(value)\r\n" }
    if request.method != "GET" { head += "Content-Length: \(request.body.count)\r\n" }
    let bytes = Array((head + "\r\n").utf8) + request.body
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw lost("send") }
      sent += count
    }
  }

  private func read() throws -> Reply {
    var end = 0
    while true {
      if let found = headEnd(from: max(0, end - 3)) {
        end = found
        break
      }
      end = buffer.count
      try fill()
    }
    let head = String(decoding: buffer[..<end], as: UTF8.self)
    buffer.removeSubrange(..<(end + 4))
    var lines = head.split(separator: "\r\n")
    guard let first = lines.first,
      let status = Int(first.split(separator: " ").dropFirst().first ?? "")
    else { throw Lost(description: "no HTTP: \(head.prefix(100))") }
    lines.removeFirst()
    var length: Int?
    var isChunked = false
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let value = parts[1].trimmingCharacters(in: .whitespaces)
      switch parts[0].lowercased() {
      case "content-length": length = Int(value)
      case "transfer-encoding": isChunked = value.lowercased() == "chunked"
      default: break
      }
    }
    if isChunked { return Reply(status: status, body: try chunks()) }
    return Reply(status: status, body: try take(length ?? 0))
  }

  private func headEnd(from start: Int) -> Int? {
    guard buffer.count >= 4 else { return nil }
    var index = start
    while index + 3 < buffer.count {
      if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13,
        buffer[index + 3] == 10
      {
        return index
      }
      index += 1
    }
    return nil
  }

  private func chunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try self.line()
      guard let count = Int(line, radix: 16) else { throw Lost(description: "no chunk: \(line)") }
      body += try take(count)
      _ = try self.line()
      if count == 0 { return body }
    }
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = String(decoding: buffer[..<end].filter { $0 != 13 }, as: UTF8.self)
        buffer.removeSubrange(...end)
        return line
      }
      try fill()
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count { try fill() }
    let bytes = Array(buffer[..<count])
    buffer.removeSubrange(..<count)
    return bytes
  }

  private func fill() throws {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw lost(count == 0 ? "closed" : "receive") }
      buffer += piece[..<count]
      return
    }
  }

  private func lost(_ what: String) -> Lost {
    let number = errno
    let isSilence = what != "closed" && (number == EAGAIN || number == EWOULDBLOCK)
    return Lost(
      description: what == "closed" ? what : "\(what): \(String(cString: strerror(number)))",
      isSilence: isSilence)
  }
}

struct Request: Sendable {
  let method: String
  let path: String
  var headers: [(String, String)] = []
  let body: [UInt8]

  init(
    _ method: String, _ path: String, type: String? = nil, token: String? = nil,
    _ body: [UInt8] = []
  ) {
    self.method = method
    self.path = "/api/v1" + path
    self.body = body
    if let type { headers.append(("Content-Type", type)) }
    if let token { headers.append(("Authorization", "Bearer \(token)")) }
  }

  init(_ method: String, _ path: String, token: String? = nil, json: String) {
    self.init(method, path, type: "application/json", token: token, Array(json.utf8))
  }
}
