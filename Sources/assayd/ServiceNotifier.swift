// Tells a service manager (systemd's `Type=notify`) how the daemon is: datagrams of `KEY=value` lines
// to the socket that `NOTIFY_SOCKET` names. Without one nothing is sent.

import CLinux
import Foundation
import Glibc

struct ServiceNotifier: Sendable {
  /// Empty if nobody listens.
  private let path: [UInt8]
  /// Half of what the manager waits for a sign of life.
  let beat: Duration?

  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    var path = Array((environment["NOTIFY_SOCKET"] ?? "").utf8)
    // A name in the abstract namespace.
    if path.first == UInt8(ascii: "@") { path[0] = 0 }
    self.path = path
    let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
    let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
    beat = isForUs && microseconds > 0 && !path.isEmpty ? .microseconds(microseconds / 2) : nil
  }

  func ready(_ status: String) { send("READY=1\nSTATUS=\(status)\nMAINPID=\(getpid())") }

  func stopping() { send("STOPPING=1\nSTATUS=stopping; running jobs go on") }

  func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds)") }

  func reloaded() { send("READY=1") }

  func isAlive() { send("WATCHDOG=1") }

  private static var monotonicMicroseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  /// Whoever does not take it cannot be helped.
  private func send(_ text: String) {
    guard !path.isEmpty else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
      guard path.count < room.count else { return false }
      room.copyBytes(from: path)
      return true
    }
    guard fits else { return }
    // Only the bytes of the name count in the abstract namespace.
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = text.withCString {
          sendto(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL), address, length)
        }
      }
    }
  }
}
