// A connection to a Unix socket that sends what it is told to, HTTP or not, and never waits: for
// clients that misbehave.
import CLinux
import Glibc

final class RawSocket {
  enum Piece {
    case bytes(Int)
    /// Nothing now.
    case nothing
    /// The other side has ended the connection.
    case end
  }

  let descriptor: Int32
  private(set) var received: [UInt8] = []

  /// Waits if the listener is too busy to take it.
  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      let number = errno
      close(descriptor)
      throw Refused(number: number)
    }
    _ = fcntl(descriptor, F_SETFL, O_RDWR | O_NONBLOCK)
  }

  struct Refused: Error, CustomStringConvertible {
    let number: Int32
    var description: String { "connect: \(String(cString: strerror(number)))" }
  }

  deinit { close(descriptor) }

  /// As much as the other side takes now.
  func send(_ bytes: some Collection<UInt8>) -> Piece {
    let bytes = Array(bytes)
    guard !bytes.isEmpty else { return .nothing }
    while true {
      let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .bytes(count) }
      if errno == EINTR { continue }
      return errno == EAGAIN ? .nothing : .end
    }
  }

  func receive() -> Piece {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count > 0 {
        received += piece[..<count]
        return .bytes(count)
      }
      if count < 0 && errno == EINTR { continue }
      return count < 0 && errno == EAGAIN ? .nothing : .end
    }
  }

  /// Sends no more.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Whether there is something to be done, after at most so many milliseconds.
  func wait(toSend: Bool, milliseconds: Int) {
    var waited = pollfd(
      fd: descriptor, events: Int16(POLLIN) | (toSend ? Int16(POLLOUT) : 0), revents: 0)
    poll(&waited, 1, Int32(milliseconds))
  }

  /// Whether the other side has closed the connection, without reading anything of it.
  var isHungUp: Bool {
    var waited = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&waited, 1, 0) > 0 && Int32(waited.revents) & (POLLHUP | POLLERR) != 0
  }

  /// Of the first answer; nil if none has come.
  var status: Int? {
    let line = received.prefix { $0 != 13 }
    let parts = String(decoding: line, as: UTF8.self).split(separator: " ")
    guard parts.count > 1, parts[0].hasPrefix("HTTP/1.") else { return nil }
    return Int(parts[1])
  }
}
