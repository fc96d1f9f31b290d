// Server-sent events. Each has an `event:` name, `data:` JSON, and where it can be resumed an `id:`
// that a client sends back as `Last-Event-ID` (or `?after=`).

package import Experiments

/// `GET /api/v1/jobs/{job}/follow`: `epoch` events (id = RUN.EPOCH, each exactly once), `progress`
/// events (no id, the newest state, at most ten a second), and one `end` event.
package struct EpochEvent: Codable, Sendable {
  package var runId: Int64
  package var epoch: Int64
  package var step: Int64
  package var metrics: [String: Double]

  package init(runId: Int64, epoch: Int64, step: Int64, metrics: [String: Double]) {
    self.runId = runId
    self.epoch = epoch
    self.step = step
    self.metrics = metrics
  }
}

package struct ProgressEvent: Codable, Sendable {
  package var job: Job
  package var metrics: [String: Double]

  package init(job: Job, metrics: [String: Double]) {
    self.job = job
    self.metrics = metrics
  }
}

package struct EndEvent: Codable, Sendable {
  package var job: Job
  package var run: Run?
  package var checkpoints: Int
  package var checkpointBytes: Int64

  package init(job: Job, run: Run?, checkpoints: Int, checkpointBytes: Int64) {
    self.job = job
    self.run = run
    self.checkpoints = checkpoints
    self.checkpointBytes = checkpointBytes
  }
}

/// `GET /api/v1/runs/{run}/log/follow`: `log` events (id = byte offset after the text).
package struct LogEvent: Codable, Sendable {
  package var offset: Int64
  package var text: String

  package init(offset: Int64, text: String) {
    self.offset = offset
    self.text = text
  }
}
