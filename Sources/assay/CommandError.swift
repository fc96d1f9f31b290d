// What can go wrong in the command line itself. Each error says what is wrong and, where there is
// something to do about it, what.

import Client
import Experiments
import Wire

enum CommandError: Error {
  case noDaemon(socket: String)
  /// What the daemon (or the way to it) said.
  case answered(ErrorBody)
  case unreadable(path: String, reason: String)
  case tooLarge(path: String, limit: Int)
  /// A file that cannot be parsed, with its place in it (both from 1).
  case syntax(path: String, line: Int?, column: Int?, problem: String)
  case badSpec(name: String, [SpecMistake])
  case badSetting(option: String, text: String, problem: String)
  case badArgument(String, hint: String?)

  init(_ error: ClientError) {
    if case .daemonUnreachable(let socket) = error {
      self = .noDaemon(socket: socket)
    } else {
      self = .answered(error.body)
    }
  }

  init(_ error: ErrorBody) { self = .answered(error) }

  var code: String {
    switch self {
    case .noDaemon: "daemon_unreachable"
    case .answered(let body): body.code
    case .unreadable: "file_unreadable"
    case .tooLarge: "file_too_large"
    case .syntax: "syntax_error"
    case .badSpec: "spec_invalid"
    case .badSetting: "invalid_setting"
    case .badArgument: "invalid_argument"
    }
  }

  var message: String {
    switch self {
    case .noDaemon(let socket): "no daemon answers at \(socket)"
    case .answered(let body): body.message
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
    case .tooLarge(let path, let limit):
      "\(path) is larger than \(Quantities.bytes(Int64(limit))), the most that a job spec may have"
    case .syntax(let path, let line, let column, let problem):
      ([path] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
        + ": \(problem)"
    case .badSpec(let name, let mistakes):
      "\(name) cannot be queued: "
        + (mistakes.count == 1 ? "1 mistake" : "\(mistakes.count) mistakes")
    case .badSetting(let option, let text, let problem): "\(option) \(text): \(problem)"
    case .badArgument(let message, _): message
    }
  }

  var hint: String? {
    switch self {
    case .noDaemon: "start one with: assayd --background" + Self.givenSocket
    case .answered(let body): body.hint
    case .badArgument(_, let hint): hint
    case .unreadable, .tooLarge, .syntax, .badSpec, .badSetting: nil
    }
  }

  /// ` --socket PATH` if the command had one, so that the daemon will be where it is looked for.
  private static var givenSocket: String {
    let arguments = CommandLine.arguments
    for (index, argument) in arguments.enumerated() {
      if argument.hasPrefix("--socket=") {
        return " --socket " + ShellText.word(String(argument.dropFirst("--socket=".count)))
      }
      if argument == "--socket", index + 1 < arguments.count {
        return " --socket " + ShellText.word(arguments[index + 1])
      }
    }
    return ""
  }

  /// What is printed on standard error.
  var text: String {
    if case .badSpec(_, let mistakes) = self {
      return ([message] + Self.lines(of: mistakes)).joined(separator: "\n")
    }
    var lines = ["assay: " + Self.shown(message)]
    if case .answered(let body) = self, let mistakes = body.mistakes {
      lines += Self.lines(of: mistakes)
    }
    if let hint { lines.append(Self.shown(hint)) }
    return lines.joined(separator: "\n")
  }

  /// The same as the API would say it, for `--json`.
  var body: ErrorBody {
    switch self {
    case .answered(let body): body
    case .badSpec(_, let mistakes):
      ErrorBody(code: code, message: message, hint: hint, mistakes: mistakes)
    default: ErrorBody(code: code, message: message, hint: hint)
    }
  }

  private static func lines(of mistakes: [SpecMistake]) -> [String] {
    var table = TextTable([.left(""), .left("")], indent: 2, gap: 3)
    for mistake in mistakes {
      table.add([.init(mistake.path.isEmpty ? "(the spec)" : mistake.path), .init(mistake.message)])
    }
    return table.lines(width: nil, style: .plain)
  }

  /// Messages of several lines (a query with a caret under its mistake) keep them.
  private static func shown(_ message: String) -> String {
    message.split(separator: "\n", omittingEmptySubsequences: false)
      .map { ShownText.line(String($0)) }.joined(separator: "\n")
  }
}
