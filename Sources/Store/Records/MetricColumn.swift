// A metric value in a column: a REAL, or the text 'NaN', since SQLite turns a NaN into NULL.

import Experiments
import GRDB

enum MetricColumn {
  static let nan = "NaN".databaseValue

  static func databaseValue(_ value: Double) -> DatabaseValue {
    value.isNaN ? nan : value.databaseValue
  }

  static func double(_ value: DatabaseValue) throws -> Double {
    switch value.storage {
    case .double(let number): return number
    case .string(MetricValue.nan): return .nan
    case .int64(let number): return Double(number)
    default: throw StoreError.databaseDamaged("\(value) is stored where a metric value belongs")
    }
  }
}
