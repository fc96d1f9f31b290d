// What `assay top` shows: a line of the machine, the running jobs, the next ones of the queue.

import Experiments
import Wire

enum TopText {
  /// - Parameter height: lines at most; nil: all.
  static func lines(_ reply: TopReply, width: Int?, height: Int?, style: Style) -> [String] {
    var lines = [heading(reply)].map { line in width.map { ShownText.cut(line, to: $0) } ?? line }
    let running = running(reply).lines(width: width, style: style)
    let waiting = waiting(reply).lines(width: width, style: style)
    if !running.isEmpty { lines += [""] + running }
    if !waiting.isEmpty { lines += [""] + waiting }
    if running.isEmpty, waiting.isEmpty { lines += ["", "nothing runs and nothing waits"] }
    guard let height, lines.count >= height else { return lines }
    return Array(lines.prefix(max(1, height - 2))) + [style.paint("…", .dim)]
  }

  /// `slots 2 of 2   load 3.1 on 4 cores   memory 5.1 GB of 8.0 GB   queued 12   held 1`.
  private static func heading(_ reply: TopReply) -> String {
    let host = reply.host
    var parts = ["slots \(reply.slotsInUse) of \(reply.slots)"]
    let cores = host.cores == 1 ? "1 core" : "\(host.cores) cores"
    parts.append("load \(Numbers.fixed(host.load, decimals: 1)) on \(cores)")
    if host.memoryBytes > 0 {
      let used = Quantities.bytes(host.memoryBytes - host.availableBytes)
      parts.append("memory \(used) of \(Quantities.bytes(host.memoryBytes))")
    }
    for state in [JobState.queued, .held] {
      let count = reply.jobsByState[state.rawValue] ?? 0
      if count > 0 || state == .queued { parts.append("\(StateText.text(state)) \(count)") }
    }
    return parts.joined(separator: "   ")
  }

  private static func running(_ reply: TopReply) -> TextTable {
    var table = TextTable([
      .right("job"), .right("run"), .left("name", flexible: true), .left("state"), .right("CPU"),
      .right("memory"), .right("processes"), .right("progress"), .right("rate"), .right("took"),
    ])
    for entry in reply.running {
      let job = entry.job
      let usage = entry.usage
      let rate = job.progress?.samplesPerSecond ?? 0
      let state = job.cancelRequested ? "cancelling" : StateText.text(job.state)
      table.add([
        .init(String(job.id)), .init(job.runId.map(String.init) ?? ""), .init(job.name),
        .init(state, StateText.tint(job.state)),
        .init(usage?.cpuLoad.map { Numbers.fixed($0 * 100, decimals: 0) + " %" } ?? ""),
        .init(usage.map { Quantities.bytes($0.residentBytes) } ?? ""),
        .init(usage.map { String($0.processes) } ?? ""), .init(progress(job)),
        .init(rate > 0 ? Quantities.factored(rate) + "/s" : ""),
        .init(
          job.startedAt.map { Quantities.duration(reply.at.seconds(since: $0).rounded()) } ?? ""),
      ])
    }
    return table
  }

  private static func progress(_ job: Job) -> String {
    guard let progress = job.progress, progress.steps > 0 else { return "" }
    let percent = 100 * Double(progress.step) / Double(progress.steps)
    return "\(progress.epoch)/\(progress.epochs)  \(Numbers.fixed(percent, decimals: 0)) %"
  }

  private static func waiting(_ reply: TopReply) -> TextTable {
    var table = TextTable([
      .right("next"), .left("name", flexible: true), .left("experiment", flexible: true),
      .right("priority"), .left("submitted"),
    ])
    for job in reply.waiting {
      table.add([
        .init(String(job.id)), .init(job.name), .init(job.experiment),
        .init(String(job.priority)), .init(Moments.relative(job.createdAt, to: reply.at)),
      ])
    }
    return table
  }
}
