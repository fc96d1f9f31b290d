// Delivers what an attempt left in its spool because the daemon was away at its end. assayd starts
// this when it finds such an attempt.
import Client
import Experiments
import Foundation
import Jobs
import Wire

struct SpoolFlush {
  let folder: AttemptFolder

  /// 0: all is delivered; 1: not now; 2 (thrown): the daemon refuses it for good.
  func run() async throws -> Int32 {
    let lock = try FileLock.inherited(folder.lockPath)
    defer { withExtendedLifetime(lock) {} }
    guard let order = try folder.readOrder() else { throw WorkerError.noOrder(folder.path) }
    let client = AssayClient(socketPath: order.socketPath, token: order.token)
    let delivery = try Delivery(
      client: client, attempt: order.attemptId, outbox: Outbox(), gauge: Gauge(), folder: folder,
      cost: { Cost() })
    await delivery.deliver()
    if let refusal = await delivery.refusal {
      throw Failure(code: refusal.code, message: refusal.message)
    }
    guard await delivery.isDone else { return 1 }
    if var exit = try folder.readExit() {
      exit.unsent = false
      try folder.write(exit)
    }
    return 0
  }
}
