// `assay evaluate`: scores a trained model on new data, as a child run.

import ArgumentParser
import Client
import Experiments
import Wire

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score a run's model on new data.",
    usage: "assay evaluate RUN --data FILE.csv [options]",
    discussion: """
      The data goes through the run's own preprocessing; its columns are found by name. The result \
      is a child run with its own metrics and predictions.

      Examples:
        assay evaluate 7 --data new.csv
        assay evaluate @latest --data new.csv --checkpoint latest --no-wait
      """)

  @Argument(help: ArgumentHelp("The run whose model is scored.", valueName: "run"))
  var name: String

  @Option(
    help: ArgumentHelp("The new data.", valueName: "file.csv"),
    completion: .file(extensions: ["csv"]))
  var data: String

  @Option(help: "best, latest, or the number of an epoch.")
  var checkpoint: CheckpointChoice = .best

  @Flag(inversion: .prefixedNo, help: "Wait for the result.")
  var wait = true

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let parent = try await client.run(name)
      let spec = try SpecFile(
        made: .object([
          "kind": .string(JobKind.evaluate.rawValue), "run": .int(parent.id),
          "checkpoint": .string(checkpoint.description),
          "dataset": .object(["type": .string("csv"), "path": .string(data)]),
        ]), named: "the evaluation")
      try spec.checked()
      let reply = try await client.submit(
        SubmitRequest(
          jobs: [SubmittedJob(uid: Identifier(at: Moments.now()), spec: spec.value)],
          context: GitContext.current()))
      guard wait else {
        return try common.print(reply) { Terminal.print(reply.jobs.map(SubmitCommand.line)) }
      }
      try await JobEnding.await(reply.jobs, client: client, mode: .wait, json: common.json)
      guard !common.json, let run = reply.jobs.first?.runId else { return }
      let result = try await client.run(String(run))
      Terminal.print(Self.table(result))
    }
  }

  private static func table(_ run: Run) -> TextTable {
    var table = TextTable([.left("metric"), .right("value")], indent: 2)
    for (key, summary) in run.metrics.sorted(by: { MetricOrder.isBefore($0.key, $1.key) }) {
      table.add([.init(key), .init(MetricText.value(key, summary.last))])
    }
    return table
  }
}

extension CheckpointChoice: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }

  var defaultValueDescription: String { description }
}
