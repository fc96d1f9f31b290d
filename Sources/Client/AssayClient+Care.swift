// The care of the daemon's database.

import AsyncHTTPClient
package import Experiments
import Foundation
import NIOCore
import NIOHTTP1
package import Wire

extension AssayClient {
  /// Has the daemon write a copy of its database to a file on its machine.
  package func backup(
    _ request: BackupRequest, progress: @escaping @Sendable (CareProgress) -> Void = { _ in }
  ) async throws -> BackupReport {
    let body = try WireCoding.encoder().encode(request)
    return try await work(APIPath("backup"), body: body, progress: progress)
  }

  /// Has the daemon examine its database.
  package func doctor(
    progress: @escaping @Sendable (CareProgress) -> Void = { _ in }
  ) async throws -> DoctorReport {
    try await work(APIPath("doctor"), body: nil, progress: progress)
  }

  /// Asks for a long piece of work and waits for its end, however long that takes. It is not asked
  /// for again if the connection breaks off.
  private func work<Result: Decodable>(
    _ path: APIPath, body: Data?, progress: (CareProgress) -> Void
  ) async throws -> Result {
    do {
      var request = self.request(.POST, path)
      request.headers.add(name: "Accept", value: "text/event-stream")
      if let body {
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
      }
      let response = try await http.execute(request, deadline: .now() + .hours(24))
      guard response.status == .ok else {
        let body = try await response.body.collect(upTo: 1 << 20)
        throw Self.error(body, status: Int(response.status.code), path)
      }
      var reader = ServerSentEventReader()
      for try await piece in response.body {
        for event in reader.read(piece.readableBytesView) {
          switch event.name {
          case "progress": progress(try Self.value(event))
          case "end": return try Self.value(event)
          case "error": throw ClientError.api(try Self.value(event), status: 500)
          default: break
          }
        }
      }
      throw ClientError.connectionLost("the daemon's answer has no end")
    } catch {
      throw clientError(error, path)
    }
  }
}
