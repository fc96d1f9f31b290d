// The live lines at the bottom of a terminal: drawn over themselves, while what is printed above
// them stays.

import Experiments

struct Screen {
  /// The least time between two drawings.
  static let interval: Duration = .milliseconds(100)
  private var drawnLines = 0

  /// Prints lines that stay, with the live ones under them. Everything is written at once, so that
  /// nothing flickers.
  mutating func draw(printing lines: [String] = [], live: [String]) {
    var text = ""
    if drawnLines > 0 { text += "\r" + (drawnLines > 1 ? "\u{1B}[\(drawnLines - 1)A" : "") }
    text += "\u{1B}[J"
    for line in lines { text += line + "\n" }
    text += live.joined(separator: "\n")
    drawnLines = live.count
    Terminal.write(text)
  }

  /// Leaves the live lines standing and goes to the line after them.
  mutating func leave() {
    if drawnLines > 0 { Terminal.write("\n") }
    drawnLines = 0
  }
}
