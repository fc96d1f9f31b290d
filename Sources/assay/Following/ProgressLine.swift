// The line of a running job: `job 1  run 1  reference  ━━━━━━──── 5/10  loss 0.2030  …`. What there
// is no room for is left out, the least important first; the bar shrinks before that.

import Experiments

enum ProgressLine {
  static let barWidth = 12
  static let shortestBar = 4

  /// `width` nil: as long as it gets.
  static func text(_ followed: FollowedJob, now: Timestamp, width: Int?, style: Style) -> String {
    var parts = parts(of: followed, bar: barWidth, now: now, style: style)
    func length() -> Int {
      parts.reduce(0) { $0 + ShownText.width($1.plain) } + 2 * (parts.count - 1)
    }
    if let width {
      if length() > width {
        parts = self.parts(of: followed, bar: shortestBar, now: now, style: style)
      }
      while length() > width, parts.count > 1,
        let least = parts.indices.max(by: { parts[$0].rank < parts[$1].rank })
      {
        parts.remove(at: least)
      }
      let bar = min(barWidth, shortestBar + max(0, width - length()))
      let kept = Set(parts.map(\.rank))
      parts = self.parts(of: followed, bar: bar, now: now, style: style)
        .filter { kept.contains($0.rank) }
      if length() > width {
        return ShownText.cut(parts.map(\.plain).joined(separator: "  "), to: width)
      }
    }
    return parts.map(\.painted).joined(separator: "  ")
  }

  private struct Part {
    var plain: String
    var painted: String
    /// The greatest goes first; no two have the same.
    var rank: Int

    init(_ text: String, rank: Int, painted: String? = nil) {
      plain = text
      self.painted = painted ?? text
      self.rank = rank
    }
  }

  private static func parts(
    of followed: FollowedJob, bar barWidth: Int, now: Timestamp, style: Style
  ) -> [Part] {
    let job = followed.job
    var parts = [Part("job \(job.id)", rank: 8)]
    if let run = job.runId { parts.append(Part("run \(run)", rank: 1)) }
    parts.append(Part(ShownText.line(job.name), rank: 6))
    guard job.state == .running, let progress = job.progress else {
      // what became of it stands in the next line
      guard followed.end == nil else { return parts }
      let state = job.state == .running ? "begins" : StateText.text(job.state)
      parts.append(Part(state, rank: 0, painted: style.paint(state, .dim)))
      return parts
    }
    let fraction = progress.steps > 0 ? Double(progress.step) / Double(progress.steps) : 0
    let bar = bar(fraction, width: barWidth)
    let epochs = "\(progress.epoch)/\(progress.epochs)"
    parts.append(
      Part(
        "\(bar.done)\(bar.rest) \(epochs)", rank: 2,
        painted: style.paint(bar.done, .good) + style.paint(bar.rest, .dim) + " " + epochs))
    for (rank, key) in zip([3, 5, 10], ChosenMetrics.ofEpoch(followed.metrics)) {
      guard let value = followed.metrics[key] else { continue }
      parts.append(Part("\(ShownText.line(key)) \(Numbers.metric(value))", rank: rank))
    }
    if progress.samplesPerSecond > 0 {
      parts.append(
        Part(Quantities.rate(samplesPerSecond: progress.samplesPerSecond), rank: 7))
    }
    if let seconds = followed.secondsLeft(at: now) {
      parts.append(Part(Quantities.duration(seconds.rounded(.up)) + " left", rank: 9))
    }
    return parts
  }

  /// A bar in its done and its remaining part.
  static func bar(_ fraction: Double, width: Int) -> (done: String, rest: String) {
    let part = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    let done = Int(part * Double(width))
    return (String(repeating: "━", count: done), String(repeating: "─", count: width - done))
  }
}

/// States in words.
enum StateText {
  static func text(_ state: JobState) -> String {
    state.rawValue.replacing("_", with: " ")
  }

  static func text(_ status: RunStatus) -> String {
    status.rawValue.replacing("_", with: " ")
  }

  static func tint(_ state: JobState) -> Tint {
    switch state {
    case .finished: .good
    case .failed, .timedOut, .lost: .bad
    case .cancelled: .caution
    case .held, .queued: .dim
    case .starting, .running: .plain
    }
  }

  static func tint(_ status: RunStatus) -> Tint {
    switch status {
    case .finished: .good
    case .failed, .timedOut, .lost: .bad
    case .cancelled: .caution
    case .queued: .dim
    case .running: .plain
    }
  }
}
