// Which params, tags and metrics a list of runs carries: a page of runs in full is hundreds of
// kilobytes of JSON, a table of a few columns wants few of them.

package struct RunSelection: Sendable, Equatable {
  package private(set) var params: [String] = []
  package private(set) var tags: [String] = []
  package private(set) var metrics: [String] = []

  /// - Parameter fields: `metrics.KEY`, `params.KEY` and `tags.KEY`.
  /// - Throws: `invalid_value` at the first that is none of these, `invalid_query`.
  package init(_ fields: [String]) throws {
    let columns = try RunColumns(fields, of: "select")
    for (name, field) in zip(columns.names, columns.fields) {
      switch field {
      case .param(let key): params.append(key)
      case .tag(let key): tags.append(key)
      // A summary has all of these.
      case .metric(let key, let part) where !part.isStep: metrics.append(key)
      default:
        throw StoreError.invalidValue(
          field: "select",
          message: "\"\(name)\" is none of metrics.KEY, params.KEY and tags.KEY")
      }
    }
  }
}
