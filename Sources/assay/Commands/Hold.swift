// `assay hold`, `assay release` and `assay retry`: whether jobs start, and start again.

import ArgumentParser
import Client
import Experiments
import Foundation
import Wire

struct HoldCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Keep waiting jobs from starting.",
    discussion: """
      Held jobs keep their place. A job that cannot be held does not keep the others from it.

      Example:
        assay hold 7 8
      """)

  @Argument(help: ArgumentHelp("Numbers of jobs.", valueName: "job"))
  var jobs: [Int64]

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.forEach(jobs) {
      try await $0.setHeld($1, true, by: NSUserName())
    } line: {
      "job \($0.id) is held"
    }
  }
}

struct ReleaseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Let held jobs start.",
    discussion: """
      Example:
        assay release 7 8
      """)

  @Argument(help: ArgumentHelp("Numbers of jobs.", valueName: "job"))
  var jobs: [Int64]

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.forEach(jobs) {
      try await $0.setHeld($1, false)
    } line: {
      "job \($0.id) is released"
    }
  }
}

struct RetryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Try jobs again.",
    discussion: """
      A job that is over is queued again as a new job with the same spec; it waits for no other \
      jobs. One that waits for the pause before its next retry starts it now.

      Example:
        assay retry 7 8
      """)

  @Argument(help: ArgumentHelp("Numbers of jobs.", valueName: "job"))
  var jobs: [Int64]

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.forEach(jobs) {
      try await $0.retry($1, uid: Identifier(at: Moments.now()))
    } line: { job in
      job.retryOf.map { "\(SubmitCommand.line(job))  (again job \($0))" }
        ?? "job \(job.id) is tried again now"
    }
  }
}

extension CommonOptions {
  /// Does the same with each of the jobs; one that it cannot be done with does not keep the others
  /// from it.
  func forEach(
    _ jobs: [Int64], _ change: (AssayClient, Int64) async throws -> Job, line: (Job) -> String
  ) async throws {
    try await withClient { client in
      var changed: [Job] = []
      var hasFailed = false
      for id in jobs {
        do {
          let job = try await change(client, id)
          changed.append(job)
          if !json { Terminal.print(line(job)) }
        } catch let error as ClientError {
          guard case .api = error else { throw error }
          Ending.complain(CommandError(error))
          hasFailed = true
        }
      }
      if json { try JSONOutput.print(Page(items: changed)) }
      if hasFailed { throw Ending.error }
    }
  }
}
