// What a service manager is told: a socket of the test's own takes systemd's place.
import Experiments
import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ServiceManagerTests {
  @Test(arguments: [false, true])
  func itIsToldOfReadyReloadStopAndLife(isAbstract: Bool) async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let name = isAbstract ? "@assay-\(UUID().uuidString)" : folder.file("notify")
    let listener = try NotifyListener(name)
    defer { listener.close() }
    let daemon = try Foreground(
      environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000"], folder: folder)
    defer { daemon.end() }
    try await eventually("it is ready") { listener.lines.contains("READY=1") }
    #expect(listener.lines.contains("MAINPID=\(daemon.pid)"))
    try await eventually("it lives") { listener.lines.count { $0 == "WATCHDOG=1" } >= 3 }
    daemon.send(SIGHUP)
    try await eventually("it has reloaded") {
      listener.lines.count { $0 == "READY=1" } == 2
    }
    let reloading = try #require(listener.lines.firstIndex(of: "RELOADING=1"))
    #expect(listener.lines[reloading + 1].hasPrefix("MONOTONIC_USEC="))
    #expect(!listener.lines.contains("STOPPING=1"))
    try await daemon.stop()
    #expect(listener.lines.contains("STOPPING=1"))
  }

  @Test func aWatchdogForAnotherProcessIsNotFed() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let listener = try NotifyListener(folder.file("notify"))
    defer { listener.close() }
    let daemon = try Foreground(
      environment: [
        "NOTIFY_SOCKET": folder.file("notify"), "WATCHDOG_USEC": "2000", "WATCHDOG_PID": "1",
      ], folder: folder)
    defer { daemon.end() }
    try await eventually("it is ready") { listener.lines.contains("READY=1") }
    try await daemon.stop()
    #expect(!listener.lines.contains("WATCHDOG=1"))
  }
}

/// Takes the datagrams, on a thread of its own.
private final class NotifyListener: Sendable {
  private let descriptor: Int32
  private let received = Mutex<[String]>([])

  var lines: [String] { received.withLock { $0 } }

  init(_ name: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    try #require(result == 0, "errno \(errno)")
    Thread.detachNewThread { [self] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        received.withLock { $0 += text.split(separator: "\n").map(String.init) }
      }
    }
  }

  func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
