// Lists of runs as tables of chosen columns, and groups of runs with their statistics.

package import Experiments

/// An item of `GET /api/v1/runs/table`.
package struct RunTableRow: Codable, Sendable, Equatable {
  package var id: Int64
  package var name: String
  /// By column as it was asked for: numbers, texts, times in microseconds; absent where the run
  /// has no such thing.
  package var values: [String: JSONValue]

  package init(id: Int64, name: String, values: [String: JSONValue]) {
    self.id = id
    self.name = name
    self.values = values
  }
}

/// An item of `GET /api/v1/runs/groups`: the runs that agree in all fields they are grouped by.
package struct RunGroup: Codable, Sendable, Equatable {
  /// By field as it was asked for; absent where these runs have no such thing.
  package var key: [String: JSONValue]
  package var runs: Int
  /// By column as it was asked for.
  package var values: [String: ValueStatistics]

  package init(key: [String: JSONValue], runs: Int, values: [String: ValueStatistics]) {
    self.key = key
    self.runs = runs
    self.values = values
  }
}

/// Of the values of a group's runs; those that are missing or NaN are left out.
package struct ValueStatistics: Codable, Sendable, Equatable {
  package var count: Int
  /// Absent where there is no value.
  package var mean: Double?
  /// Sample standard deviation; absent with fewer than two values.
  package var standardDeviation: Double?
  package var median: Double?
  package var min: Double?
  package var max: Double?

  package init(
    count: Int, mean: Double?, standardDeviation: Double?, median: Double?, min: Double?,
    max: Double?
  ) {
    self.count = count
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.median = median
    self.min = min
    self.max = max
  }
}
