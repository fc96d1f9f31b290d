// Which params, tags and metrics a list of runs carries: a page of runs in full is hundreds of
// kilobytes of JSON, a table of a few columns wants few of them.

package struct RunSelection: Sendable, Equatable {
  package private(set) var params: [String] = []
  package private(set) var tags: [String] = []
  package private(set) var metrics: [String] = []

  /// - Parameter fields: `metrics.KEY`, `params.KEY` and `tags.KEY`.
  /// - Throws: `invalid_value` at the first that is none of these.
  package init(_ fields: [String]) throws {
    for field in fields {
      let parts = field.split(separator: ".", maxSplits: 1)
      let key = parts.count == 2 ? String(parts[1]) : ""
      switch parts.first {
      case "params" where !key.isEmpty: params.append(key)
      case "tags" where !key.isEmpty: tags.append(key)
      case "metrics" where !key.isEmpty: metrics.append(key)
      default:
        throw StoreError.invalidValue(
          field: "select",
          message: "\"\(field)\" is none of metrics.KEY, params.KEY and tags.KEY")
      }
    }
  }
}
