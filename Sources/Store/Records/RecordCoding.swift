// Records kept as JSON inside a row: the same shape as on the wire (keys in snake case, non-finite
// numbers as strings), so that people with any SQLite tool read what they know.

import Experiments
import Foundation

enum RecordCoding {
  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: MetricValue.positiveInfinity,
      negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// - Throws: `database_damaged` if the text is not such a record.
  static func value<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: MetricValue.positiveInfinity,
      negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    do {
      return try decoder.decode(type, from: Data(text.utf8))
    } catch {
      throw StoreError.databaseDamaged("a stored \(type) cannot be read (\(error))")
    }
  }

  static func optional<Value: Decodable>(_ text: String?) throws -> Value? {
    guard let text else { return nil }
    return try value(text)
  }
}
