// Writes runs into an archive: first a line for each, then their points and content, each checked
// against what its run says. One series or one piece of a file is in memory at a time.

import Archives
import Client
import Experiments
import Foundation
import Wire

/// Kinds of content that an export may leave out.
enum ArchivePart: String, CaseIterable {
  case checkpoints, artifacts, logs
}

struct ArchiveExport {
  let client: AssayClient
  let runs: [Int64]
  let without: Set<ArchivePart>
  let path: String
  let isReplacing: Bool
  let line: TransferLine

  /// What is still to be written of a run whose line is.
  private struct Rest {
    var id: Int64
    var uid: Identifier
    /// How many points each series has.
    var counts: [String: Int64]
    var checkpoints: [ArchiveCheckpoint]
    var artifacts: [ArchiveArtifact]
  }

  func run() async throws -> AboutArchive {
    let now = Moments.now()
    var about = AboutArchive(
      madeBy: "assay \(AssayVersion.text)", madeAt: now,
      without: without.map(\.rawValue).sorted())
    let writer = try ArchiveWriter(path: path, madeAt: now, replacing: isReplacing)
    let rests = try await writeRuns(writer, &about)
    for (index, rest) in rests.enumerated() {
      line.show(index, of: rests.count, bytes: writer.size)
      try await writeMetrics(rest, writer, &about)
      if !without.contains(.logs) { try await writeLog(rest, writer) }
      for checkpoint in rest.checkpoints {
        try await write(checkpoint, of: rest, writer)
        line.show(index, of: rests.count, bytes: writer.size)
      }
      for artifact in rest.artifacts {
        try await write(artifact, of: rest, writer)
        line.show(index, of: rests.count, bytes: writer.size)
      }
    }
    try writer.finish(about)
    return about
  }

  private func writeRuns(
    _ writer: ArchiveWriter, _ about: inout AboutArchive
  ) async throws -> [Rest] {
    var rests: [Rest] = []
    let encoder = WireCoding.encoder()
    try writer.begin(ArchiveLayout.runs)
    for id in runs {
      var run = try await client.archiveRun(String(id))
      if without.contains(.checkpoints) { run.checkpoints = [] }
      if without.contains(.artifacts) { run.artifacts = [] }
      try writer.writeLine(String(decoding: try encoder.encode(run), as: UTF8.self))
      about.runs += 1
      about.checkpoints += run.checkpoints.count
      about.artifacts += run.artifacts.count
      rests.append(
        Rest(
          id: id, uid: run.uid, counts: run.metrics.mapValues(\.count),
          checkpoints: run.checkpoints,
          artifacts: run.artifacts))
      line.show(rests.count, of: runs.count, bytes: writer.size)
    }
    try writer.end()
    return rests
  }

  private func writeMetrics(
    _ rest: Rest, _ writer: ArchiveWriter, _ about: inout AboutArchive
  ) async throws {
    guard !rest.counts.isEmpty else { return }
    try writer.begin(ArchiveLayout.metrics(rest.uid))
    for (key, count) in rest.counts.sorted(by: { $0.key < $1.key }) {
      let history = try await client.history(String(rest.id), key: key)
      if Int64(history.steps.count) != count { throw changed("metric \(key)", rest) }
      let hasEpochs = history.epochs.contains { $0 != nil }
      for start in stride(from: 0, to: history.steps.count, by: SeriesLine.points) {
        let range = start..<min(history.steps.count, start + SeriesLine.points)
        let piece = SeriesLine(
          key: key, steps: Array(history.steps[range]),
          times: history.times[range].map(\.microseconds), values: Array(history.values[range]),
          epochs: hasEpochs ? Array(history.epochs[range]) : nil)
        try writer.writeLine(piece.text)
      }
      about.points += Int64(history.steps.count)
    }
    try writer.end()
  }

  private func writeLog(_ rest: Rest, _ writer: ArchiveWriter) async throws {
    var offset: Int64 = 0
    try writer.begin(ArchiveLayout.log(rest.uid))
    while true {
      let page = try await client.log(
        String(rest.id), offset: offset, limit: Limits.logPieceBytes)
      try writer.write(Array(page.text.utf8))
      guard page.next > offset else { break }
      offset = page.next
    }
    if offset == 0 { try writer.drop() } else { try writer.end() }
  }

  private func write(
    _ checkpoint: ArchiveCheckpoint, of rest: Rest, _ writer: ArchiveWriter
  ) async throws {
    let name = ArchiveLayout.checkpoint(rest.uid, checkpoint)
    try writer.begin(name)
    try await client.checkpointPieces(
      String(rest.id), .epoch(checkpoint.epoch), restart: writer.restart,
      write: { try writer.write($0) })
    try check(
      try writer.end(), checkpoint.sha256, "the checkpoint of epoch \(checkpoint.epoch)", rest)
  }

  private func write(
    _ artifact: ArchiveArtifact, of rest: Rest, _ writer: ArchiveWriter
  ) async throws {
    try writer.begin(ArchiveLayout.artifact(rest.uid, path: artifact.path))
    try await client.artifactPieces(
      String(rest.id), path: artifact.path, restart: writer.restart,
      write: { try writer.write($0) })
    try check(try writer.end(), artifact.sha256, "artifact \"\(artifact.path)\"", rest)
  }

  private func check(_ found: String, _ expected: String, _ what: String, _ rest: Rest) throws {
    if found != expected { throw changed(what, rest) }
  }

  private func changed(_ what: String, _ rest: Rest) -> CommandError {
    .badArgument(
      "\(what) of run \(rest.id) has changed while it was exported",
      hint: "export it again when nothing writes to the run")
  }
}
