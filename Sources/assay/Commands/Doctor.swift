// `assay doctor`: whether everything that Assay needs is as it should be, line by line, with what to do
// where it is not. What is recorded is examined by `assayd doctor`.

import ArgumentParser
import Client
import Experiments
import Foundation
import Wire

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check the installation: socket, versions, permissions, disk, queue, clock.",
    discussion: """
      Works without a daemon too. What is recorded is examined by: assayd doctor

      Exit code: 0 nothing fails, 1 something does.

      Example:
        assay doctor
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    var findings = Findings()
    if common.givenURL == nil { SocketChecks.look(at: try common.socketPath, &findings) }
    await ask(&findings)
    let items = findings.items
    try common.print(Page(items: items)) {
      Terminal.print(items.flatMap { $0.lines(style: Terminal.style) })
    }
    if items.contains(where: { $0.state == .fail }) { throw Ending.failed }
  }

  private func ask(_ findings: inout Findings) async {
    do {
      let (status, usage, schedules, jobs) = try await common.withClient(timeout: .seconds(20)) {
        (
          try await $0.status(), try await $0.usage(), try await $0.schedules().items,
          try await $0.jobs(limit: 1).items
        )
      }
      DaemonChecks.look(at: status, &findings)
      if common.givenURL == nil { HostChecks.look(at: status, &findings) }
      QueueChecks.look(at: status, schedules, &findings)
      ClockChecks.look(at: status, newest: jobs.first, now: Moments.now(), &findings)
      StoreChecks.look(at: usage, &findings)
    } catch let error as ClientError {
      findings.add("daemon", .fail, error.message, error.hint)
    } catch let error as CommandError {
      findings.add("daemon", .fail, error.message, error.hint)
    } catch {
      findings.add("daemon", .fail, "\(error)")
    }
  }
}

/// One line of what was looked at.
struct Finding: Codable {
  enum State: String, Codable { case ok, warn, fail }

  var check: String
  var state: State
  var message: String
  /// What to do about it.
  var hint: String?

  func lines(style: Style) -> [String] {
    let tint: Tint =
      switch state {
      case .ok: .good
      case .warn: .caution
      case .fail: .bad
      }
    let word = style.paint(ShownText.padded(state.rawValue, to: 6), tint)
    let line = word + ShownText.padded(check, to: 13) + ShownText.line(message)
    return [line] + (hint.map { [String(repeating: " ", count: 19) + ShownText.line($0)] } ?? [])
  }
}

struct Findings {
  private(set) var items: [Finding] = []

  mutating func add(
    _ check: String, _ state: Finding.State, _ message: String, _ hint: String? = nil
  ) {
    items.append(Finding(check: check, state: state, message: message, hint: hint))
  }
}
