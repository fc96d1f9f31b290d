// `assay baseline`: named sets of runs that others are compared with.

import ArgumentParser
import Client
import Experiments
import Wire

struct BaselineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline",
    abstract: "Name runs as the reference for comparisons.",
    discussion: """
      Examples:
        assay baseline set nightly 2-6
        assay baseline list
        assay baseline rm nightly
      """,
    subcommands: [Set.self, List.self, Remove.self])

  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "set",
      abstract: "Make a baseline, or give it other runs.",
      discussion: """
        Example:
          assay baseline set nightly 2-6
        """)

    @Argument(help: "The baseline's name; afterwards @name means it.")
    var name: String

    @Argument(help: ArgumentHelp("Its runs.", valueName: "run"))
    var runs: [String]

    @OptionGroup var common: CommonOptions

    func run() async throws {
      try await common.withClient { client in
        let baseline = try await client.setBaseline(
          BaselineName.bare(name), BaselineRequest(runs: runs))
        try common.print(baseline) {
          Terminal.print(
            "@\(ShownText.line(baseline.name)) is \(NumberList.text("run", baseline.runIds))")
        }
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "List the baselines.",
      discussion: """
        Example:
          assay baseline list
        """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
      try await common.withClient { client in
        let page = try await client.baselines()
        try common.print(page) {
          guard !page.items.isEmpty else {
            return Terminal.print("no baselines yet; make one with: assay baseline set NAME RUN…")
          }
          Terminal.print(Self.table(page.items))
        }
      }
    }

    private static func table(_ baselines: [Baseline]) -> TextTable {
      var table = TextTable([.left("baseline"), .left("runs", flexible: true), .left("set")])
      for baseline in baselines {
        table.add([
          .init("@" + baseline.name), .init(NumberList.text(baseline.runIds)),
          .init(Moments.localAndRelative(baseline.updatedAt, now: Moments.now())),
        ])
      }
      return table
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm",
      abstract: "Forget a baseline; its runs stay.",
      discussion: """
        Example:
          assay baseline rm nightly
        """)

    @Argument(help: "The baseline.")
    var name: String

    @OptionGroup var common: CommonOptions

    func run() async throws {
      let name = BaselineName.bare(name)
      try await common.withClient { client in
        let answer = try await client.deleteBaseline(name)
        try common.print(answer) { Terminal.print("@\(ShownText.line(name)) is forgotten") }
      }
    }
  }
}
