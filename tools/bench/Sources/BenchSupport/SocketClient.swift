// HTTP on the daemon's socket with nothing between, so that the daemon is measured and not the client:
// it blocks, and may send requests before the answers to those before have come.
import Foundation
import Glibc

package final class SocketClient {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var start = 0
  private var end = 0

  package init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw StoreBenchFailure("the socket's path is too long: \(path)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      throw StoreBenchFailure("connect: \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  package func post(_ path: String, _ contentType: String, _ body: [UInt8]) throws {
    let head = """
      POST \(path) HTTP/1.1\r\nHost: assay\r\nContent-Type: \(contentType)\r\n\
      Content-Length: \(body.count)\r\n\r\n
      """
    try send(Array(head.utf8) + body)
  }

  package func get(_ path: String, accept: String = "application/json") throws {
    try send(Array("GET \(path) HTTP/1.1\r\nHost: assay\r\nAccept: \(accept)\r\n\r\n".utf8))
  }

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw StoreBenchFailure("send: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  /// The body of the next answer, which must be a success.
  @discardableResult
  package func answer() throws -> [UInt8] {
    var head = try headEnd()
    while head == nil {
      try receive()
      head = try headEnd()
    }
    let text = String(decoding: buffer[start..<(head ?? start)], as: UTF8.self).lowercased()
    let field = text.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
    let length = Int(field?.drop { !$0.isNumber } ?? "") ?? 0
    start = head ?? start
    var body = Array(buffer[start..<min(end, start + length)])
    start += body.count
    body.reserveCapacity(length)
    while body.count < length {
      try receive()
      let piece = min(end - start, length - body.count)
      body += buffer[start..<(start + piece)]
      start += piece
    }
    guard text.hasPrefix("http/1.1 2") else {
      throw StoreBenchFailure(String(decoding: body.prefix(400), as: UTF8.self))
    }
    return body
  }

  private func receive() throws {
    if start == end {
      start = 0
      end = 0
    } else if start > 0 {
      buffer.replaceSubrange(0..<(end - start), with: Array(buffer[start..<end]))
      end -= start
      start = 0
    }
    if end == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
    let count = buffer.withUnsafeMutableBytes {
      recv(descriptor, $0.baseAddress.map { $0 + end }, $0.count - end, 0)
    }
    guard count > 0 else { throw StoreBenchFailure("the daemon closed the connection") }
    end += count
  }

  /// Where the head of the next answer ends, if all of it is here.
  private func headEnd() throws -> Int? {
    guard end - start >= 4 else { return nil }
    for index in start...(end - 4) where buffer[index] == 13 {
      if buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10 {
        return index + 4
      }
    }
    return nil
  }
}
