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
      grace period; what it recorded so far is kept.

      Example:
        assay cancel 7 8
      """)

  @Argument(help: ArgumentHelp("Numbers of jobs.", valueName: "job"))
  var jobs: [Int64]

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      var cancelled: [Job] = []
      for id in jobs { cancelled.append(try await client.cancel(id)) }
      try common.print(Page(items: cancelled)) {
        Terminal.print(
          cancelled.map { job in
            job.state == .cancelled
              ? "job \(job.id) is cancelled" : "job \(job.id) is being cancelled"
          })
      }
    }
  }
}
