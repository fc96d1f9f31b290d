// The daemon's counted resources: which numbers of each are handed out, and how a job is told.

import Experiments

package struct Resources: Sendable, Equatable {
  /// How many there are of each.
  package let totals: [String: Int]

  package init(_ totals: [String: Int] = [:]) { self.totals = totals }

  /// The lowest free numbers of each; nil if there are too few.
  func free(
    _ wanted: [String: Int], besides handedOut: some Sequence<[String: [Int]]>
  ) -> [String: [Int]]? {
    var taken: [String: Set<Int>] = [:]
    for one in handedOut {
      for (name, numbers) in one { taken[name, default: []].formUnion(numbers) }
    }
    var result: [String: [Int]] = [:]
    for (name, count) in wanted {
      let free = (0..<(totals[name] ?? 0)).filter { !(taken[name]?.contains($0) ?? false) }
      guard free.count >= count else { return nil }
      result[name] = Array(free.prefix(count))
    }
    return result
  }

  /// What a job's environment says of them. Where GPUs are counted, a job without one sees none.
  func environment(_ handedOut: [String: [Int]]) -> [String: String] {
    var variables: [String: String] = [:]
    for (name, numbers) in handedOut {
      variables["ASSAY_RESOURCE_\(name.uppercased())"] = Self.list(numbers)
    }
    if totals["gpu"] != nil {
      variables["CUDA_VISIBLE_DEVICES"] = Self.list(handedOut["gpu"] ?? [])
    }
    return variables
  }

  private static func list(_ numbers: [Int]) -> String {
    numbers.map { String($0) }.joined(separator: ",")
  }

  /// - Throws: `resource_unavailable` if a job wants more than there is at all.
  func require(_ wanted: [String: Int]) throws(ServerError) {
    for (name, count) in wanted.sorted(by: { $0.key < $1.key })
    where count > totals[name] ?? 0 {
      throw .resourceUnavailable(name: name, wanted: count, total: totals[name] ?? 0)
    }
  }
}
