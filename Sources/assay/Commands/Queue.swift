// `assay queue`: the queues, their slots, and whether their jobs start.

import ArgumentParser
import Client
import Experiments
import Wire

struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Queues: their slots, pause and resume.",
    discussion: """
      A job waits in the queue that its spec names, or in default. All queues share the daemon's \
      slots; a queue's own slots are a limit within them.

      Examples:
        assay queue set night --slots 1
        assay queue pause night
        assay queue list
      """,
    subcommands: [
      QueueList.self, QueueSet.self, QueuePause.self, QueueResume.self, QueueRemove.self,
    ])
}

struct QueueList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the queues and how many jobs are in them.",
    discussion: """
      Example:
        assay queue list
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.queues()
      try common.print(page) {
        var table = TextTable([
          .left("queue", flexible: true), .right("slots"), .right("running"), .right("queued"),
          .right("held"), .left("state"),
        ])
        for queue in page.items {
          table.add([
            .init(queue.name), .init(queue.slots.map(String.init) ?? "all"),
            .init(String(queue.running)), .init(String(queue.queued)), .init(String(queue.held)),
            .init(queue.paused ? "paused" : "open", queue.paused ? .caution : .plain),
          ])
        }
        Terminal.print(table)
      }
    }
  }
}

struct QueueSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Make a queue, or change its slots.",
    discussion: """
      Without --slots the queue runs as many jobs as the daemon does.

      Example:
        assay queue set night --slots 1
      """)

  @Argument(help: "Name of the queue.")
  var name: String

  @Option(help: "How many of its jobs run at once.")
  var slots: Int?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let queue = try await client.setQueue(name, slots: slots)
      try common.print(queue) {
        let slots = queue.slots.map { $0 == 1 ? "1 slot" : "\($0) slots" } ?? "no limit of its own"
        Terminal.print("queue \(queue.name) has \(slots)")
      }
    }
  }
}

struct QueuePause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Let no more jobs of a queue start; those that run go on.",
    discussion: """
      Example:
        assay queue pause night
      """)

  @Argument(help: "Name of the queue.")
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let queue = try await client.setPaused(queue: name, true)
      try common.print(queue) { Terminal.print("queue \(queue.name) is paused") }
    }
  }
}

struct QueueResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Let jobs of a paused queue start again.",
    discussion: """
      Example:
        assay queue resume night
      """)

  @Argument(help: "Name of the queue.")
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let queue = try await client.setPaused(queue: name, false)
      try common.print(queue) { Terminal.print("queue \(queue.name) is open") }
    }
  }
}

struct QueueRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove a queue that no job waits or runs in.",
    discussion: """
      Example:
        assay queue rm night
      """)

  @Argument(help: "Name of the queue.")
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let answer = try await client.removeQueue(name)
      try common.print(answer) { Terminal.print("queue \(name) is removed") }
    }
  }
}
