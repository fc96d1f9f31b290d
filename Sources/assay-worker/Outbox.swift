// The door between the thread that works and the task that delivers: an ordered list of parcels
// with a bound on their memory. A full outbox makes the working thread wait, never forget.
import Experiments
import Foundation
import Synchronization

final class Outbox: Sendable {
  /// Parcels wait in memory up to about this many bytes.
  private static let capacity = 192 << 20
  /// Epochs' hashes that are sent in one request.
  private static let hashesTogether = 1_000

  private struct Contents {
    var parcels: [Parcel] = []
    /// How many parcels have left, so that each has a number of its own.
    var removed = 0
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
    condition.unlock()
    putAtOnce(parcel)
  }

  /// Puts a state to be kept behind what waits, of which some need no longer be sent as it is: of
  /// states that wait, only the newest and the best stay whole, and those that are to stay whole for
  /// good; and the newest few stay at all, if no more are kept.
  func put(_ state: KeptState, keepLast: Int?) {
    contents.withLock { contents in
      var newer = 1
      var hasBest = state.isBest
      for index in contents.parcels.indices.reversed() {
        guard case .state(var waiting) = contents.parcels[index] else { continue }
        let isBest = waiting.isBest && !hasBest
        hasBest = hasBest || isBest
        let before = contents.parcels[index].weight
        if !isBest, let keepLast, newer >= max(1, keepLast) {
          contents.parcels[index] = .epochs(waiting.hashes)
        } else if !isBest && !waiting.keepsWhole && waiting.whole != nil {
          waiting.becomeSnapshot()
          contents.parcels[index] = .state(waiting)
        }
        contents.weight -= before - contents.parcels[index].weight
        newer += 1
      }
    }
    put(.state(state))
  }

  /// The same without waiting, for a small last parcel.
  func putAtOnce(_ parcel: Parcel) {
    contents.withLock {
      $0.parcels.append(parcel)
      $0.weight += parcel.weight
    }
    signal.yield()
  }

  /// What is to be sent next, and the number to remove it by. Metrics and epochs' hashes that follow
  /// one another become one parcel of each, up to what one request may hold: they come in turns, and
  /// epochs may be far shorter than a request.
  func next() -> (parcels: [Parcel], through: Int)? {
    contents.withLock { contents in
      guard let first = contents.parcels.first else { return nil }
      var points: [MetricPoint] = []
      var hashes: [EpochHash] = []
      var count = 0
      joining: for parcel in contents.parcels {
        switch parcel {
        case .metrics(let more)
        where count == 0 || points.count + more.count <= Limits.pointsPerRequest:
          points += more
        case .epochs(let more) where count == 0 || hashes.count + more.count <= Self.hashesTogether:
          hashes += more
        default: break joining
        }
        count += 1
      }
      guard count > 0 else { return ([first], contents.removed + 1) }
      let joined: [Parcel?] = [
        points.isEmpty ? nil : .metrics(points), hashes.isEmpty ? nil : .epochs(hashes),
      ]
      return (joined.compactMap(\.self), contents.removed + count)
    }
  }

  var isEmpty: Bool { contents.withLock { $0.parcels.isEmpty } }

  /// Removes what `next` gave; does nothing if it has gone already.
  func remove(through number: Int) {
    condition.lock()
    contents.withLock {
      let count = min(max(0, number - $0.removed), $0.parcels.count)
      $0.weight -= $0.parcels.prefix(count).reduce(0) { $0 + $1.weight }
      $0.parcels.removeFirst(count)
      $0.removed += count
    }
    condition.broadcast()
    condition.unlock()
  }

  /// Nothing will be delivered any more: what waits is dropped and nobody waits for room.
  func abandon() {
    condition.lock()
    contents.withLock {
      $0.removed += $0.parcels.count
      $0.parcels = []
      $0.weight = 0
      $0.closed = true
    }
    condition.broadcast()
    condition.unlock()
  }
}
