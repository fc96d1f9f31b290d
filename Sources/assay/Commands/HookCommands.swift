// `assay hook`: what is done when something happens.

import ArgumentParser
import Client
import Experiments
import Foundation
import Wire

struct HookCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hook",
    abstract: "Run a command or call a URL when something happens.",
    discussion: """
      Examples:
        assay hook add mail --on run_failed,check_failed --run 'mail -s Assay me@example.org'
        assay hook list
        assay hook history mail
      """,
    subcommands: [HookAdd.self, HookList.self, HookRemove.self, HookTest.self, HookHistory.self])
}

struct HookAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add a hook.",
    usage: "assay hook add NAME --on KINDS (--run COMMAND | --post URL) [options]",
    discussion: """
      KINDS are kinds of events as assay events lists them, separated by commas; run_* is all that \
      begin with run_. A command gets the event as JSON on its standard input and in its \
      environment ($ASSAY_EVENT_KIND, $ASSAY_EVENT_RUN, $ASSAY_EVENT_JOB, $ASSAY_EVENT). A URL is \
      called with the event as JSON; with a secret the call is signed. What fails is tried again \
      for half an hour. docs/hooks.md has the details.

      Examples:
        assay hook add mail --on run_failed --run 'mail -s Assay me@example.org'
        assay hook add chat --on 'run_*' --post https://chat.org/in --secret-file key
      """)

  @Argument(help: "Name of the hook.")
  var name: String

  @Option(help: ArgumentHelp("Kinds of events.", valueName: "kinds"))
  var on: String

  @Option(
    name: .customLong("run"), help: ArgumentHelp("A command for /bin/sh.", valueName: "command"))
  var command: String?

  @Option(name: .customLong("post"), help: ArgumentHelp("A URL to call.", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp(
      "File with the secret that signs the calls, readable by you alone.", valueName: "path"),
    completion: .file())
  var secretFile: String?

  @Option(help: ArgumentHelp("For one delivery, 1 to 3600; 60 by default.", valueName: "seconds"))
  var timeout: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (command == nil) != (url == nil) else {
      throw ValidationError("one of --run and --post is needed")
    }
  }

  func run() async throws {
    let secret = secretFile.map { URL(filePath: $0).standardizedFileURL.path }
    try await common.withClient { client in
      let hook = try await client.addHook(
        HookRequest(
          name: name, events: CommaList.split(on), command: command, url: url, secretFile: secret,
          timeoutSeconds: timeout))
      try common.print(hook) {
        Terminal.print("hook \(hook.name) is added; try it with: assay hook test \(hook.name)")
      }
    }
  }
}

struct HookList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the hooks.",
    discussion: """
      Of URLs only the host is shown.

      Example:
        assay hook list
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.hooks()
      try common.print(page) {
        guard !page.items.isEmpty else {
          return Terminal.print("no hooks yet; add one with: assay hook add")
        }
        var table = TextTable([
          .left("name"), .left("on", flexible: true), .left("does", flexible: true),
          .right("waiting"), .right("failed"),
        ])
        for hook in page.items {
          let call = (hook.url.map { "POST \($0)" } ?? "") + (hook.isSigned ? ", signed" : "")
          table.add([
            .init(hook.name), .init(hook.events.joined(separator: ",")),
            .init(hook.command ?? call), .init(String(hook.waiting)),
            .init(String(hook.failed), hook.failed > 0 ? .bad : .plain),
          ])
        }
        Terminal.print(table)
      }
    }
  }
}

struct HookRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm",
    abstract: "Remove a hook; what it has not delivered is dropped.",
    discussion: """
      Example:
        assay hook rm mail
      """)

  @Argument(help: "Name of the hook.")
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let answer = try await client.deleteHook(name)
      try common.print(answer) { Terminal.print("hook \(name) is removed") }
    }
  }
}

struct HookTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Deliver an event made for it to a hook, and say what came of it.",
    discussion: """
      The event's kind is hook_test; no other hook gets it. The exit code is 1 if the delivery \
      fails.

      Example:
        assay hook test mail
      """)

  @Argument(help: "Name of the hook.")
  var name: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let begun = try await client.testHook(name)
      let delivery = try await outcome(of: begun, client)
      try common.print(delivery) {
        let answer = delivery.answer.map { " (\($0))" } ?? ""
        Terminal.print(
          delivery.state == .delivered
            ? "delivered\(answer)"
            : "not delivered\(answer): \(ShownText.line(delivery.lastError ?? "no answer yet"))")
      }
      guard delivery.state == .delivered else { throw Ending.failed }
    }
  }

  /// After its first attempt.
  private func outcome(of begun: HookDelivery, _ client: AssayClient) async throws -> HookDelivery {
    let hook = try await client.hooks().items.first { $0.name == name }
    let end = ContinuousClock.now + .seconds((hook?.timeoutSeconds ?? 60) + 10)
    var delivery = begun
    while delivery.state == .waiting, delivery.lastError == nil, ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(50))
      let newest = try await client.deliveries(hook: name, limit: 100).items
      delivery = newest.first { $0.id == begun.id } ?? delivery
    }
    return delivery
  }
}

struct HookHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List what became of a hook's deliveries, newest first.",
    discussion: """
      Example:
        assay hook history mail
      """)

  @Argument(help: "Name of the hook.")
  var name: String

  @Option(help: "List at most this many.")
  var limit = 50

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...Limits.pageItems).contains(limit) else {
      throw ValidationError("--limit \(limit) is not from 1 to \(Limits.pageItems)")
    }
  }

  func run() async throws {
    try await common.withClient { client in
      let page = try await client.deliveries(hook: name, limit: limit)
      try common.print(page) {
        guard !page.items.isEmpty else { return Terminal.print("nothing has been delivered yet") }
        var table = TextTable([
          .right("delivery"), .left("when"), .right("event"), .left("kind"), .left("state"),
          .right("attempts"), .left("answer"), .left("error", flexible: true),
        ])
        for delivery in page.items {
          table.add([
            .init(String(delivery.id)), .init(Moments.localToTheSecond(delivery.createdAt)),
            .init(String(delivery.eventId)), .init(delivery.eventKind),
            .init(delivery.state.rawValue, Self.tint(delivery.state)),
            .init(String(delivery.attempts)), .init(delivery.answer ?? ""),
            .init(delivery.lastError ?? ""),
          ])
        }
        Terminal.print(table)
      }
    }
  }

  private static func tint(_ state: DeliveryState) -> Tint {
    switch state {
    case .delivered: .good
    case .failed: .bad
    case .waiting: .plain
    case .dropped: .dim
    }
  }
}
