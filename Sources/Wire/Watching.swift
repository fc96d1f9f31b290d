// What live views of a run and of the whole machine are made of.

package import Experiments

/// `GET /api/v1/runs/{run}/follow`: `points` events (id: how far the run has been watched), `state`
/// events (no id, whenever it changed), and one `end` event with the last state.
package struct PointsEvent: Codable, Sendable {
  package var runId: Int64
  package var series: [WatchedSeries]

  package init(runId: Int64, series: [WatchedSeries]) {
    self.runId = runId
    self.series = series
  }
}

package struct WatchedSeries: Codable, Sendable {
  package var key: String
  /// These are the metric's first points: what came of it before no longer counts. So begins each
  /// metric; it begins again where points came late or an attempt was repeated.
  package var restarts: Bool
  package var steps: [Int64]
  package var times: [Timestamp]
  package var values: [Double]
  package var epochs: [Int64?]?

  package init(restarts: Bool, series: PointSeries) {
    key = series.key
    self.restarts = restarts
    steps = series.steps
    times = series.times.map { Timestamp(microseconds: $0) }
    values = series.values
    epochs = series.epochs.map { _ in (0..<series.count).map { series.epoch($0) } }
  }
}

package struct RunState: Codable, Sendable, Equatable {
  package var runId: Int64
  package var name: String
  package var jobId: Int64?
  package var status: RunStatus
  package var startedAt: Timestamp?
  package var endedAt: Timestamp?
  package var progress: Progress?
  package var failure: Failure?

  package init(_ run: Run) {
    runId = run.id
    name = run.name
    jobId = run.jobId
    status = run.status
    startedAt = run.startedAt
    endedAt = run.endedAt
    progress = run.progress
    failure = run.failure
  }
}

/// `GET /api/v1/top`: what runs and what waits at one moment.
package struct TopReply: Codable, Sendable {
  package var at: Timestamp
  package var slots: Int
  package var slotsInUse: Int
  package var host: HostLoad
  package var jobsByState: [String: Int]
  package var running: [TopJob]
  /// The next ones, in the order of their turn.
  package var waiting: [Job]

  package init(
    at: Timestamp, slots: Int, slotsInUse: Int, host: HostLoad, jobsByState: [String: Int],
    running: [TopJob], waiting: [Job]
  ) {
    self.at = at
    self.slots = slots
    self.slotsInUse = slotsInUse
    self.host = host
    self.jobsByState = jobsByState
    self.running = running
    self.waiting = waiting
  }
}

package struct HostLoad: Codable, Sendable, Equatable {
  package var cores: Int
  /// Of the last minute.
  package var load: Double
  package var memoryBytes: Int64
  package var availableBytes: Int64

  package init(cores: Int, load: Double, memoryBytes: Int64, availableBytes: Int64) {
    self.cores = cores
    self.load = load
    self.memoryBytes = memoryBytes
    self.availableBytes = availableBytes
  }
}

package struct TopJob: Codable, Sendable {
  package var job: Job
  /// Of its worker with all that it has started; absent if it has none now.
  package var usage: JobUsage?

  package init(job: Job, usage: JobUsage?) {
    self.job = job
    self.usage = usage
  }
}

package struct JobUsage: Codable, Sendable, Equatable {
  package var pid: Int32
  package var processes: Int
  /// User and system, since the worker began.
  package var cpuSeconds: Double
  /// Memory that processes share is counted in each.
  package var residentBytes: Int64
  /// CPU seconds per second between two looks: filled in by whoever looks twice.
  package var cpuLoad: Double?

  package init(
    pid: Int32, processes: Int, cpuSeconds: Double, residentBytes: Int64, cpuLoad: Double? = nil
  ) {
    self.pid = pid
    self.processes = processes
    self.cpuSeconds = cpuSeconds
    self.residentBytes = residentBytes
    self.cpuLoad = cpuLoad
  }
}
