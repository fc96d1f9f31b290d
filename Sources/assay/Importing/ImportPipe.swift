// Lets a reader that blocks run on a thread of its own, a few items ahead of who takes them. Reading
// waits while the taker is behind, so that memory stays bounded.

import Foundation
import Imports
import Synchronization

final class ImportPipe: Sendable {
  /// Items that may wait; the largest ones have 20,000 points.
  private static let ahead = 16

  /// Ends the reading thread when nobody takes items any more.
  private struct Closed: Error {}

  private struct State {
    var items: [ImportItem] = []
    var end: Result<Void, any Error>?
    var isClosed = false
    var taker: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())
  /// Begins at 0: one that is let go below its first value traps.
  private let room = DispatchSemaphore(value: 0)

  /// Begins to read.
  init(_ read: @escaping @Sendable (_ emit: (ImportItem) throws -> Void) throws -> Void) {
    for _ in 0..<Self.ahead { room.signal() }
    let thread = Thread { [self] in
      let result = Result { try read { try put($0) } }
      change { $0.end = result }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// The next item; nil after the last one.
  /// - Throws: what the reader threw.
  func next() async throws -> ImportItem? {
    while true {
      let found: Result<ImportItem?, any Error>? = state.withLock { state in
        if !state.items.isEmpty { return .success(state.items.removeFirst()) }
        return state.end.map { $0.map { nil } }
      }
      if let found {
        let item = try found.get()
        if item != nil { room.signal() }
        return item
      }
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if !state.items.isEmpty || state.end != nil { return true }
          state.taker = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    }
  }

  /// Nothing more is taken: the reader ends at its next item.
  func close() {
    change { $0.isClosed = true }
    room.signal()
  }

  private func put(_ item: ImportItem) throws {
    room.wait()
    let isClosed = state.withLock { $0.isClosed }
    guard !isClosed else {
      room.signal()
      throw Closed()
    }
    change { $0.items.append(item) }
  }

  /// Changes the state and wakes who waits for it.
  private func change(_ body: (inout State) -> Void) {
    let taker = state.withLock { state in
      body(&state)
      defer { state.taker = nil }
      return state.taker
    }
    taker?.resume()
  }
}
