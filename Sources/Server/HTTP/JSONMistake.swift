// Says where in a body the JSON is not what it must be, with the names that stand in the JSON.

import Foundation

enum JSONMistake {
  static func error(_ error: DecodingError) -> ServerError {
    switch error {
    case .keyNotFound(let key, let context):
      .badJSON(field: path(context.codingPath + [key]), reason: "it is missing")
    case .typeMismatch(let type, let context):
      .badJSON(field: path(context.codingPath), reason: "it must be \(name(of: type))")
    case .valueNotFound(let type, let context):
      .badJSON(
        field: path(context.codingPath), reason: "it is null and must be \(name(of: type))")
    case .dataCorrupted(let context):
      .badJSON(field: path(context.codingPath), reason: sentence(context))
    @unknown default:
      .badJSON(field: nil, reason: "\(error)")
    }
  }

  /// Swift's `jobs.0.runId` as the JSON has it: `jobs.0.run_id`.
  private static func path(_ keys: [any CodingKey]) -> String? {
    guard !keys.isEmpty else { return nil }
    return keys.map { key in
      if let index = key.intValue { return String(index) }
      return snakeCase(key.stringValue)
    }.joined(separator: ".")
  }

  private static func snakeCase(_ name: String) -> String {
    var result = ""
    for character in name {
      if character.isUppercase {
        result += "_" + character.lowercased()
      } else {
        result.append(character)
      }
    }
    return result
  }

  private static func sentence(_ context: DecodingError.Context) -> String {
    // Foundation has where the syntax is wrong in the error beneath.
    if let detail = (context.underlyingError as? NSError)?.userInfo["NSDebugDescription"] {
      return "\(detail)"
    }
    var text = context.debugDescription
    while text.hasSuffix(".") { text.removeLast() }
    return text
  }

  private static func name(of type: Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is [Any].Type: "a list"
    default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
    }
  }
}
