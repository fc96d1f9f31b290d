// A server that hooks call: it keeps what it gets and answers as a test says.

import Foundation
import Glibc

final class Receiver: Sendable {
  struct Call: Sendable {
    var headers: [String: String]
    var body: String
  }

  let port: Int
  private let listener: Int32
  private let calls = Locked<[Call]>([])
  private let status = Locked(204)

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw RawConnection.Failure(errno: errno) }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in serve() }
  }

  func close() { shutdown(listener, Int32(SHUT_RDWR)) }

  var received: [Call] { calls.value }

  func answer(_ code: Int) { status.change { $0 = code } }

  private func serve() {
    while true {
      let peer = accept(listener, nil, nil)
      guard peer >= 0 else { break }
      if let call = Self.read(peer) { calls.change { $0.append(call) } }
      let text = "HTTP/1.1 \(status.value) X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      _ = text.withCString { send(peer, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
      Glibc.close(peer)
    }
    Glibc.close(listener)
  }

  private static func read(_ peer: Int32) -> Call? {
    var text = ""
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      if let end = text.firstRange(of: "\r\n\r\n") {
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n").dropFirst()
        var headers: [String: String] = [:]
        for line in lines {
          let parts = line.split(separator: ":", maxSplits: 1).map {
            $0.trimmingCharacters(in: .whitespaces)
          }
          if parts.count == 2 { headers[parts[0].lowercased()] = parts[1] }
        }
        let body = String(text[end.upperBound...])
        if body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 {
          return Call(headers: headers, body: body)
        }
      }
      let count = recv(peer, &piece, piece.count, 0)
      guard count > 0 else { return nil }
      text += String(decoding: piece[..<count], as: UTF8.self)
    }
  }
}
