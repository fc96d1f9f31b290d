// Threads for work that keeps a CPU busy (statistics, hashes, large JSON): it must not run on
// Swift's cooperative pool, where two busy tasks would stop every request.

import Dispatch

struct Workshop: Sendable {
  private let queue: DispatchQueue

  init(label: String) {
    queue = DispatchQueue(label: label, attributes: .concurrent)
  }

  func run<Result: Sendable>(
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try work() }) }
    }
  }
}
