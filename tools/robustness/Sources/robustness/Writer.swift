// Somebody who writes to the daemon without pause: makes one write after the other, sends each until
// it is acknowledged, always with the same content, and notes it in the ledger then.
import Foundation
import Synchronization

/// Makes writes. Used by one thread.
protocol WriteMaker: AnyObject {
  /// The requests of the next write, in order.
  func next() throws -> [Request]
  /// All of them have succeeded.
  func acknowledged(_ replies: [HTTPConnection.Reply]) throws -> Ledger.Fact
}

/// A number of writers on one daemon, which may be killed and started again under them.
final class WriterCrew: Sendable {
  struct Tally: Sendable {
    var acknowledged = 0
    /// Answers that were errors, by code.
    var refused: [String: Int] = [:]
    var lost = 0
    /// Longest time in seconds until an answer came.
    var slowest = 0.0
  }

  private enum Order { case work, finish, leave }

  private struct State {
    var order = Order.work
    var running = 0
    var tally = Tally()
    /// When the daemon last acknowledged something whose request began before.
    var lastBegun: Int64 = 0
    var hasPower = true
    /// How often the power has gone.
    var cuts = 0
  }

  let ledger: Ledger
  private let socket: String
  private let findings: Findings
  /// Codes of errors that are no finding.
  private let tolerated: Set<String>
  private let pause: ClosedRange<Int>
  private let state = Mutex(State())

  /// - Parameters:
  ///   - tolerated: codes of errors that may come; the write is then sent again.
  ///   - pause: microseconds between two writes.
  init(
    _ place: Place, ledger: Ledger, findings: Findings, tolerated: Set<String> = [],
    pause: ClosedRange<Int> = 0...2_000
  ) {
    socket = place.socket
    self.ledger = ledger
    self.findings = findings
    self.tolerated = tolerated
    self.pause = pause
  }

  /// From now on no answer counts, until the power is back: a machine without power gives none. The
  /// file system's shutdown call is not so strict; a sync that is under way may report success
  /// although its transaction is dropped.
  func losePower() {
    state.withLock {
      $0.hasPower = false
      $0.cuts += 1
    }
  }

  func regainPower() { state.withLock { $0.hasPower = true } }

  func start(seed: UInt64, _ make: @escaping @Sendable (Random) -> any WriteMaker) {
    state.withLock { $0.running += 1 }
    Thread.detachNewThread { [self] in
      var random = Random(seed: seed)
      work(make(Random(seed: random.next())), &random)
      state.withLock { $0.running -= 1 }
    }
  }

  var tally: Tally { state.withLock { $0.tally } }

  /// Monotonic nanoseconds at which the youngest acknowledged request was begun.
  var lastAcknowledgedBegin: Int64 { state.withLock { $0.lastBegun } }

  /// Every writer has what it last sent acknowledged and ends; false if that took too long.
  func finish(seconds: Double = 60) -> Bool { end(.finish, seconds) }

  /// Every writer ends, whether or not what it last sent was acknowledged.
  func leave(seconds: Double = 60) -> Bool { end(.leave, seconds) }

  private func end(_ order: Order, _ seconds: Double) -> Bool {
    state.withLock { $0.order = order }
    let end = Moment.now + seconds
    while state.withLock({ $0.running }) > 0 {
      if Moment.now > end { return false }
      usleep(1_000)
    }
    return true
  }

  private func work(_ maker: any WriteMaker, _ random: inout Random) {
    let connection = HTTPConnection(socket)
    var pending: [Request]?
    while true {
      let order = state.withLock { $0.order }
      if order == .leave || order == .finish && pending == nil { return }
      do {
        let requests = try pending ?? maker.next()
        pending = requests
        let begin = Moment.nanoseconds
        let cuts = state.withLock { $0.cuts }
        guard let replies = try send(requests, connection),
          state.withLock({ $0.hasPower && $0.cuts == cuts })
        else {
          usleep(UInt32(random.number(1_000...10_000)))
          continue
        }
        ledger.acknowledge(try maker.acknowledged(replies))
        pending = nil
        state.withLock {
          $0.tally.acknowledged += 1
          $0.tally.slowest = max($0.tally.slowest, Double(Moment.nanoseconds - begin) / 1e9)
          $0.lastBegun = max($0.lastBegun, begin)
        }
        usleep(UInt32(random.number(pause)))
      } catch let lost as HTTPConnection.Lost {
        state.withLock { $0.tally.lost += 1 }
        if lost.isSilence { findings.add("silence", "no answer: \(lost)") }
        usleep(1_000)
      } catch {
        findings.add("unexpected", "\(error)")
        return
      }
    }
  }

  /// - Returns: nil if one was refused.
  private func send(_ requests: [Request], _ connection: HTTPConnection) throws
    -> [HTTPConnection.Reply]?
  {
    var replies: [HTTPConnection.Reply] = []
    for request in requests {
      let reply = try connection.send(request)
      guard reply.isSuccess else {
        let code = reply.errorCode ?? "no code"
        state.withLock { $0.tally.refused[code, default: 0] += 1 }
        if !tolerated.contains(code) {
          findings.add(
            "unexpected", "\(request.method) \(request.path): \(reply.status) \(reply.text)")
        }
        return nil
      }
      replies.append(reply)
    }
    return replies
  }
}
