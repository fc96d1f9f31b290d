// Fields by the names that they were asked for: columns of a table, what runs are grouped by.

import Experiments

struct RunColumns {
  let names: [String]
  let fields: [QueryField]
  private static let most = 64

  /// - Parameter parameter: what the list is called, for messages.
  /// - Throws: `invalid_query`, `limit_exceeded`.
  init(_ names: [String], of parameter: String) throws {
    try Bounds.count(names.count, of: parameter, atMost: Self.most)
    self.names = names
    fields = try names.map { name in
      try Bounds.count(name.utf8.count, of: parameter, atMost: Limits.queryBytes)
      do throws(QueryMistake) {
        var reader = try TokenReader(name)
        let field = try reader.field()
        guard reader.current.kind == .end else { throw reader.expected("\",\" or the end") }
        return field
      } catch {
        throw error.storeError(in: name)
      }
    }
  }
}
