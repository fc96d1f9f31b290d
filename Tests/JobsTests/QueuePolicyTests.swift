// Which jobs start next, and what follows a lost attempt.

import Experiments
import Jobs
import Testing

@Suite struct QueuePolicyTests {
  private func job(_ id: Int64, _ priority: Int = 0, _ kind: JobKind = .train)
    -> QueuePolicy.Queued
  {
    QueuePolicy.Queued(id: id, priority: priority, kind: kind)
  }

  @Test func `higher priority first, then the order of submission`() {
    let queued = [job(5), job(3), job(9, 2), job(4, -1), job(7, 2)]
    #expect(QueuePolicy.next(of: queued, slots: 10, busy: 0) == [7, 9, 3, 5, 4])
    #expect(QueuePolicy.next(of: queued, slots: 4, busy: 1) == [7, 9, 3])
  }

  @Test(arguments: [(1, 1), (0, 0), (2, 5)])
  func `nothing starts without a free slot`(slots: Int, busy: Int) {
    #expect(QueuePolicy.next(of: [job(1), job(2)], slots: slots, busy: busy).isEmpty)
  }

  @Test func `a job that only serves takes no slot`() {
    let queued = [job(1), job(2, 0, .serve), job(3)]
    #expect(QueuePolicy.next(of: queued, slots: 1, busy: 1) == [2])
    #expect(QueuePolicy.next(of: queued, slots: 2, busy: 1) == [1, 2])
  }

  @Test(arguments: [
    (LostPolicy.resume, 1, true, true, QueuePolicy.AfterLost.resume(fromCheckpoint: true)),
    (.resume, 1, false, true, .resume(fromCheckpoint: false)),
    (.requeue, 1, true, true, .requeue),
    (.fail, 1, true, true, .fail),
    // Not begun: safe whatever the policy says.
    (.fail, 1, false, false, .resume(fromCheckpoint: false)),
    (.requeue, 1, true, false, .resume(fromCheckpoint: true)),
    // The limit, whether or not anything began.
    (.resume, 4, true, true, .resume(fromCheckpoint: true)),
    (.resume, 5, true, true, .lost),
    (.requeue, 5, false, true, .lost),
    (.resume, 6, false, false, .lost),
    (.fail, 5, false, true, .fail),
    (.fail, 5, false, false, .lost),
  ])
  func `after a lost attempt`(
    policy: LostPolicy, lost: Int, hasCheckpoint: Bool, claimed: Bool,
    expected: QueuePolicy.AfterLost
  ) {
    let decision = QueuePolicy.afterLost(
      policy: policy, consecutiveLostWithoutProgress: lost, hasCheckpoint: hasCheckpoint,
      claimed: claimed, limit: 5)
    #expect(decision == expected)
  }
}
