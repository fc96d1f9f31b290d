import Client
import Experiments
import Foundation
import Testing
import Wire

/// Tables, groups and counts of runs over the socket.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RunListTests {
  private static func submit(_ daemon: TestDaemon, seeds: Int) async throws {
    let specs = (0..<seeds).map { seed in
      guard case .object(var members) = Specs.train(seed: Int64(seed)) else {
        return JSONValue.null
      }
      members["name"] = .string("job-\(seed % 2)")
      members["tags"] = .object(["team": .string("a,b")])
      return .object(members)
    }
    _ = try await daemon.client.submit(Specs.request(specs))
  }

  @Test func tablesGroupsAndCounts() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      try await Self.submit(daemon, seeds: 5)
      let client = daemon.client
      var query = RunListQuery(
        orderBy: ["id"], limit: 3, select: ["tags.team", "status"], count: true)
      let table = try await client.runTable(query)
      #expect(table.items.map(\.id) == [1, 2, 3] && table.total == 5 && table.next != nil)
      #expect(table.items[0].values["tags.team"] == .string("a,b"))
      query.cursor = table.next
      #expect(try await client.runTable(query).items.map(\.id) == [4, 5])
      let groups = try await client.runGroups(
        RunListQuery(whereText: "user = 'tester'", select: ["id"]), by: ["name"])
      #expect(groups.items.map(\.runs) == [3, 2] && groups.total == 2)
      #expect(groups.items[0].key == ["name": .string("job-0")])
      #expect(groups.items[0].values["id"]?.mean == 3)
      let counted = try await client.runs(
        RunListQuery(whereText: "tags.team = 'a,b'", limit: 1, select: [], count: true))
      #expect(counted.total == 5 && counted.items.count == 1)
    }
  }

  /// The longest expression, percent-encoded, fits into a request.
  @Test func theLongestExpressionArrives() async throws {
    try await TestDaemon.with(slots: 1) { daemon in
      try await Self.submit(daemon, seeds: 1)
      let start = "name != '"
      let text =
        start + String(repeating: "ü", count: (Limits.queryBytes - start.utf8.count - 1) / 2) + "'"
      let found = try await daemon.client.runs(RunListQuery(whereText: text)).items.count
      #expect(found == 1)
    }
  }
}
