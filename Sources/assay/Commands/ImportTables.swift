// `assay import csv` and `assay import jsonl`: points from tables.

import ArgumentParser
import Imports

struct ImportCSV: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "csv",
    abstract: "Import metrics from a CSV file.",
    discussion: """
      The header tells the form: a column per metric beside step, epoch, time and run; or a row per \
      point with the columns key and value. An empty cell is no point. A cell that cannot be read \
      imports nothing of the file, unless --skip-bad is given.

      Examples:
        assay import csv training.csv
        assay import csv all.csv --run-column trial --step-column batch --ignore comment
      """)

  @Argument(help: "The file.", completion: .file(extensions: ["csv"]))
  var file: String

  @OptionGroup var table: TableArguments
  @OptionGroup var source: SourceName
  @OptionGroup var arguments: ImportArguments
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let options = try table.options(source.options(arguments))
    let table = try ImportArguments.failing { () throws(ImportError) in
      try CSVTableSource(file, absolutePath: ImportArguments.absolute(file), options: options)
    }
    try await arguments.run(table, title: "importing \(LocalFile.name(of: file))", common: common)
  }
}

struct ImportJSONLines: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jsonl",
    abstract: "Import metrics and params from a file of JSON lines.",
    discussion: """
      A line is {"step": 1, "loss": 0.5, …} or {"key": "loss", "step": 1, "value": 0.5}, with run, \
      epoch and time where there are any; {"params": {…}} and {"tags": {…}} describe the run.

      Examples:
        assay import jsonl metrics.jsonl
        assay import jsonl history.jsonl --name may --skip-bad
      """)

  @Argument(help: "The file.", completion: .file(extensions: ["jsonl"]))
  var file: String

  @OptionGroup var table: TableArguments
  @OptionGroup var source: SourceName
  @OptionGroup var arguments: ImportArguments
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let options = try table.options(source.options(arguments))
    let lines = try ImportArguments.failing { () throws(ImportError) in
      try JSONLinesSource(file, absolutePath: ImportArguments.absolute(file), options: options)
    }
    try await arguments.run(lines, title: "importing \(LocalFile.name(of: file))", common: common)
  }
}

/// How the columns or members of a table are taken.
struct TableArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The column with the step.", valueName: "column"))
  var stepColumn: String?

  @Option(help: ArgumentHelp("The column with the time.", valueName: "column"))
  var timeColumn: String?

  @Option(help: ArgumentHelp("The column that names the run.", valueName: "column"))
  var runColumn: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Leave a column out; may be repeated.", valueName: "column"))
  var ignore: [String] = []

  @Flag(help: "Leave out values that cannot be read, and report them.")
  var skipBad = false

  func options(_ common: ImportOptions) -> TableOptions {
    var options = TableOptions(common: common)
    options.stepColumn = stepColumn
    options.timeColumn = timeColumn
    options.runColumn = runColumn
    options.ignored = Set(ignore)
    options.skipBad = skipBad
    return options
  }
}
