// One client that follows one job: every epoch exactly once, the newest progress, and the end.
// Where it stands is the run and the epoch of the last event, which is also the event's id, so a
// client that comes back goes on where it was.

import Experiments
import HTTPTypes
import Store
import Wire

actor JobFollower {
  /// `RUN.EPOCH`: a job whose worker was lost may go on in a new run, with epochs from 1 again.
  struct Position: Sendable, Equatable {
    var run: Int64
    var epoch: Int64

    init(run: Int64, epoch: Int64) {
      self.run = run
      self.epoch = epoch
    }

    init?(_ text: String?) throws(ServerError) {
      guard let text, !text.isEmpty else { return nil }
      let parts = text.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, let run = Int64(parts[0]), let epoch = Int64(parts[1]) else {
        throw .badParameter(name: "after", value: text, expected: "the id of an epoch event")
      }
      self.init(run: run, epoch: epoch)
    }

    var text: String { "\(run).\(epoch)" }
  }

  private let id: Int64
  private let store: Store
  private var position: Position?
  private var told: ProgressEvent?

  init(job id: Int64, store: Store, after position: Position?) {
    self.id = id
    self.store = store
    self.position = position
  }

  func turn() async throws -> EventStream.Turn {
    // The job first: if it has ended then, the metrics that are read afterwards are all there are.
    let job = try await store.job(id)
    var events: [ServerSentEvent] = []
    guard let runId = job.runId else {
      return EventStream.Turn(events: events, isLast: job.state.isFinal)
    }
    var place = position ?? Position(run: runId, epoch: 0)
    if place.run != runId { place = Position(run: runId, epoch: 0) }
    for row in try await store.epochMetrics(run: runId, afterEpoch: place.epoch) {
      place.epoch = row.epoch
      events.append(
        try JSONEvent.make(
          "epoch", id: place.text,
          EpochEvent(runId: runId, epoch: row.epoch, step: row.step, metrics: row.metrics)))
    }
    position = place
    if job.state.isFinal {
      let checkpoints = try await store.checkpoints(run: runId)
      events.append(
        try JSONEvent.make(
          "end",
          EndEvent(
            job: job, run: try await store.run(runId), checkpoints: checkpoints.count,
            checkpointBytes: checkpoints.reduce(0) { $0 + $1.storedBytes })))
      return EventStream.Turn(events: events, isLast: true)
    }
    if told?.job != job {
      let run = try await store.run(runId)
      let progress = ProgressEvent(job: job, metrics: run.metrics.mapValues(\.last))
      events.append(try JSONEvent.make("progress", progress))
      told = progress
    }
    return EventStream.Turn(events: events)
  }
}

extension HTTPField.Name {
  static let lastEventID = parsed("Last-Event-ID")
  static let xContentTypeOptions = parsed("X-Content-Type-Options")
  static let checkpointEpoch = parsed("Assay-Checkpoint-Epoch")
  static let checkpointKind = parsed("Assay-Checkpoint-Kind")
  static let contentSHA256 = parsed("Assay-SHA256")

  private static func parsed(_ name: String) -> HTTPField.Name {
    // Only names with characters that a header cannot have give nil; these are constants.
    HTTPField.Name(name) ?? .contentType
  }
}
