// A path of the API with its query, percent-encoded.

import Foundation

package struct APIPath: Sendable {
  /// Path and query as they stand in the request line.
  package private(set) var text = "/api/v1"
  /// A part is empty or a step of a path, which would make it the path of another route.
  package private(set) var badPart: String?
  private var hasQuery = false

  /// Each part becomes one segment, whatever characters it has.
  package init(_ parts: String...) {
    for part in parts { append(part) }
  }

  /// Adds a `/`-separated path, whose slashes stay.
  package func appending(path: String) -> APIPath {
    var result = self
    let parts = path.split(separator: "/")
    if parts.isEmpty { result.badPart = path }
    for part in parts { result.append(String(part)) }
    return result
  }

  private mutating func append(_ part: String) {
    if part.isEmpty || part == "." || part == ".." { badPart = part }
    text += "/" + Self.encoded(part)
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
