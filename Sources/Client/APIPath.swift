// A path of the API with its query, percent-encoded.

import Foundation

package struct APIPath: Sendable {
  /// Path and query as they stand in the request line.
  package private(set) var text = "/api/v1"
  private var hasQuery = false

  /// Each part becomes one segment, whatever characters it has.
  package init(_ parts: String...) {
    for part in parts { text += "/" + Self.encoded(part) }
  }

  /// Adds a `/`-separated path, whose slashes stay.
  package func appending(path: String) -> APIPath {
    var result = self
    for part in path.split(separator: "/") { result.text += "/" + Self.encoded(String(part)) }
    return result
  }

  /// Adds a query item; nil adds nothing.
  package func query(_ name: String, _ value: String?) -> APIPath {
    guard let value else { return self }
    var result = self
    result.text += (hasQuery ? "&" : "?") + name + "=" + Self.encoded(value)
    result.hasQuery = true
    return result
  }

  package func query(_ name: String, _ value: (some BinaryInteger)?) -> APIPath {
    query(name, value.map { String($0) })
  }

  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }
}
