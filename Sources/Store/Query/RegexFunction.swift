// The SQL function `assay_matches(pattern, text, query)`: whether a regular expression is found in a
// text. Each connection has its own; a pattern is compiled once per query, and all its searches in
// one query together may follow so many states and no more.

package import Experiments
import GRDB
import Synchronization

extension Limits {
  /// States that the searches of one query may follow: a second or two of a processor.
  package static let regexSteps = 30_000_000
}

final class RegexFunction: Sendable {
  static let name = "assay_matches"
  /// What the function says when the steps are used up.
  static let exhausted = "assay: regular expression takes too long"

  private struct State {
    var query: Int64 = -1
    var patterns: [String: RegexPattern] = [:]
    var steps = 0
  }

  private let state = Mutex(State())
  private static let queries = Atomic<Int64>(0)

  /// The third argument: another number for each query.
  static func nextQuery() -> Int64 {
    queries.wrappingAdd(1, ordering: .relaxed).newValue
  }

  static func add(to db: Database) {
    let own = RegexFunction()
    db.add(
      function: DatabaseFunction(name, argumentCount: 3) { arguments in
        guard let text = String.fromDatabaseValue(arguments[1]),
          let pattern = String.fromDatabaseValue(arguments[0]),
          let query = Int64.fromDatabaseValue(arguments[2])
        else { return nil }
        return try own.matches(pattern, text, query)
      })
  }

  private func matches(_ pattern: String, _ text: String, _ query: Int64) throws -> Bool {
    try state.withLock { state in
      if state.query != query { state = State(query: query, steps: Limits.regexSteps) }
      let compiled: RegexPattern
      if let known = state.patterns[pattern] {
        compiled = known
      } else {
        do throws(QueryMistake) {
          compiled = try RegexPattern(pattern)
        } catch {
          throw DatabaseError(message: error.reason)
        }
        state.patterns[pattern] = compiled
      }
      guard let isFound = compiled.isFound(in: text, steps: &state.steps) else {
        throw DatabaseError(message: Self.exhausted)
      }
      return isFound
    }
  }
}
