// A job that runs any program: what is run, where, with which environment, and what is kept of it.

package struct CommandSpec: Sendable, Equatable {
  /// The program and its arguments.
  package var command: [String]
  /// Where it runs; absolute. Empty: where it was submitted.
  package var directory: String
  /// Variables beside those that every program gets.
  package var env: [String: String]
  /// Names of variables whose values are no part of the spec and are nowhere recorded.
  package var secretEnv: [String]
  package var parse: OutputFormat
  /// Files and folders below `directory` that are kept as artifacts at the end.
  package var keep: [String]
  package var limits: CommandLimits
  package var nice: Int

  package init(
    command: [String], directory: String, env: [String: String] = [:], secretEnv: [String] = [],
    parse: OutputFormat = .none, keep: [String] = [], limits: CommandLimits = CommandLimits(),
    nice: Int = 0
  ) {
    self.command = command
    self.directory = directory
    self.env = env
    self.secretEnv = secretEnv
    self.parse = parse
    self.keep = keep
    self.limits = limits
    self.nice = nice
  }

  /// What the lines of the program's standard output are.
  package enum OutputFormat: String, Sendable, CaseIterable {
    /// Text.
    case none
    /// Those that are JSON objects hold metrics.
    case jsonl
  }

  package static let shell = "/bin/sh"
  package static let niceness = 0...19
  package static let defaultName = "command"

  /// The command as a line that a shell takes; one that was given as such a line is that line.
  package var line: String {
    if command.count == 3, command[0] == Self.shell, command[1] == "-c" { return command[2] }
    return command.map(Self.quoted).joined(separator: " ")
  }

  /// Whether the program is Python's interpreter.
  package var isPython: Bool { command[0].split(separator: "/").last?.hasPrefix("python") ?? false }

  /// The name of a job that has none: its program's.
  static func name(for command: JSONValue?) -> String {
    let word: Substring? =
      switch command {
      case .string(let line)?: line.split(whereSeparator: \.isWhitespace).first
      case .array(let words)?: words.first?.stringValue.map { Substring($0) }
      default: nil
      }
    let file = word?.split(separator: "/").last ?? ""
    return SpecName.made(from: file) ?? defaultName
  }

  private static let plain = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@%:,=")

  private static func quoted(_ word: String) -> String {
    guard word.isEmpty || !word.allSatisfy(plain.contains) else { return word }
    return "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

/// What the program may use; nil: as much as there is.
package struct CommandLimits: Sendable, Equatable {
  /// Resident bytes of the program and all it starts, together.
  package var memory: Int?
  /// CPU seconds of each process.
  package var cpuTime: Int?
  /// Open files of each process.
  package var openFiles: Int?
  /// Bytes of each file that is written.
  package var fileSize: Int?

  package init(
    memory: Int? = nil, cpuTime: Int? = nil, openFiles: Int? = nil, fileSize: Int? = nil
  ) {
    self.memory = memory
    self.cpuTime = cpuTime
    self.openFiles = openFiles
    self.fileSize = fileSize
  }
}
