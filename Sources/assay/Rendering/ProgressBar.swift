// How far a long command is: one live line on a terminal, a line now and then otherwise, nothing
// where the output is JSON.

struct ProgressBar {
  private static let width = 24
  /// Between the lines of a pipe.
  private static let pause: Duration = .seconds(10)

  private let title: String
  private let isSilent: Bool
  private var screen = Screen()
  private var drawnAt: ContinuousClock.Instant?

  init(_ title: String, isSilent: Bool) {
    self.title = title
    self.isSilent = isSilent
  }

  /// - Parameters:
  ///   - fraction: nil where it cannot be told.
  ///   - detail: what there is so far, in words.
  mutating func show(_ fraction: Double?, detail: @autoclosure () -> String) {
    guard !isSilent else { return }
    let now = ContinuousClock.now
    let pause = Terminal.isInteractive ? Screen.interval : Self.pause
    guard let drawnAt else {
      // The first one waits too: what is quick needs no progress.
      self.drawnAt = now
      return
    }
    guard drawnAt.duration(to: now) >= pause else { return }
    self.drawnAt = now
    let percent = fraction.map { "\(Int((min(max($0, 0), 1) * 100).rounded(.down))) %  " } ?? ""
    guard Terminal.isInteractive else { return Terminal.print("\(title)  \(percent)\(detail())") }
    let bar = ProgressLine.bar(fraction ?? 0, width: Self.width)
    let style = Terminal.style
    let line = "\(title)  \(bar.done)\(bar.rest) \(percent)\(detail())"
    let width = Terminal.width ?? 80
    let painted =
      ShownText.width(line) <= width
      ? "\(title)  \(style.paint(bar.done, .good))\(style.paint(bar.rest, .dim)) \(percent)\(detail())"
      : ShownText.cut(line, to: width)
    screen.draw(live: [painted])
  }

  /// Takes the live line away, so that a report can stand in its place.
  mutating func end() {
    if !isSilent, Terminal.isInteractive { screen.draw(live: []) }
  }
}
