// Colour as a second signal: whatever it says, the text says as well. Off when the output is not a
// terminal, when `NO_COLOR` is set, or on a dumb terminal.

import Glibc

enum Tint {
  case plain, bold, dim, good, bad, caution

  fileprivate var code: String {
    switch self {
    case .plain: "0"
    case .bold: "1"
    case .dim: "2"
    case .good: "32"
    case .bad: "31"
    case .caution: "33"
    }
  }
}

struct Style: Sendable {
  let hasColour: Bool

  static let plain = Style(hasColour: false)

  /// What suits the given file descriptor.
  static func forTerminal(_ descriptor: Int32) -> Style {
    let noColour = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
    let dumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? false
    return Style(hasColour: isatty(descriptor) == 1 && !noColour && !dumb)
  }

  func paint(_ text: String, _ tint: Tint) -> String {
    guard hasColour, tint != .plain, !text.isEmpty else { return text }
    return "\u{1B}[\(tint.code)m\(text)\u{1B}[0m"
  }
}
