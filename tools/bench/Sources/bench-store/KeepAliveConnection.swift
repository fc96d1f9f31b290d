// One HTTP/1.1 connection to a Unix socket that asks one thing after another: what is measured is
// the daemon, not a client library.
import Foundation
import Glibc

final class KeepAliveConnection {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  init(socket path: String) throws {
    descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw QueryBenchFailure("\(path) is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      throw QueryBenchFailure("\(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  /// The body of a successful answer.
  func get(_ path: String) throws -> [UInt8] {
    let request = Array("GET \(path) HTTP/1.1\r\nHost: assay\r\n\r\n".utf8)
    guard write(descriptor, request, request.count) == request.count else {
      throw QueryBenchFailure("the request was not sent")
    }
    var answer: [UInt8] = []
    var end: Int?
    var length = 0
    while end.map({ answer.count < $0 + length }) ?? true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { throw QueryBenchFailure("the connection broke off") }
      answer += buffer[0..<count]
      guard end == nil, let head = Self.headEnd(answer) else { continue }
      end = head
      let text = String(decoding: answer[..<head], as: UTF8.self)
      let field = text.lowercased().split(separator: "\r\n")
        .first { $0.hasPrefix("content-length:") }
      length = field.flatMap { Int($0.dropFirst(15).filter(\.isNumber)) } ?? 0
      guard text.hasPrefix("HTTP/1.1 200") else {
        throw QueryBenchFailure("\(path): \(String(decoding: answer, as: UTF8.self))")
      }
    }
    return Array(answer[(end ?? 0)...])
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    let mark = Array("\r\n\r\n".utf8)
    for index in 0..<max(0, bytes.count - 3) where bytes[index] == mark[0] {
      if Array(bytes[index..<index + 4]) == mark { return index + 4 }
    }
    return nil
  }
}
