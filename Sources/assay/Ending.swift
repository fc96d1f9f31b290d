// How a command ends: its exit code, and what it says on standard error.

import Archives
import ArgumentParser
import Checkpoints
import Client
import Glibc
import Wire

enum Ending {
  /// The job failed, or something got worse.
  static let failed = ExitCode(1)
  /// A mistake in the command, or an error.
  static let error = ExitCode(2)
  static let notEnoughData = ExitCode(3)
  /// Ctrl-C, as shells count it.
  static let interrupted = ExitCode(130)

  static func exit(after error: any Error) -> Never {
    let (text, code) = report(error)
    if let text {
      if code.isSuccess { Terminal.print(text) } else { Terminal.complain(text) }
    }
    Glibc.exit(code.rawValue)
  }

  /// Says what went wrong with one of several things, while the command goes on.
  static func complain(_ error: CommandError) { Terminal.complain(shown(error)) }

  private static func report(_ error: any Error) -> (text: String?, code: ExitCode) {
    switch error {
    case let code as ExitCode:
      return (nil, code)
    case let error as CommandError:
      return (shown(error), Self.error)
    case let error as ClientError:
      return (shown(CommandError(error)), Self.error)
    case let error as PlacesError:
      return (shown(CommandError(error.body)), Self.error)
    case let error as CheckpointError:
      let body = ErrorBody(code: error.code, message: error.message, hint: error.hint)
      return (shown(CommandError(body)), Self.error)
    case let error as ArchiveError:
      let body = ErrorBody(code: error.code, message: error.message, hint: error.hint)
      return (shown(CommandError(body)), Self.error)
    case is CancellationError:
      return (nil, Self.interrupted)
    default:
      return parserReport(error)
    }
  }

  /// With `--json` errors are JSON too, still on standard error.
  private static func shown(_ error: CommandError) -> String {
    guard CommandLine.arguments.contains("--json") else { return error.text }
    do {
      return try JSONOutput.text(ErrorEnvelope(error.body), indented: false)
    } catch {
      return "assay: \(error)"
    }
  }

  /// Errors of ArgumentParser, which also ends `--help`, `--version` and
  /// `--generate-completion-script` by one.
  private static func parserReport(_ error: any Error) -> (text: String?, code: ExitCode) {
    let code = Assay.exitCode(for: error)
    var message = Assay.fullMessage(for: error)
    if code.isSuccess { return (message.isEmpty ? nil : message, code) }
    let prefix = "Error: "
    if message.hasPrefix(prefix) { message.removeFirst(prefix.count) }
    return ("assay: " + message, Self.error)
  }
}
