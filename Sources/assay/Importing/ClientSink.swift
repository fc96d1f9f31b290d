// Writes imported runs through the daemon's API.

import Checkpoints
import Client
import Experiments
import Imports
import Wire

struct ClientSink: RunSink {
  let client: AssayClient

  func find(_ uid: Identifier) async throws -> Run? {
    do {
      return try await client.run(uid.text)
    } catch ClientError.api(let body, _) where body.code == "run_not_found" {
      return nil
    }
  }

  func open(_ run: FoundRun) async throws -> Run {
    try await refusing {
      try await client.openRun(
        OpenRun(
          uid: run.uid, name: run.name, experiment: run.experiment, createdAt: run.createdAt,
          startedAt: run.startedAt, params: run.params.mapValues { .string($0) }, tags: run.tags,
          parent: run.parent?.text, note: run.note))
    }
  }

  func addParams(run: Int64, _ params: [String: String]) async throws {
    try await refusing {
      try await client.addParams(run: String(run), params.mapValues { .string($0) })
    }
  }

  func setTags(run: Int64, _ tags: [String: String], note: String?) async throws {
    try await refusing {
      _ = try await client.changeRun(
        String(run), RunChange(note: note, tags: tags.isEmpty ? nil : tags.mapValues { $0 }))
    }
  }

  func append(run: Int64, _ series: [PointSeries]) async throws {
    try await refusing { try await client.appendMetrics(run: String(run), PointsBody(series)) }
  }

  func putArtifact(run: Int64, _ artifact: FoundArtifact) async throws {
    try await refusing {
      let file = try PieceReader(artifact.file)
      _ = try await client.putArtifact(
        run: String(run), path: artifact.path, mediaType: MediaType.of(artifact.path)
      ) { try file.next() }
    }
  }

  func end(run: Int64, _ status: RunStatus, at time: Timestamp?) async throws {
    try await refusing {
      _ = try await client.endRun(String(run), EndRun(status: status, endedAt: time))
    }
  }

  /// Tells what the daemon does not take from what went wrong on the way.
  private func refusing<Result>(_ body: () async throws -> Result) async throws -> Result {
    do {
      return try await body()
    } catch ClientError.api(let body, let status) where [400, 409, 413, 422].contains(status) {
      throw Refusal(why: body.message)
    } catch let error as CheckpointError {
      throw Refusal(why: error.message)
    } catch let error as CommandError {
      // the file: it has gone, or may not be read
      throw Refusal(why: error.message)
    }
  }
}

/// Takes nothing and says what would be done; only what is there already is asked for.
struct DrySink: RunSink {
  let client: AssayClient

  func find(_ uid: Identifier) async throws -> Run? {
    try await ClientSink(client: client).find(uid)
  }

  func open(_ run: FoundRun) async throws -> Run {
    Run(
      id: 0, uid: run.uid, name: run.name ?? "", experiment: run.experiment, jobId: nil,
      parentId: nil, status: .running, seed: nil,
      createdAt: run.createdAt ?? Timestamp(microseconds: 0), tags: run.tags, params: run.params)
  }

  func addParams(run: Int64, _ params: [String: String]) async throws {}
  func setTags(run: Int64, _ tags: [String: String], note: String?) async throws {}
  func append(run: Int64, _ series: [PointSeries]) async throws {}
  func putArtifact(run: Int64, _ artifact: FoundArtifact) async throws {}
  func end(run: Int64, _ status: RunStatus, at time: Timestamp?) async throws {}
}
