// The options of `assay submit` that say when a job starts and how long it may take, each in place
// of the spec's own key.

import ArgumentParser
import Experiments

struct PolicyOptions: ParsableArguments {
  @Option(help: "Queue that the job waits in.")
  var queue: String?

  @Option(
    help: ArgumentHelp(
      "Start after these jobs are over; numbers separated by commas.", valueName: "jobs"))
  var after: String?

  @Option(
    help: ArgumentHelp(
      "What to do if one of those fails: cancel, hold or run.", valueName: "what"))
  var afterFailed: AfterFailed?

  @Option(help: "How often a failed job is tried again.")
  var retries: Int?

  @Option(
    help: ArgumentHelp("How long an attempt may take, such as 2h or 90s.", valueName: "time"))
  var timeout: String?

  @Option(
    help: ArgumentHelp(
      "How long an attempt may go without output, metrics and progress.", valueName: "time"))
  var idleTimeout: String?

  @Flag(help: "Wait until the job is released.")
  var hold = false

  @Flag(help: "Run while nothing else runs.")
  var exclusive = false

  @Option(
    name: .customLong("resource"),
    help: ArgumentHelp(
      "How much of a resource the job needs; may be repeated.", valueName: "name=count"))
  var resources: [Assignment] = []

  /// Sets in the spec what is given here.
  func apply(to spec: inout SpecFile) throws {
    if let queue { spec.set("queue", to: .string(queue)) }
    if let after { spec.set("after", to: try Self.jobs(after)) }
    if let afterFailed { spec.set("after_failed", to: .string(afterFailed.rawValue)) }
    if let retries { try spec.set("retries\(spec.hasRetries ? ".max" : "")=\(retries)") }
    if let timeout { spec.set("timeout", to: .string(timeout)) }
    if let idleTimeout { spec.set("idle_timeout", to: .string(idleTimeout)) }
    if hold { spec.set("hold", to: .bool(true)) }
    if exclusive { spec.set("exclusive", to: .bool(true)) }
    for resource in resources { try spec.set("resources.\(resource.key)=\(resource.value)") }
  }

  private static func jobs(_ text: String) throws -> JSONValue {
    .array(
      try text.split(separator: ",").map { part in
        guard let number = Int64(part) else {
          throw ValidationError("--after \(text): \"\(part)\" is no number of a job")
        }
        return .int(number)
      })
  }
}

extension AfterFailed: ExpressibleByArgument {}

extension SpecFile {
  /// Whether `retries` is an object, whose other keys are to stay.
  fileprivate var hasRetries: Bool {
    if case .object? = value["retries"] { true } else { false }
  }
}
