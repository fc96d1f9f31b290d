// The door between the thread that works and the task that delivers: an ordered list of parcels
// with a bound on their memory. A full outbox makes the working thread wait, never forget.
import Foundation
import Synchronization

final class Outbox: Sendable {
  /// Parcels wait in memory up to about this many bytes.
  private static let capacity = 192 << 20

  private struct Contents {
    var parcels: [Parcel] = []
    var weight = 0
    var closed = false
  }

  // An NSCondition, since the working thread is a plain thread that must sleep while full.
  private let condition = NSCondition()
  private let contents = Mutex(Contents())
  private let signal: AsyncStream<Void>.Continuation
  /// Ticks whenever something was put in.
  let arrivals: AsyncStream<Void>

  init() {
    (arrivals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// From the working thread; waits while the outbox is full.
  func put(_ parcel: Parcel) {
    condition.lock()
    while contents.withLock({ $0.weight > Self.capacity && !$0.closed }) { condition.wait() }
    contents.withLock {
      $0.parcels.append(parcel)
      $0.weight += parcel.weight
    }
    condition.unlock()
    signal.yield()
  }

  var first: Parcel? { contents.withLock { $0.parcels.first } }
  var isEmpty: Bool { contents.withLock { $0.parcels.isEmpty } }

  func removeFirst() {
    condition.lock()
    contents.withLock { $0.weight -= $0.parcels.removeFirst().weight }
    condition.broadcast()
    condition.unlock()
  }

  /// Nothing will be delivered any more: what waits is dropped and nobody waits for room.
  func abandon() {
    condition.lock()
    contents.withLock {
      $0.parcels = []
      $0.weight = 0
      $0.closed = true
    }
    condition.broadcast()
    condition.unlock()
  }
}
