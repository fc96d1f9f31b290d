// What is said when a followed job has ended.

import Experiments
import Wire

enum EndText {
  /// `finished in 0.5 s   test_accuracy 0.8731  test_f1 0.8710   10 checkpoints, 0.9 MB`, or why it
  /// did not finish and where to look.
  static func lines(_ end: EndEvent, style: Style) -> [String] {
    guard end.job.state == .finished else { return failureLines(end, style: style) }
    var parts = [style.paint("finished", .good) + duration(end)]
    if let run = end.run {
      let metrics = ChosenMetrics.ofResult(Set(run.metrics.keys)).compactMap { key in
        run.metrics[key].map { "\(ShownText.line(key)) \(Numbers.metric($0.last))" }
      }
      if !metrics.isEmpty { parts.append(metrics.joined(separator: "  ")) }
    }
    if end.checkpoints > 0 {
      let noun = end.checkpoints == 1 ? "checkpoint" : "checkpoints"
      parts.append("\(end.checkpoints) \(noun), \(Quantities.bytes(end.checkpointBytes))")
    }
    return [parts.joined(separator: "   ")]
  }

  private static func failureLines(_ end: EndEvent, style: Style) -> [String] {
    let state = StateText.text(end.job.state)
    var line = style.paint(state, StateText.tint(end.job.state)) + duration(end)
    if let failure = end.job.failure ?? end.run?.failure {
      line += "   \(failure.code): \(ShownText.line(failure.message))"
    }
    guard end.job.state != .cancelled, let run = end.job.runId else { return [line] }
    return [line, "see its log with: assay logs \(run)"]
  }

  private static func duration(_ end: EndEvent) -> String {
    guard let started = end.job.startedAt, let ended = end.job.endedAt else { return "" }
    let preposition = end.job.state == .finished ? " in " : " after "
    return preposition + Quantities.duration(ended.seconds(since: started))
  }
}
