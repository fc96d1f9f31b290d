// One thread for calls that wait for a disk or read much of /proc, so that they do not hold up
// Swift's few cooperative threads. Calls run one after another, in the order of their coming.

import Dispatch

package struct BlockingQueue: Sendable {
  private let queue: DispatchQueue

  package init(_ label: String) { queue = DispatchQueue(label: label) }

  package func run<Result: Sendable>(
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try work() }) }
    }
  }
}
