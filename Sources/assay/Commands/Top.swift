// `assay top`: what runs, what it takes, and what waits.

import ArgumentParser
import Client
import Experiments
import Wire

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show what runs, what it takes of the machine, and what waits.",
    discussion: """
      On a terminal it is drawn over itself until q or Ctrl-C. CPU is that of the job's worker with \
      all that it has started, 100 % being one core; memory that processes share is counted in each.

      Examples:
        assay top
        assay top --once
        assay top --once --json
      """)

  @Flag(help: "Show it once; this is what happens where the output is no terminal.")
  var once = false

  @Option(help: ArgumentHelp("Between two looks.", valueName: "seconds"))
  var interval = 1.0

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (0.2...3_600).contains(interval) else {
      throw ValidationError("--interval \(interval) is not from 0.2 to 3600")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      guard !once, Terminal.isInteractive else { return try await showOnce(client) }
      let viewer = TopViewer(client: client, pause: .seconds(interval), json: common.json)
      _ = try await LiveView.run { try await viewer.showForEver() }
      await viewer.leave()
    }
  }

  /// Two looks, since CPU is only seen between them.
  private func showOnce(_ client: AssayClient) async throws {
    var meter = CPUMeter()
    _ = meter.measured(try await client.top())
    try await Task.sleep(for: .milliseconds(500))
    let reply = meter.measured(try await client.top())
    try common.print(reply) {
      Terminal.print(
        TopText.lines(reply, width: Terminal.width, height: nil, style: Terminal.style))
    }
  }
}

private actor TopViewer {
  private let client: AssayClient
  private let pause: Duration
  private let json: Bool
  private var screen = Screen()
  private var meter = CPUMeter()

  init(client: AssayClient, pause: Duration, json: Bool) {
    self.client = client
    self.pause = pause
    self.json = json
  }

  func showForEver() async throws {
    while true {
      do {
        let reply = meter.measured(try await client.top(waiting: 50))
        if json {
          Terminal.print(try JSONOutput.text(reply, indented: false))
        } else {
          let lines = TopText.lines(
            reply, width: Terminal.width ?? 80, height: Terminal.height ?? 24,
            style: Terminal.style)
          screen.draw(live: lines)
        }
      } catch ClientError.daemonUnreachable(let socket) where !json {
        // A restart: whoever watches wants to see it come back.
        meter = CPUMeter()
        screen.draw(live: ["no daemon answers at \(socket)"])
      } catch ClientError.connectionLost where !json {
        meter = CPUMeter()
      }
      try await Task.sleep(for: pause)
    }
  }

  func leave() { screen.leave() }
}

/// CPU between two looks.
struct CPUMeter {
  private var before: [Int64: JobUsage] = [:]
  private var lookedAt: ContinuousClock.Instant?

  mutating func measured(_ reply: TopReply) -> TopReply {
    let now = ContinuousClock.now
    let passed = lookedAt.map { $0.duration(to: now) }
    var reply = reply
    var seen: [Int64: JobUsage] = [:]
    for index in reply.running.indices {
      guard let usage = reply.running[index].usage else { continue }
      let job = reply.running[index].job.id
      seen[job] = usage
      if let old = before[job], old.pid == usage.pid, let passed, passed > .milliseconds(50) {
        let seconds =
          Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
        reply.running[index].usage?.cpuLoad =
          max(0, usage.cpuSeconds - old.cpuSeconds) / seconds
      }
    }
    before = seen
    lookedAt = now
    return reply
  }
}
