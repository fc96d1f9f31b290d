// Answers that go into files, piece by piece.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

extension AssayClient {
  /// Writes the answer's body beside `file` and moves it there when it is whole.
  func download(_ path: APIPath, to file: String) async throws -> Int64 {
    try await retryingOnce(path) {
      let response = try await self.http.execute(
        self.request(.GET, path), deadline: .now() + self.timeAmount)
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1 << 20)
        throw Self.error(body, status: Int(response.status.code), path)
      }
      let expected = response.headers.first(name: "Content-Length").flatMap { Int64($0) }
      let partial = file + ".partial-\(getpid())"
      do {
        let size = try await Self.write(response.body, to: partial)
        if let expected, size != expected {
          throw ClientError.connectionLost("\(size) of \(expected) bytes arrived")
        }
        guard rename(partial, file) == 0 else { throw Self.fileError(file) }
        return size
      } catch {
        unlink(partial)
        throw error
      }
    }
  }

  private static func write(_ body: HTTPClientResponse.Body, to file: String) async throws -> Int64
  {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw fileError(file) }
    defer { close(descriptor) }
    var size: Int64 = 0
    for try await piece in body {
      try piece.withUnsafeReadableBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
            Foundation.write(descriptor, $0.baseAddress, $0.count)
          }
          if count < 0 && errno == EINTR { continue }
          guard count >= 0 else { throw fileError(file) }
          rest = rest.dropFirst(count)
        }
      }
      size += Int64(piece.readableBytes)
    }
    guard fsync(descriptor) == 0 else { throw fileError(file) }
    return size
  }

  private static func fileError(_ path: String) -> ClientError {
    .file(path: path, reason: String(cString: strerror(errno)))
  }
}
