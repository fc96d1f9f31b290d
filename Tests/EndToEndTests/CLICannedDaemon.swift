// A stand-in for the daemon that answers every route with a file of Fixtures/answers, so that what
// the command line prints can be held against golden files.
import Foundation
import Synchronization

final class CannedDaemon: Sendable {
  let folder: TemporaryFolder
  let socketPath: String
  private let routes: [String: String]
  private let listener: Int32
  private let seen = Mutex<[String]>([])

  /// `changes` are routes that answer otherwise than usual.
  init(changes: [String: String] = [:]) throws {
    folder = try TemporaryFolder()
    socketPath = folder.file("s.sock")
    routes = Self.usual.merging(changes) { $1 }
    listener = try Self.listen(at: socketPath)
    Thread.detachNewThread { [self] in accept() }
  }

  func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    Foundation.close(listener)
    folder.remove()
  }

  /// Bodies of the requests so far that had one.
  var bodies: [String] { seen.withLock { $0 } }

  /// `METHOD path?query` or `METHOD path` to a file's name; `500:name` answers with that status.
  private static let usual = [
    "GET /runs": "runs.json", "GET /runs/1": "run-1.json", "GET /runs/7": "run-7.json",
    "GET /runs/1/detail": "detail-1.json", "GET /runs/1/metrics/loss": "history-loss.json",
    "GET /runs/1/metrics/val_loss": "history-val_loss.json",
    "GET /runs/1/metrics/val_f1": "history-val_f1.json",
    "GET /runs/1/metrics/test_f1": "history-test_f1.json",
    "GET /runs/1/metrics/test_accuracy": "history-test_accuracy.json",
    "GET /runs/1/checkpoints": "checkpoints-1.json",
    "POST /runs/1/checkpoints/verify": "verified-1.json",
    "GET /runs/1/artifacts": "artifacts-1.json",
    "GET /runs/1/log?offset=0&limit=1048576": "log.json", "GET /runs/1/log": "log-end.json",
    "PATCH /runs/1": "run-1.json", "PATCH /runs/7": "run-7.json", "GET /resolve": "resolved.json",
    "GET /jobs": "jobs-ended.json",
    "GET /jobs?state=held%2Cqueued%2Cstarting%2Crunning&limit=1000": "jobs-open.json",
    "POST /jobs": "submitted.json", "POST /jobs/9/cancel": "cancelled.json",
    "GET /jobs/1/follow": "follow-1.sse", "GET /jobs/8/follow": "follow-8.sse",
    "POST /compare": "comparison.json", "POST /checks": "check.json", "GET /checks": "checks.json",
    "GET /checks/3": "check.json", "GET /runs/1/checkpoints/9/file": "status.json",
    "GET /baselines": "baselines.json", "PUT /baselines/nightly": "baseline.json",
    "DELETE /baselines/nightly": "acknowledged.json", "GET /schedules": "schedules.json",
    "POST /schedules": "schedule.json", "PATCH /schedules/1": "schedule.json",
    "DELETE /schedules/1": "acknowledged.json",
    "GET /schedules/1": "schedule.json", "GET /schedules/1/times": "schedule-times.json",
    "GET /schedules/1/history": "schedule-history.json", "POST /schedules/1/run": "firing.json",
    "GET /status": "status.json", "GET /health": "health.json", "GET /events": "events.json",
  ]

  // MARK: Threads, since blocking calls must stay off the pool

  private func accept() {
    while true {
      let connection = Foundation.accept(listener, nil, nil)
      guard connection >= 0 else { return }
      Thread.detachNewThread { [self] in serve(connection) }
    }
  }

  private func serve(_ connection: Int32) {
    defer { Foundation.close(connection) }
    var input: [UInt8] = []
    while let request = Self.request(from: connection, &input) {
      if !request.body.isEmpty { seen.withLock { $0.append(request.body) } }
      let name = answer(to: request.line)
      guard let content = FileManager.default.contents(atPath: Self.file(name.file)) else { return }
      let isStream = name.file.hasSuffix(".sse")
      let head =
        isStream
        ? "Content-Type: text/event-stream\r\nConnection: close"
        : "Content-Type: application/json\r\nContent-Length: \(content.count)"
      let text = Data("HTTP/1.1 \(name.status) Canned\r\n\(head)\r\n\r\n".utf8)
      guard Self.send(text + content, to: connection) else { return }
      if name.file.hasPrefix("open-") {
        // a job that goes on and on: until the client has gone
        _ = Self.request(from: connection, &input)
      }
      if isStream { return }
    }
  }

  private func answer(to line: String) -> (status: String, file: String) {
    let words = line.split(separator: " ").map(String.init)
    let path = words[1].replacing("/api/v1", with: "", maxReplacements: 1)
    let bare = path.prefix { $0 != "?" }
    let found = routes["\(words[0]) \(path)"] ?? routes["\(words[0]) \(bare)"]
    let parts = (found ?? "404:not-found.json").split(separator: ":").map(String.init)
    return parts.count == 2 ? (parts[0], parts[1]) : ("200", parts[0])
  }

  private static func request(
    from connection: Int32, _ input: inout [UInt8]
  ) -> (line: String, body: String)? {
    var piece = [UInt8](repeating: 0, count: 4_096)
    while true {
      let text = String(decoding: input, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let length =
          lines.compactMap { line -> Int? in
            let parts = line.lowercased().components(separatedBy: "content-length: ")
            return parts.count == 2 ? Int(parts[1]) : nil
          }.first ?? 0
        let body = text[end.upperBound...].utf8
        if body.count >= length {
          input.removeFirst(text[..<end.upperBound].utf8.count + length)
          return (lines[0], String(decoding: body.prefix(length), as: UTF8.self))
        }
      }
      let count = recv(connection, &piece, piece.count, 0)
      guard count > 0 else { return nil }
      input += piece[..<count]
    }
  }

  private static func send(_ data: Data, to connection: Int32) -> Bool {
    data.withUnsafeBytes { bytes in
      Foundation.send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    } == data.count
  }

  private static func file(_ name: String) -> String {
    Programs.source("Tests/EndToEndTests/Fixtures/answers/" + name)
  }

  private static func listen(at path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { buffer in
      buffer.copyBytes(from: path.utf8.prefix(buffer.count - 1))
    }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
    }
    guard descriptor >= 0, bound == 0, Foundation.listen(descriptor, 16) == 0 else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    return descriptor
  }
}

/// Holds text against a golden file; `ASSAY_UPDATE_GOLDEN=1` writes the files instead.
enum Golden {
  static func expected(_ name: String, _ text: String) throws -> String {
    let file = URL(
      fileURLWithPath: Programs.source("Tests/EndToEndTests/Fixtures/\(name).txt"))
    if ProcessInfo.processInfo.environment["ASSAY_UPDATE_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: file)
    }
    return try String(contentsOf: file, encoding: .utf8)
  }
}
