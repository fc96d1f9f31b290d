import Store
import Testing

@Suite struct ChangeHubTests {
  @Test func whatASlowSubscriberMissedIsMerged() async {
    let hub = ChangeHub()
    let stream = hub.subscribe()
    for id in 1...5 {
      var change = StoreChange()
      change.note(.metrics, run: Int64(id), job: 9)
      hub.post(change)
    }
    hub.close()
    var all: [StoreChange] = []
    for await change in stream { all.append(change) }
    #expect(all.count == 1)
    #expect(all.first?.runIds == [1, 2, 3, 4, 5])
    #expect(all.first?.concerns(job: 9) == true)
    #expect(all.first?.concerns(run: 6) == false)
  }

  @Test func tooManyIdsMeanEverything() {
    var change = StoreChange()
    for id in 0..<20_000 { change.note(.runs, run: Int64(id)) }
    #expect(change.isEverything && change.runIds.isEmpty && change.concerns(run: 1 << 40))
  }

  @Test func aSubscriberLeavesWithItsStream() async {
    let hub = ChangeHub()
    var stream: AsyncStream<StoreChange>? = hub.subscribe()
    #expect(hub.count == 1 && stream != nil)
    stream = nil
    #expect(hub.count == 0)
  }

  @Test func cancellingEndsTheStream() async {
    let hub = ChangeHub()
    let stream = hub.subscribe()
    let task = Task { for await _ in stream {} }
    task.cancel()
    await task.value
  }
}
