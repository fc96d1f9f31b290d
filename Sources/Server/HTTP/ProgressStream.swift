// The answer to a request for a long piece of work: server-sent events `progress`, and at last `end`
// with the result or `error`. What goes wrong before the first progress is the request's answer. The
// work is cancelled when the peer goes away or the daemon stops.

import Experiments
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Wire

enum ProgressStream {
  /// Between two events of progress.
  private static let pause: Duration = .milliseconds(100)
  private static let keepAlive: Duration = .seconds(10)

  static func response<Result: Encodable & Sendable>(
    _ work:
      @escaping @Sendable (
        _ progress: @escaping @Sendable (CareProgress) -> Void
      ) async throws -> Result
  ) async throws -> Response {
    let texts = AsyncThrowingStream<String, any Error>(bufferingPolicy: .bufferingNewest(64)) {
      continuation in
      let worker = Task {
        do {
          let throttle = Throttle(pause: pause)
          let result = try await work { progress in
            guard throttle.passes() else { return }
            continuation.yield(with: Swift.Result { try JSONEvent.make("progress", progress).text })
          }
          continuation.yield(try JSONEvent.make("end", result).text)
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      let beat = Task {
        while true {
          try await Task.sleep(for: keepAlive)
          continuation.yield(ServerSentEvent.keepAlive)
        }
      }
      continuation.onTermination = { _ in
        worker.cancel()
        beat.cancel()
      }
    }
    var beginning = texts.makeAsyncIterator()
    let first = try await beginning.next() ?? ""
    let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache"]
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        try await writer.write(ByteBuffer(string: first))
        do {
          for try await text in texts {
            if Task.isShuttingDownGracefully { throw ServerError.shuttingDown }
            try await writer.write(ByteBuffer(string: text))
          }
        } catch {
          let event = try JSONEvent.make("error", ErrorReply(error).body)
          try await writer.write(ByteBuffer(string: event.text))
        }
        try await writer.finish(nil)
      })
  }
}
