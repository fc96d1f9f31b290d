// `assay watch`: a run's metrics and progress as they come.

import ArgumentParser
import Client
import Experiments
import Wire

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Watch the metrics and the progress of a run live.",
    discussion: """
      On a terminal a table is drawn over itself until the run has ended; q or Ctrl-C ends the \
      watching and nothing else. Into a pipe go lines with the newest values, one a second at most. \
      With --json each line has new points (every point comes, also those of before), the run's \
      state, or its end. A restart of the daemon leaves no gap. The exit code is 1 if the run did \
      not finish.

      Examples:
        assay watch 12
        assay watch @latest --metrics loss,val_loss
        assay watch 12 --json
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run"))
  var name: String

  @Option(help: ArgumentHelp("Only these, separated by commas.", valueName: "names"))
  var metrics: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      // one run all the way, though @latest may mean another one meanwhile
      let id = try await client.run(name).id
      let isLive = Terminal.isInteractive && !common.json
      let viewer = RunViewer(isLive: isLive, json: common.json)
      let keys = CommaList.split(metrics ?? "")
      let events = client.watchRun(
        String(id), metrics: keys, points: common.json ? nil : RunViewer.firstPoints)
      guard isLive else { return try await viewer.show(events) }
      let isOver = try await LiveView.run { try await viewer.show(events) }
      await viewer.leave()
      if isOver, await viewer.hasFailed { throw Ending.failed }
    }
  }
}

/// Shows what comes of a run.
private actor RunViewer {
  /// As many as a line of the table can show, and more.
  static let firstPoints = 400

  private let isLive: Bool
  private let json: Bool
  private let style = Terminal.style
  private var run = WatchedRun()
  private var screen = Screen()
  private var drawnAt: ContinuousClock.Instant?
  private var changed: Set<String> = []
  private var isOver = false

  init(isLive: Bool, json: Bool) {
    self.isLive = isLive
    self.json = json
  }

  var hasFailed: Bool { run.state?.status.isFinal ?? false && run.state?.status != .finished }

  /// Returns at the run's end.
  /// - Throws: what the client throws; into a pipe `Ending.failed` for a run that did not finish.
  func show(_ events: AsyncThrowingStream<WatchEvent, any Error>) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.take(events) }
      // What came in quick succession is shown when it pauses.
      group.addTask { try await self.redraw() }
      try await group.next()
      group.cancelAll()
    }
    if !isLive, hasFailed { throw Ending.failed }
  }

  func leave() { screen.leave() }

  private func take(_ events: AsyncThrowingStream<WatchEvent, any Error>) async throws {
    for try await event in events {
      if json { try print(event) }
      switch event {
      case .points(let event):
        run.take(event)
        changed.formUnion(event.series.map(\.key))
      case .state(let state): run.take(state)
      case .end(let state):
        run.take(state)
        isOver = true
      }
      if isOver || drawnAt.map({ $0.duration(to: .now) >= pause }) ?? true { draw() }
    }
    try Task.checkCancellation()
  }

  private var pause: Duration { isLive ? Screen.interval : .seconds(1) }

  private func redraw() async throws {
    while true {
      try await Task.sleep(for: pause)
      if isLive || !changed.isEmpty { draw() }
    }
  }

  private func draw() {
    guard !json else { return }
    drawnAt = .now
    let now = Moments.now()
    guard isLive else {
      if let line = run.line(of: changed) { Terminal.print(line) }
      changed = []
      if isOver { Terminal.print(run.heading(now)) }
      return
    }
    screen.draw(
      live: run.lines(
        width: Terminal.width ?? 80, height: Terminal.height ?? 24, now: now, style: style))
  }

  private struct Line: Encodable {
    var points: PointsEvent?
    var state: RunState?
    var end: RunState?
  }

  private func print(_ event: WatchEvent) throws {
    let line =
      switch event {
      case .points(let points): Line(points: points)
      case .state(let state): Line(state: state)
      case .end(let state): Line(end: state)
      }
    Terminal.print(try JSONOutput.text(line, indented: false))
  }
}
