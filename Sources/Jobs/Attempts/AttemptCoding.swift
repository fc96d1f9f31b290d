// The JSON of an attempt's files: keys in snake case, sorted; NaN and the infinities as the strings
// they are on the wire.

import Experiments
import Foundation

enum AttemptCoding {
  static func encode(_ value: some Encodable, path: String) throws(JobsError) -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: MetricValue.positiveInfinity,
      negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    do {
      return try encoder.encode(value)
    } catch {
      throw .damaged(path: path, reason: "cannot be written as JSON: \(error)")
    }
  }

  /// `floatsAsText` reads the strings "NaN" and so on as numbers. Not for values of unknown shape
  /// (`JSONValue`): there the text "NaN", as in a spec's list of missing values, must stay text.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], path: String, floatsAsText: Bool
  ) throws(JobsError) -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    if floatsAsText {
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: MetricValue.positiveInfinity,
        negativeInfinity: MetricValue.negativeInfinity, nan: MetricValue.nan)
    }
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch {
      throw .damaged(path: path, reason: Self.reason(error))
    }
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "\(key.stringValue) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      context.codingPath.isEmpty
        ? context.debugDescription
        : context.codingPath.map(\.stringValue).joined(separator: ".") + ": "
          + context.debugDescription
    default: "\(error)"
    }
  }
}
