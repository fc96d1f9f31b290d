// `assay log`: a program records into its run from a shell. Inside a job the run and the right to
// write to it are in the environment.

import ArgumentParser
import Checkpoints
import Client
import Experiments
import Glibc
import Wire

struct LogCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Record metrics, params, tags and files into a run, from within a job.",
    discussion: """
      In a job the run is the job's own; elsewhere name one with --run. What is printed by a run is \
      shown by: assay logs

      Examples:
        assay log metric loss 0.31 --step 10
        assay log param optimizer adam
        assay log file metrics.jsonl
      """,
    subcommands: [
      LogMetric.self, LogParam.self, LogTag.self, LogArtifact.self, LogFile.self,
    ])
}

/// Which run is written to.
struct LoggedRun: ParsableArguments {
  @Option(help: ArgumentHelp("The run; by default that of the job.", valueName: "run"))
  var run: String?

  @OptionGroup var common: CommonOptions

  /// Runs `body` with a client and the run's name.
  func with<Result: Sendable>(
    _ body: (AssayClient, String) async throws -> Result
  ) async throws -> Result {
    let own = Self.variable("ASSAY_RUN_ID")
    guard let run = run ?? own else {
      throw CommandError.badArgument(
        "this is not within a job, so the run is not known", hint: "name it with --run")
    }
    // The token is good for the job's own run and those below it.
    let token = self.run == nil || self.run == own ? Self.variable("ASSAY_TOKEN") : nil
    return try await common.withClient(token: token) { try await body($0, run) }
  }

  private static func variable(_ name: String) -> String? {
    guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
    return text
  }
}

struct LogMetric: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metric",
    abstract: "Record a value of a metric.",
    discussion: """
      Without --step the value has the step after the metric's last one.

      Examples:
        assay log metric loss 0.31 --step 10
        assay log metric val_loss 0.35 --step 10 --epoch 1
      """)

  @Argument(help: "Name of the metric.") var name: String
  @Argument(help: "A number, NaN, Infinity or -Infinity.") var value: String
  @Option(help: "The step, a whole number.") var step: Int64?
  @Option(help: "The epoch, a whole number.") var epoch: Int64?
  @OptionGroup var target: LoggedRun

  func run() async throws {
    guard let number = MetricValue.parse(value) ?? Double(value) else {
      throw CommandError.badArgument("\(value) is not a number", hint: nil)
    }
    let time = Moments.now()
    try await target.with { client, run in
      var step = step
      if step == nil {
        let last = try await client.run(run).metrics[name]?.lastStep
        step = last.map { $0 + 1 } ?? 0
      }
      let point = MetricPoint(
        key: name, step: step ?? 0, epoch: epoch, time: time, value: number)
      try await client.appendMetrics(run: run, PointsBody(points: [point]))
    }
  }
}

struct LogParam: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "param",
    abstract: "Record a param; it is fixed for the run.",
    discussion: """
      Example:
        assay log param optimizer.learning_rate 0.001
      """)

  @Argument(help: "Name of the param.") var name: String
  @Argument(help: "Its value.") var value: String
  @OptionGroup var target: LoggedRun

  func run() async throws {
    try await target.with { client, run in
      try await client.addParams(run: run, [name: .string(value)])
    }
  }
}

struct LogTag: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag",
    abstract: "Set a tag of the run.",
    discussion: """
      Example:
        assay log tag stage warmup
      """)

  @Argument(help: "Name of the tag.") var name: String
  @Argument(help: "Its value.") var value: String
  @OptionGroup var target: LoggedRun

  func run() async throws {
    try await target.with { client, run in
      _ = try await client.changeRun(run, RunChange(tags: [name: value]))
    }
  }
}

struct LogArtifact: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "artifact",
    abstract: "Keep a file with the run.",
    discussion: """
      Example:
        assay log artifact plots/roc.png
      """)

  @Argument(help: "The file.", completion: .file()) var file: String
  @Option(help: "Path of the artifact; by default the file's own name.") var path: String?
  @OptionGroup var target: LoggedRun

  func run() async throws {
    let path = path ?? LocalFile.name(of: file)
    let reader = try PieceReader(file)
    try await target.with { client, run in
      _ = try await client.putArtifact(
        run: run, path: path, mediaType: MediaType.of(path), read: reader.next)
    }
  }
}

struct LogFile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file",
    abstract: "Record all metrics of a file of JSON lines.",
    discussion: """
      Each line is an object such as {"step": 10, "epoch": 1, "loss": 0.31}; - reads standard input.

      Examples:
        assay log file metrics.jsonl
        ./train | assay log file -
      """)

  @Argument(help: "The file.", completion: .file()) var file: String
  @OptionGroup var target: LoggedRun

  func run() async throws {
    let reader = try PieceReader(file)
    try await target.with { client, run in
      var lines = MetricLines()
      var points: [MetricPoint] = []
      while case let piece = try reader.next(), !piece.isEmpty {
        piece.withUnsafeBytes { bytes in lines.take(bytes) { points.append($0) } }
        try await Self.send(&points, client, run)
      }
      lines.finish { points.append($0) }
      try await Self.send(&points, client, run)
    }
  }

  private static func send(
    _ points: inout [MetricPoint], _ client: AssayClient, _ run: String
  ) async throws {
    for start in stride(from: 0, to: points.count, by: Limits.pointsPerRequest) {
      let end = min(points.count, start + Limits.pointsPerRequest)
      try await client.appendMetrics(run: run, PointsBody(points: Array(points[start..<end])))
    }
    points = []
  }
}
