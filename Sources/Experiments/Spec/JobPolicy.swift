// When and with what a job may start, how long it may take, and what follows a failure: the part of
// a spec that every kind of job has and that does not shape what the job computes.

package struct JobPolicy: Sendable, Equatable {
  /// The queue it waits in.
  package var queue: String
  /// Numbers of jobs that have to be over before this one starts.
  package var after: [Int64]
  /// What happens if one of them ended otherwise than `finished`.
  package var afterFailed: AfterFailed
  package var retries: RetryPolicy
  /// How long an attempt may take.
  package var timeout: TimeSpan?
  /// How long an attempt may go without output, metrics and progress.
  package var idleTimeout: TimeSpan?
  /// Nothing else runs while it does.
  package var isExclusive: Bool
  /// How much of the daemon's counted resources it holds while it runs.
  package var resources: [String: Int]
  /// It waits until somebody releases it.
  package var isHeld: Bool

  package static let defaultQueue = "default"

  package init(
    queue: String = JobPolicy.defaultQueue, after: [Int64] = [],
    afterFailed: AfterFailed = .cancel, retries: RetryPolicy = RetryPolicy(),
    timeout: TimeSpan? = nil, idleTimeout: TimeSpan? = nil, isExclusive: Bool = false,
    resources: [String: Int] = [:], isHeld: Bool = false
  ) {
    self.queue = queue
    self.after = after
    self.afterFailed = afterFailed
    self.retries = retries
    self.timeout = timeout
    self.idleTimeout = idleTimeout
    self.isExclusive = isExclusive
    self.resources = resources
    self.isHeld = isHeld
  }
}

/// What a job does whose dependency did not finish.
package enum AfterFailed: String, Sendable, Codable, CaseIterable {
  case cancel, hold, run
}

/// How often a failed job is tried again, and after which pauses.
package struct RetryPolicy: Sendable, Equatable {
  /// Attempts after the first; 0: none.
  package var max: Int
  /// Before the first retry; each later pause is `factor` times the one before.
  package var delay: TimeSpan
  package var factor: Double
  package var maxDelay: TimeSpan
  /// Exit codes that are worth another try; empty: any failure, also a timeout.
  package var on: [Int]

  package init(
    max: Int = 0, delay: TimeSpan = TimeSpan(seconds: 10), factor: Double = 2,
    maxDelay: TimeSpan = TimeSpan(seconds: 600), on: [Int] = []
  ) {
    self.max = max
    self.delay = delay
    self.factor = factor
    self.maxDelay = maxDelay
    self.on = on
  }

  /// Whether an attempt that ended so is followed by another.
  /// - Parameters:
  ///   - used: retries that the job has had.
  ///   - exitCode: of the program, where there was one.
  package func allows(after state: AttemptState, exitCode: Int?, used: Int) -> Bool {
    guard used < max else { return false }
    guard !on.isEmpty else { return state == .failed || state == .timedOut }
    return state == .failed && exitCode.map { on.contains($0) } ?? false
  }

  /// The pause before the retry of this number, from 1.
  package func pause(before retry: Int) -> TimeSpan {
    var pause = Double(delay.milliseconds)
    let most = Double(maxDelay.milliseconds)
    for _ in 1..<Swift.max(retry, 1) where pause < most { pause *= factor }
    return TimeSpan(milliseconds: Int64(min(pause, most)))
  }
}

// MARK: Reading

extension JobPolicy {
  /// Jobs that one may wait for; kinds of resources it may hold, and how much of one; retries.
  package static let dependencyLimit = 1_000
  package static let resourceKinds = 16
  package static let resourceAmounts = 1...1_024
  package static let retryLimit = 1_000

  /// All keys, for what has to leave them out.
  package static let keys = [
    "queue", "after", "after_failed", "retries", "timeout", "idle_timeout", "exclusive",
    "resources", "hold",
  ]

  /// Of a spec as it is stored; as by default where that cannot be read.
  package init(ofStored spec: JSONValue) {
    let policy = SpecReader.read(spec, at: "", log: MistakeLog()) { reader in
      reader.ignoreRest()
      return JobPolicy.read(&reader)
    }
    self = policy ?? JobPolicy()
  }

  static func read(_ reader: inout SpecReader) -> JobPolicy? {
    let queue = reader.read("queue", .identifier(), default: defaultQueue)
    let after = reader.list(
      "after", .whole(1...Int.max), upTo: dependencyLimit, default: [])
    let afterFailed = reader.read("after_failed", .name, default: AfterFailed.cancel)
    let retries = RetryPolicy.read("retries", of: &reader)
    let timeout = reader.span("timeout")
    let idle = reader.span("idle_timeout")
    let isExclusive = reader.read("exclusive", .flag, default: false)
    let resources = reader.object("resources") { $0.amounts() }
    let isHeld = reader.read("hold", .flag, default: false)
    guard let queue, let after, let afterFailed, let retries, let timeout, let idle,
      let isExclusive, let resources, let isHeld
    else { return nil }
    return JobPolicy(
      queue: queue, after: after.map { Int64($0) }, afterFailed: afterFailed, retries: retries,
      timeout: timeout, idleTimeout: idle, isExclusive: isExclusive, resources: resources,
      isHeld: isHeld)
  }

