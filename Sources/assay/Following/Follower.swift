// Follows submitted jobs to their end, several at once, and shows how far they are. Ctrl-C ends the
// following and nothing else.

import ArgumentParser
import Client
import Experiments
import Wire

/// How much is shown on the way.
enum FollowMode {
  /// Live lines on a terminal, else a line per epoch.
  case show
  /// Nothing until the end.
  case wait
}

actor Follower {
  /// Jobs that are followed at once; the others wait in the daemon's queue anyway.
  private static let most = 8

  private let client: AssayClient
  private let mode: FollowMode
  private let style = Terminal.style
  private let isLive: Bool
  private let hasSeveral: Bool
  private var jobs: [FollowedJob]
  /// Indexes of the jobs that have live lines.
  private var shown: [Int] = []
  private var screen = Screen()
  private var needsDrawing = false
  private var isOver = false

  init(_ jobs: [Job], client: AssayClient, mode: FollowMode) {
    self.jobs = jobs.map { FollowedJob($0) }
    self.client = client
    self.mode = mode
    hasSeveral = jobs.count > 1
    isLive = mode == .show && Terminal.isInteractive
  }

  /// Returns when every job has ended, with the ends in the order of the jobs.
  /// - Throws: `ExitCode` after Ctrl-C, and what the client throws.
  func follow() async throws -> [EndEvent] {
    let interrupt = Interrupt()
    let signals = interrupt.signals
    defer { interrupt.cancel() }
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.followAll() }
        group.addTask { try await self.redraw() }
        group.addTask {
          for await _ in signals { throw Interrupted() }
          try await Task.sleep(for: .seconds(1 << 30))
        }
        try await group.next()
        group.cancelAll()
      }
    } catch {
      isOver = true
      screen.leave()
      guard error is Interrupted else { throw error }
      sayThatJobsGoOn()
      throw Ending.interrupted
    }
    return jobs.compactMap(\.end)
  }

  private struct Interrupted: Error {}

  private func followAll() async throws {
    let most = isLive ? max(1, min(Self.most, (Terminal.height ?? 24) - 2)) : Self.most
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in jobs.indices {
        if index >= most { try await group.next() }
        group.addTask { try await self.follow(index) }
      }
      try await group.waitForAll()
    }
    isOver = true
    if isLive { screen.draw(live: []) }
  }

  private func follow(_ index: Int) async throws {
    shown.append(index)
    shown.sort()
    needsDrawing = true
    for try await event in client.followJob(jobs[index].job.id) {
      jobs[index].take(event, at: Moments.now())
      needsDrawing = true
      switch event {
      case .epoch(let event): if mode == .show && !isLive { Terminal.print(line(event, index)) }
      case .progress: break
      case .end(let event): finish(index, event)
      }
    }
    try Task.checkCancellation()
  }

  private func finish(_ index: Int, _ end: EndEvent) {
    shown.removeAll { $0 == index }
    guard mode == .show else { return }
    var lines = EndText.lines(end, style: style)
    if isLive {
      // the job's own line, as it stood last, stays above its result
      let last = ProgressLine.text(
        jobs[index].asRunning, now: Moments.now(), width: Terminal.width, style: style)
      lines.insert(last, at: 0)
      screen.draw(printing: lines, live: liveLines())
    } else {
      if hasSeveral { lines[0] = prefix(index) + lines[0] }
      Terminal.print(lines)
    }
  }

  /// `epoch 3/10  loss 0.2100  val_loss 0.3050`
  private func line(_ event: EpochEvent, _ index: Int) -> String {
    let spec = jobs[index].job.spec
    let epochs = jobs[index].job.progress?.epochs ?? spec["epochs"]?.intValue
    let metrics = ChosenMetrics.ofEpoch(event.metrics).compactMap { key in
      event.metrics[key].map { "\(ShownText.line(key)) \(Numbers.metric($0))" }
    }
    let epoch = "epoch \(event.epoch)" + (epochs.map { "/\($0)" } ?? "")
    return prefix(index) + ([epoch] + metrics).joined(separator: "  ")
  }

  private func prefix(_ index: Int) -> String {
    guard hasSeveral, let run = jobs[index].job.runId else { return "" }
    return "run \(run)  "
  }

  private func redraw() async throws {
    guard isLive else {
      try await Task.sleep(for: .seconds(1 << 30))
      return
    }
    while true {
      if needsDrawing, !isOver {
        needsDrawing = false
        screen.draw(live: liveLines())
      }
      try await Task.sleep(for: Screen.interval)
    }
  }

  private func liveLines() -> [String] {
    let now = Moments.now()
    return shown.map {
      ProgressLine.text(jobs[$0], now: now, width: Terminal.width, style: style)
    }
  }

  private func sayThatJobsGoOn() {
    let open = jobs.filter { $0.end == nil }.map(\.job.id)
    guard !open.isEmpty else { return }
    let verb = open.count == 1 ? "goes" : "go"
    let ids = open.map(String.init).joined(separator: " ")
    Terminal.complain(
      "\(NumberList.text("job", open)) \(verb) on; see assay jobs, or cancel with: assay cancel \(ids)"
    )
  }
}
