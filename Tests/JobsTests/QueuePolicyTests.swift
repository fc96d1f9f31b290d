// Which jobs start next, and what follows a lost attempt.

import Experiments
import Jobs
import Testing

@Suite struct QueuePolicyTests {
  private func job(
    _ id: Int64, _ priority: Int = 0, _ kind: JobKind = .train, queue: String = "default",
    resources: [String: Int] = [:], exclusive: Bool = false
  ) -> QueuePolicy.Queued {
    QueuePolicy.Queued(
      id: id, priority: priority, kind: kind, queue: queue, resources: resources,
      isExclusive: exclusive)
  }

  private func next(
    _ queued: [QueuePolicy.Queued], slots: Int, running: [QueuePolicy.Queued] = [],
    queues: [String: QueueSituation.Limit] = [:], resources: [String: Int] = [:]
  ) -> [Int64] {
    QueuePolicy.next(
      of: queued,
      in: QueueSituation(
        slots: slots, running: running.map { .init($0) }, queues: queues, resources: resources))
  }

  private func busy(_ count: Int) -> [QueuePolicy.Queued] {
    (0..<count).map { job(1000 + Int64($0)) }
  }

  @Test func `higher priority first, then the order of submission`() {
    let queued = [job(5), job(3), job(9, 2), job(4, -1), job(7, 2)]
    #expect(next(queued, slots: 10) == [7, 9, 3, 5, 4])
    #expect(next(queued, slots: 4, running: busy(1)) == [7, 9, 3])
  }

  @Test(arguments: [(1, 1), (0, 0), (2, 5)])
  func `nothing starts without a free slot`(slots: Int, busy count: Int) {
    #expect(next([job(1), job(2)], slots: slots, running: busy(count)).isEmpty)
  }

  @Test func `a job that only serves takes no slot`() {
    let queued = [job(1), job(2, 0, .serve), job(3)]
    #expect(next(queued, slots: 1, running: busy(1)) == [2])
    #expect(next(queued, slots: 2, running: busy(1)) == [1, 2])
  }

  @Test func `a queue's slots are a limit within the daemon's`() {
    let night = QueueSituation.Limit(slots: 1, isPaused: false)
    let queued = [job(1, queue: "night"), job(2, queue: "night"), job(3), job(4)]
    #expect(next(queued, slots: 3, queues: ["night": night]) == [1, 3, 4])
    #expect(
      next(queued, slots: 3, running: [job(9, queue: "night")], queues: ["night": night]) == [3, 4])
  }

  @Test func `nothing of a paused queue starts`() {
    let paused = QueueSituation.Limit(slots: nil, isPaused: true)
    let queued = [job(1, 9, queue: "night"), job(2), job(3, 9, queue: "night", exclusive: true)]
    #expect(next(queued, slots: 3, queues: ["night": paused]) == [2])
  }

  @Test func `resources are counted, and the first in line gets them first`() {
    let queued = [
      job(1, resources: ["gpu": 2]), job(2, resources: ["gpu": 1]), job(3),
      job(4, resources: ["disk": 1]),
    ]
    let there = ["gpu": 2, "disk": 1]
    #expect(next(queued, slots: 4, resources: there) == [1, 3, 4])
    // The first one waits for both, and the second does not slip past it.
    #expect(
      next(queued, slots: 4, running: [job(9, resources: ["gpu": 1])], resources: there) == [3, 4])
    #expect(
      next(
        [job(1, resources: ["gpu": 3]), job(2, resources: ["gpu": 1])], slots: 4, resources: there)
        == [2])
  }

  @Test func `an exclusive job starts when nothing runs, and keeps those behind it waiting`() {
    let queued = [job(1, 1), job(2, exclusive: true), job(3), job(4, -1)]
    #expect(next(queued, slots: 4) == [1])
    #expect(next(Array(queued[1...]), slots: 4, running: busy(1)).isEmpty)
    #expect(next(Array(queued[1...]), slots: 4) == [2])
    #expect(next([job(3, 9)], slots: 4, running: [job(2, exclusive: true)]).isEmpty)
  }

  @Test func `an exclusive job that can never run keeps nobody waiting`() {
    #expect(next([job(1, resources: ["gpu": 1], exclusive: true), job(2)], slots: 2) == [2])
  }

  @Test func `every job is told why it waits`() {
    let situation = QueueSituation(
      slots: 2, running: [.init(job(8, queue: "night", resources: ["gpu": 2]))],
      queues: [
        "night": .init(slots: 1, isPaused: false), "day": .init(slots: nil, isPaused: true),
      ], resources: ["gpu": 2])
    func reason(_ job: QueuePolicy.Queued, behind first: QueuePolicy.Queued? = nil) -> String {
      situation.reason(job, behind: first).message
    }
    #expect(reason(job(1)) == "waits for a slot")
    #expect(reason(job(1, queue: "day")) == "queue day is paused")
    #expect(reason(job(1, queue: "night")) == "waits for a slot of queue night: 1 of 1 in use")
    #expect(reason(job(1, resources: ["gpu": 1])) == "waits for gpu: 2 of 2 in use")
    #expect(reason(job(1, resources: ["gpu": 3])) == "waits for gpu: wants 3, there are 2")
    #expect(reason(job(1, exclusive: true)) == "waits until nothing else runs (exclusive)")
    #expect(
      reason(job(2), behind: job(1, exclusive: true)) == "waits for job 1, which waits to run alone"
    )
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