  /// As in a spec. What is as it is by default is left out: a spec of an Assay without these keys
  /// stays the same text.
  var members: [SpecTree.Member] {
    var members: [SpecTree.Member] = []
    func add(_ key: String, _ value: SpecTree, unless isDefault: Bool) {
      if !isDefault { members.append((key, value)) }
    }
    add("queue", .text(queue), unless: queue == Self.defaultQueue)
    add("after", .value(.array(after.map { .int($0) })), unless: after.isEmpty)
    add("after_failed", .name(afterFailed), unless: afterFailed == .cancel)
    add("retries", .members(retries.members), unless: retries == RetryPolicy())
    if let timeout { members.append(("timeout", .text(timeout.description))) }
    if let idleTimeout { members.append(("idle_timeout", .text(idleTimeout.description))) }
    add("exclusive", .flag(isExclusive), unless: !isExclusive)
    add(
      "resources", .value(.object(resources.mapValues { .int(Int64($0)) })),
      unless: resources.isEmpty)
    add("hold", .flag(isHeld), unless: !isHeld)
    return members
  }
}

extension RetryPolicy {
  /// A bare number is `max`.
  static func read(_ key: String, of reader: inout SpecReader) -> RetryPolicy? {
    if case .object? = reader.raw(key) { return reader.object(key) { read(&$0) } }
    guard reader.has(key) else { return RetryPolicy() }
    return reader.read(key, .whole(0...JobPolicy.retryLimit)).map { RetryPolicy(max: $0) }
  }

  private static func read(_ reader: inout SpecReader) -> RetryPolicy? {
    let standard = RetryPolicy()
    let max = reader.read("max", .whole(0...JobPolicy.retryLimit))
    let delay = reader.read("delay", .span(orZero: true), default: standard.delay)
    let factor = reader.read("factor", .number(.from(1, to: 100)), default: standard.factor)
    let maxDelay = reader.read("max_delay", .span(orZero: true), default: standard.maxDelay)
    let on = reader.list("on", .whole(0...255), upTo: 256, default: standard.on)
    guard let max, let delay, let factor, let maxDelay, let on else { return nil }
    return RetryPolicy(max: max, delay: delay, factor: factor, maxDelay: maxDelay, on: on)
  }

  fileprivate var members: [SpecTree.Member] {
    [
      ("max", .int(max)), ("delay", .text(delay.description)), ("factor", .number(factor)),
      ("max_delay", .text(maxDelay.description)),
      ("on", .value(.array(on.map { .int(Int64($0)) }))),
    ]
  }
}

extension SpecReader {
  /// A span that may be absent (`.some(nil)`); nil is a mistake.
  fileprivate mutating func span(_ key: String) -> TimeSpan?? {
    guard has(key) else {
      _ = raw(key)
      return .some(nil)
    }
    return read(key, .span(orZero: false)).map { .some($0) }
  }

  /// Names of resources, each with how much.
  fileprivate mutating func amounts() -> [String: Int]? {
    let names = self.names
    guard names.count <= JobPolicy.resourceKinds else {
      log.add(path, "\(names.count) are too many; at most \(JobPolicy.resourceKinds) are allowed")
      ignoreRest()
      return nil
    }
    var amounts: [String: Int] = [:]
    for name in names {
      guard ResourceName.isValid(name) else {
        mistake(name, ResourceName.expectation)
        _ = raw(name)
        continue
      }
      if let amount = read(name, .whole(JobPolicy.resourceAmounts)) { amounts[name] = amount }
    }
    return amounts.count == names.count ? amounts : nil
  }
}

/// Names of counted resources: they become part of an environment variable's name.
package enum ResourceName {
  static let expectation =
    "the name of a resource is 1 to 32 of a-z, 0-9 and _, beginning with a letter"

  package static func isValid(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 32 else { return false }
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    return letters.contains(first)
      && name.utf8.allSatisfy {
        letters.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || $0 == UInt8(ascii: "_")
      }
  }
}

extension SpecRule<TimeSpan> {
  static func span(orZero: Bool) -> SpecRule {
    converting(
      "a time such as 90s, 10m, 2h or a number of seconds, \(orZero ? "from 0" : "above 0"), "
        + "at most \(TimeSpan.longest)"
    ) { value in
      let span =
        value.stringValue.flatMap { TimeSpan($0) }
        ?? value.doubleValue.flatMap { TimeSpan(seconds: $0) }
      return span.flatMap { orZero || $0.milliseconds > 0 ? $0 : nil }
    }
  }
}
