// Bytes to and from the daemon's socket, for requests that the client would not send.

import Foundation
import Glibc

struct RawConnection {
  private let descriptor: Int32

  struct Failure: Error { let errno: Int32 }

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw Failure(errno: errno) }
  }

  /// Sends a request with a body.
  /// - Parameter line: method and path.
  func exchange(_ line: String, _ contentType: String, _ body: [UInt8]) async throws -> String {
    let head = """
      \(line) HTTP/1.1\r\nHost: assay\r\nContent-Type: \(contentType)\r\n\
      Content-Length: \(body.count)\r\n\r\n
      """
    return try await exchange(Array(head.utf8) + body)
  }

  func exchange(_ text: String) async throws -> String { try await exchange(Array(text.utf8)) }

  /// Sends `bytes` and takes what comes until the first whole answer or the end.
  func exchange(_ bytes: [UInt8]) async throws -> String {
    try await exchange(bytes, until: Self.isWhole)
  }

  /// Sends `bytes`, closes this side, and takes all that comes.
  func exchangeAll(_ bytes: [UInt8]) async throws -> String {
    try await exchange(bytes, closing: true) { _ in false }
  }

  /// Sends `bytes` and takes all that comes, without closing this side.
  func exchangeToEnd(_ bytes: [UInt8]) async throws -> String {
    try await exchange(bytes) { _ in false }
  }

  func exchange(
    _ bytes: [UInt8], closing: Bool = false, until isOver: @escaping @Sendable (String) -> Bool
  ) async throws -> String {
    let descriptor = descriptor
    return try await withCheckedThrowingContinuation { continuation in
      // A thread of its own: reading blocks.
      Thread.detachNewThread {
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
          let count = bytes.withUnsafeBytes {
            send(
              descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
              Int32(MSG_NOSIGNAL))
          }
          guard count > 0 else { break }
          sent += count
        }
        if closing { shutdown(descriptor, Int32(SHUT_WR)) }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        var wait = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
          descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        while true {
          let count = recv(descriptor, &piece, piece.count, 0)
          if count <= 0 { break }
          answer.append(contentsOf: piece[..<count])
          if !closing, isOver(String(decoding: answer, as: UTF8.self)) { break }
        }
        continuation.resume(returning: String(decoding: answer, as: UTF8.self))
      }
    }
  }

  private static func isWhole(_ answer: String) -> Bool {
    guard let end = answer.range(of: "\r\n\r\n") else { return false }
    let head = answer[..<end.lowerBound].lowercased()
    guard let field = head.range(of: "content-length: ") else { return true }
    let length = Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0
    return answer[end.upperBound...].utf8.count >= length
  }
}
