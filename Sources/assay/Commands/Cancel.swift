// `assay cancel`: ends jobs that wait or run.

import ArgumentParser
import Client
import Experiments
import Wire

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Cancel jobs.",
    discussion: """
      A job that waits is cancelled at once. One that runs is asked to stop and is ended after a \
      grace period; what it recorded so far is kept. A job that cannot be cancelled does not keep \
      the others from it.

      Example:
        assay cancel 7 8
      """)

  @Argument(help: ArgumentHelp("Numbers of jobs.", valueName: "job"))
  var jobs: [Int64]

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      var cancelled: [Job] = []
      var hasFailed = false
      for id in jobs {
        do {
          let job = try await client.cancel(id)
          cancelled.append(job)
          if !common.json { Terminal.print(Self.line(job)) }
        } catch let error as ClientError {
          guard case .api = error else { throw error }
          Ending.complain(CommandError(error))
          hasFailed = true
        }
      }
      if common.json { try JSONOutput.print(Page(items: cancelled)) }
      if hasFailed { throw Ending.error }
    }
  }

  private static func line(_ job: Job) -> String {
    job.state == .cancelled ? "job \(job.id) is cancelled" : "job \(job.id) is being cancelled"
  }
}
