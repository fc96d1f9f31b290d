// The options of `assay submit` that say how a program runs. They make the spec of a command job, or
// change one that was read from a file.

import ArgumentParser
import Experiments
import Glibc

struct CommandOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Where the program runs; by default here.", valueName: "folder"),
    completion: .directory)
  var directory: String?

  @Option(
    help: ArgumentHelp(
      "A variable of the program; without a value that of this shell. May be repeated.",
      valueName: "name[=value]"))
  var env: [String] = []

  @Option(
    help: ArgumentHelp(
      "The same, whose value is kept nowhere but with the job until it ends, and never shown.",
      valueName: "name[=value]"))
  var secretEnv: [String] = []

  @Option(
    help: ArgumentHelp(
      "What standard output is: none (text) or jsonl (JSON objects with metrics).",
      valueName: "format"))
  var parse: String?

  @Option(
    help: ArgumentHelp(
      "A file or folder of its directory that is kept as artifacts at the end; may be repeated.",
      valueName: "path"))
  var keep: [String] = []

  @Option(help: ArgumentHelp("Memory of all its processes together: 8GB.", valueName: "size"))
  var memory: String?

  @Option(help: ArgumentHelp("CPU time of each of its processes: 90s, 2h.", valueName: "time"))
  var cpuTime: String?

  @Option(help: ArgumentHelp("Open files of each of its processes.", valueName: "number"))
  var openFiles: Int?

  @Option(help: ArgumentHelp("The largest file that it may write: 500MB.", valueName: "size"))
  var fileSize: String?

  @Option(help: ArgumentHelp("How far it stands back behind others, 0 to 19.", valueName: "number"))
  var nice: Int?

  /// The spec of a program that was given on the command line.
  func spec(of program: [String]) throws(CommandError) -> SpecFile {
    try SpecFile(
      made: .object([
        "kind": .string(JobKind.command.rawValue),
        "command": .array(program.map { .string($0) }),
      ]), named: "the program")
  }

  /// Puts what was given into the spec.
  func change(_ spec: inout SpecFile) throws(CommandError) {
    if let directory {
      spec.set("directory", to: .string(directory))
      try spec.resolveDirectory(in: LocalFile.currentFolder)
    }
    if !env.isEmpty {
      var variables = spec.value["env"]?.objectValue ?? [:]
      for text in env {
        let (name, value) = try Self.variable(text, option: "--env")
        variables[name] = .string(value)
      }
      spec.set("env", to: .object(variables))
    }
    if !secretEnv.isEmpty {
      let names = spec.value["secret_env"]?.arrayValue ?? []
      let given = try secrets()?.keys.sorted().map { JSONValue.string($0) } ?? []
      spec.set("secret_env", to: .array(names + given.filter { !names.contains($0) }))
    }
    if let parse { spec.set("parse", to: .string(parse)) }
    if !keep.isEmpty { spec.set("keep", to: .array(keep.map { .string($0) })) }
    if let nice { spec.set("nice", to: .int(Int64(nice))) }
    var limits = spec.value["limits"]?.objectValue ?? [:]
    limits["memory"] = memory.map { .string($0) } ?? limits["memory"]
    limits["cpu_time"] = cpuTime.map { .string($0) } ?? limits["cpu_time"]
    limits["open_files"] = openFiles.map { .int(Int64($0)) } ?? limits["open_files"]
    limits["file_size"] = fileSize.map { .string($0) } ?? limits["file_size"]
    if !limits.isEmpty { spec.set("limits", to: .object(limits)) }
  }

  /// The values of the secret variables; nil if there are none.
  func secrets() throws(CommandError) -> [String: String]? {
    var values: [String: String] = [:]
    for text in secretEnv {
      let (name, value) = try Self.variable(text, option: "--secret-env")
      values[name] = value
    }
    return values.isEmpty ? nil : values
  }

  private static func variable(
    _ text: String, option: String
  ) throws(CommandError) -> (name: String, value: String) {
    if let sign = text.firstIndex(of: "="), sign != text.startIndex {
      return (String(text[..<sign]), String(text[text.index(after: sign)...]))
    }
    guard !text.contains("="), !text.isEmpty, let value = getenv(text) else {
      throw .badArgument(
        "\(option) \(text): there is no such variable here", hint: "give it a value: NAME=VALUE")
    }
    return (text, String(cString: value))
  }
}
