// Hands every change to every subscriber. The writer never waits: a subscriber that is slow finds
// all that it missed merged into one change.

import Synchronization

package final class ChangeHub: Sendable {
  private let subscribers = Mutex<[Subscriber]>([])

  package init() {}

  /// Ends when the task that reads it is cancelled, or the hub is closed.
  package func subscribe() -> AsyncStream<StoreChange> {
    let subscriber = Subscriber()
    subscribers.withLock { $0.append(subscriber) }
    let membership = Membership(hub: self, subscriber: subscriber)
    return AsyncStream(
      unfolding: { await membership.subscriber.next() }, onCancel: { subscriber.finish() })
  }

  /// How many subscribers there are, for tests.
  package var count: Int { subscribers.withLock { $0.count } }

  package func post(_ change: StoreChange) {
    guard !change.isEmpty else { return }
    for subscriber in subscribers.withLock({ $0 }) { subscriber.post(change) }
  }

  package func close() {
    let all = subscribers.withLock { subscribers in
      defer { subscribers = [] }
      return subscribers
    }
    for subscriber in all { subscriber.finish() }
  }

  fileprivate func remove(_ subscriber: Subscriber) {
    subscribers.withLock { $0.removeAll { $0 === subscriber } }
  }
}

/// Held by a stream: when that is gone, its subscriber leaves the hub.
private final class Membership: Sendable {
  let subscriber: Subscriber
  private let hub: ChangeHub

  init(hub: ChangeHub, subscriber: Subscriber) {
    self.hub = hub
    self.subscriber = subscriber
  }

  deinit { hub.remove(subscriber) }
}

private final class Subscriber: Sendable {
  private struct State {
    var pending: StoreChange?
    var waiter: CheckedContinuation<StoreChange?, Never>?
    var isFinished = false
  }

  private let state = Mutex(State())

  func post(_ change: StoreChange) {
    let waiter = state.withLock { state -> CheckedContinuation<StoreChange?, Never>? in
      if let waiter = state.waiter {
        state.waiter = nil
        return waiter
      }
      state.pending = state.pending.map { merged(change, into: $0) } ?? change
      return nil
    }
    waiter?.resume(returning: change)
  }

  func finish() {
    let waiter = state.withLock { state in
      state.isFinished = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: nil)
  }

  func next() async -> StoreChange? {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> StoreChange?? in
        if let pending = state.pending {
          state.pending = nil
          return .some(pending)
        }
        if state.isFinished { return .some(nil) }
        state.waiter = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  private func merged(_ change: StoreChange, into pending: StoreChange) -> StoreChange {
    var result = pending
    result.merge(change)
    return result
  }
}
