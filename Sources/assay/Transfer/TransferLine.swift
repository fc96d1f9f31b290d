// The live line of an export or import: what is done, how many runs of how many, how many bytes. It is
// drawn on a terminal only, and gone when the work is.

import Experiments

final class TransferLine {
  private let verb: String
  private let isShown: Bool
  private var screen = Screen()
  private var last: ContinuousClock.Instant?

  init(_ verb: String, isShown: Bool) {
    self.verb = verb
    self.isShown = isShown && Terminal.isInteractive
  }

  func show(_ done: Int, of all: Int, unit: String = "runs", bytes: Int64) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if let last, now - last < Screen.interval { return }
    last = now
    let fraction = all > 0 ? Double(done) / Double(all) : 0
    let bar = ProgressLine.bar(fraction, width: ProgressLine.barWidth)
    let text = "\(verb)  \(bar.done)\(bar.rest)  \(done)/\(all) \(unit)  \(Quantities.bytes(bytes))"
    screen.draw(live: [Terminal.width.map { ShownText.cut(text, to: $0) } ?? text])
  }

  /// Takes the line away.
  func end() {
    guard isShown, last != nil else { return }
    screen.draw(live: [])
  }
}
