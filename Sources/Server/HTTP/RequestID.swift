// The name of a request: what the client calls it in `X-Request-Id`, or one made here. It is in every
// answer, in every error's envelope, and in every line that the daemon logs while it works on it.

package import HTTPTypes

package enum RequestID {
  /// Of the request that the current task works on.
  @TaskLocal package static var current: String?

  private static let mostCharacters = 128

  /// The one given, if it may stand in a header and on a line of a log; else a new one.
  package static func of(_ headers: HTTPFields) -> String {
    if let given = headers[.xRequestID], (1...mostCharacters).contains(given.utf8.count),
      given.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
    {
      return given
    }
    let text = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    return String(repeating: "0", count: 16 - text.utf8.count) + text
  }
}

extension HTTPField.Name {
  // The text is a valid name, so this is never the other one.
  package static let xRequestID = HTTPField.Name("X-Request-Id") ?? .from
}
