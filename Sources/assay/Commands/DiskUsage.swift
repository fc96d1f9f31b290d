// `assay du`: what takes the space, by experiment and by kind.

import ArgumentParser
import Client
import Experiments
import Wire

struct DiskUsageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du",
    abstract: "Show what takes the space.",
    discussion: """
      Points are estimated. Content that runs share counts for each of their experiments; the table \
      below tells how much that is.

      Example:
        assay du
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await common.withClient { client in
      let usage = try await client.usage()
      try common.print(usage) {
        if !usage.experiments.isEmpty {
          Terminal.print(Self.table(usage))
          Terminal.print("")
        }
        Terminal.print(Self.fields(usage).lines(style: Terminal.style))
      }
    }
  }

  private static func table(_ usage: StoreUsage) -> TextTable {
    var table = TextTable([
      .left("experiment", flexible: true), .right("runs"), .right("points"), .right("about"),
      .right("checkpoints"), .right("artifacts"), .right("logs"), .right("in all"),
      .right("deleted"),
    ])
    for experiment in usage.experiments {
      table.add([
        .init(experiment.name), .init(Numbers.count(experiment.runs)),
        .init(Numbers.count(experiment.points)), bytes(experiment.pointBytes),
        bytes(experiment.checkpointBytes), bytes(experiment.artifactBytes),
        bytes(experiment.logBytes), bytes(experiment.bytes), bytes(experiment.deletedBytes),
      ])
    }
    return table
  }

  private static func bytes(_ count: Int64) -> TextTable.Cell {
    count == 0 ? .init("-", .dim) : .init(Quantities.bytes(count))
  }

  private static func fields(_ usage: StoreUsage) -> FieldList {
    var fields = FieldList()
    let used = usage.fileBytes - usage.freeBytes
    fields.add("points", "about \(Quantities.bytes(usage.pointBytes))")
    fields.add(
      "checkpoints and artifacts",
      Quantities.bytes(usage.contentBytes)
        + (usage.sharedBytes > 0 ? ", \(Quantities.bytes(usage.sharedBytes)) saved by sharing" : "")
        + (usage.unreferencedBytes > 0
          ? ", of which nothing names \(Quantities.bytes(usage.unreferencedBytes))" : ""))
    fields.add("logs", Quantities.bytes(usage.logBytes))
    fields.add("records and indexes", "about \(Quantities.bytes(usage.recordBytes))")
    fields.add(
      "used",
      Quantities.bytes(used)
        + (usage.maxBytes.map {
          " of \(Quantities.bytes($0)) that may be"
            + (used >= $0 ? ": no more checkpoints and artifacts are taken" : "")
        } ?? ""))
    fields.add("free in the file", Quantities.bytes(usage.freeBytes))
    fields.add("write-ahead log", Quantities.bytes(usage.walBytes))
    if usage.reserveBytes > 0 {
      fields.add("set aside for a full disk", Quantities.bytes(usage.reserveBytes))
    }
    return fields
  }
}
