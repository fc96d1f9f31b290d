// Judges the alerts of running jobs as their points arrive. Points are read from the store after they
// are on disk, and only those of metrics that an alert names, so nobody who writes waits for it, and
// jobs without alerts cost nothing.

import Experiments
import Logging
import ServiceLifecycle
import Store
import Synchronization

actor AlertWatch: Service {
  private let store: Store
  private let supervisor: Supervisor
  private let clock: WallClock
  private let logger: Logger
  private let bell = ChangeHub()
  private var watched: [Int64: WatchedRun] = [:]
  /// Whether jobs have begun or ended since they were looked at.
  private let jobsChanged = Mutex(true)
  private let isWatching = Mutex(false)

  private static let pause = Duration.milliseconds(100)
  /// While there is an alert of no progress, or none at all.
  private static let tick = Duration.milliseconds(500)
  private static let idle = Duration.seconds(30)
  private static let pointsAtOnce = 20_000

  init(store: Store, supervisor: Supervisor, clock: WallClock, logger: Logger) {
    self.store = store
    self.supervisor = supervisor
    self.clock = clock
    self.logger = logger
  }

  /// A commit: most are of no concern.
  nonisolated func note(_ change: StoreChange) async {
    if change.isEverything || change.kinds.contains(.jobs) {
      jobsChanged.withLock { $0 = true }
    } else if !isWatching.withLock({ $0 }) || change.kinds.isDisjoint(with: [.metrics, .progress]) {
      return
    }
    await bell.signal()
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let seen = await self.bell.version
        let pause = await self.look()
        try? await Task.sleep(for: Self.pause)  // cut short by the end of the daemon
        await self.bell.wait(after: seen, timeout: pause)
      }
    }
  }

  /// - Returns: when to look again if nothing happens.
  private func look() async -> Duration {
    do {
      let isChanged = jobsChanged.withLock { changed in
        defer { changed = false }
        return changed
      }
      if isChanged { try await refresh() }
      for run in watched.keys.sorted() { try await judge(run) }
      return watched.values.contains { $0.hasTimer } ? Self.tick : Self.idle
    } catch is CancellationError {
      return Self.tick
    } catch {
      logger.error("alerts cannot be judged now: \(error)")
      jobsChanged.withLock { $0 = true }
      return .seconds(5)
    }
  }

  private func refresh() async throws {
    var current: [Int64: WatchedRun] = [:]
    for job in try await store.alertedJobs() {
      var run = watched[job.runId] ?? WatchedRun(job)
      run.isRunning = job.isRunning
      if !run.isDone { current[job.runId] = run }
    }
    // The last points of a run that has just ended count as well.
    for (id, run) in watched where current[id] == nil && !run.isDone { try await judge(id) }
    watched = current
    isWatching.withLock { $0 = !current.isEmpty }
  }

  private func judge(_ id: Int64) async throws {
    guard var run = watched[id] else { return }
    defer { watched[id] = run }
    do {
      if !run.keys.isEmpty {
        var hasMore = true
        while hasMore {
          let page = try await store.watch(
            run: id, after: run.cursor, keys: run.keys, limit: Self.pointsAtOnce)
          run.cursor = page.cursor
          hasMore = page.hasMore
          for points in page.points { run.take(points) }
        }
      }
      for (place, key) in run.divergence {
        if let point = try await store.divergedMetric(run: id, key: key) {
          run.raise(place, at: point)
        }
      }
      if run.hasTimer, run.isRunning {
        run.note(progress: try await store.progressMark(run: id), at: clock.now())
      }
    } catch StoreError.runNotFound {
      return
    }
    for raised in run.takeRaised() { try await raise(raised, of: run, id) }
  }

  private func raise(_ raised: WatchedRun.Raised, of run: WatchedRun, _ id: Int64) async throws {
    let alert = raised.alert
    var data: [String: JSONValue] = [
      "alert": .int(Int64(raised.place)), "rule": .string(alert.text),
      "action": .string(alert.action.rawValue),
    ]
    if let point = raised.point {
      data["metric"] = .string(point.key)
      data["step"] = .int(point.step)
      data["value"] =
        point.value.isFinite ? .number(point.value) : .string(MetricValue.text(point.value))
    }
    let stop: Failure? =
      alert.action == .stop
      ? Failure(
        code: "stopped_by_alert",
        message: "stopped by its alert: \(alert.text)"
          + (raised.point.map { " (\(MetricValue.text($0.value)) at step \($0.step))" } ?? ""))
      : nil
    let isNew = try await store.raiseAlert(
      raised.place, run: id, job: run.jobId, data: data, stop: stop)
    guard isNew else { return }
    logger.warning("run \(id) raised an alert: \(alert.text)")
    if stop != nil { await supervisor.cancel(job: run.jobId) }
  }
}

/// What is known of one run with alerts.
private struct WatchedRun {
  struct Raised {
    let place: Int
    let alert: AlertSpec
    let point: MetricPoint?
  }

  let jobId: Int64
  var isRunning: Bool
  var cursor = WatchCursor()
  /// Those that were not raised yet, by their place in the spec.
  private var open: [Int: AlertSpec] = [:]
  /// Points in a row beyond the bound.
  private var streaks: [Int: Int] = [:]
  private var mark: String?
  private var markedAt = Timestamp(microseconds: 0)
  private var raised: [Raised] = []

  init(_ job: Store.AlertedJob) {
    jobId = job.jobId
    isRunning = job.isRunning
    for (place, alert) in AlertSpec.stored(job.alerts) where !job.raised.contains(place) {
      open[place] = alert
    }
  }

  var isDone: Bool { open.isEmpty }

  /// Metrics whose points must be read.
  var keys: [String] {
    Set(
      open.values.compactMap {
        if case .bound(let metric, _, _, _) = $0.rule { metric } else { nil }
      }
    ).sorted()
  }

  var divergence: [(place: Int, key: String?)] {
    open.compactMap { place, alert in
      if case .diverged(let metric) = alert.rule { (place, metric) } else { nil }
    }
  }

  var hasTimer: Bool {
    open.values.contains { if case .noProgress = $0.rule { true } else { false } }
  }

  mutating func take(_ points: WatchedPoints) {
    for (place, alert) in open {
      guard case .bound(points.series.key, let side, let bound, let count) = alert.rule else {
        continue
      }
      if points.restarts { streaks[place] = 0 }
      for index in 0..<points.series.count {
        let holds = side.holds(points.series.values[index], bound)
        streaks[place] = holds ? streaks[place, default: 0] + 1 : 0
        if streaks[place, default: 0] >= count {
          raise(place, at: points.series[index])
          break
        }
      }
    }
  }

  mutating func note(progress: String, at now: Timestamp) {
    guard progress == mark else {
      mark = progress
      markedAt = now
      return
    }
    for (place, alert) in open {
      guard case .noProgress(let seconds) = alert.rule,
        now.seconds(since: markedAt) >= Double(seconds)
      else { continue }
      raise(place, at: nil)
    }
  }

  mutating func raise(_ place: Int, at point: MetricPoint?) {
    guard let alert = open.removeValue(forKey: place) else { return }
    raised.append(Raised(place: place, alert: alert, point: point))
  }

  mutating func takeRaised() -> [Raised] {
    defer { raised = [] }
    return raised
  }
}
