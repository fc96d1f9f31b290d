// Brings the runs of an archive into this store. Everything is verified before the first write; every
// write may be repeated, so an import that was interrupted is simply begun again: what is there is
// found there, and skipped.

import Archives
import Checkpoints
import Client
import Experiments
import Wire

struct ArchiveImport {
  let client: AssayClient
  let path: String
  /// In place of the runs' own.
  let experiment: String?
  let line: TransferLine

  /// Points in one request, about.
  private static let pointsTogether = 10_000

  func run() async throws -> ArchiveImportReport {
    let reader = try ArchiveReader(path: path)
    let all = reader.members.values.reduce(Int64(0)) { $0 + $1.size }
    var verified: Int64 = 0
    try reader.verify { count in
      verified += count
      line.show(
        Int(verified * 100 / max(1, all)), of: 100, unit: "% verified", bytes: verified)
    }
    try checkRuns(reader)
    var report = ArchiveImportReport()
    var lines = reader.lines(of: try reader.member(ArchiveLayout.runs), as: ArchiveRun.self)
    var bytes: Int64 = 0
    while let record = try lines.next() {
      line.show(report.items.count, of: reader.about.runs, bytes: bytes)
      try await bring(record, line: lines.number, reader, &report)
      bytes +=
        record.checkpoints.reduce(0) { $0 + $1.bytes }
        + record.artifacts.reduce(0) { $0 + $1.bytes }
    }
    return report
  }

  /// That every line can be read and all that it speaks of is there, before anything is written.
  private func checkRuns(_ reader: ArchiveReader) throws {
    var lines = reader.lines(of: try reader.member(ArchiveLayout.runs), as: ArchiveRun.self)
    var seen: Set<Identifier> = []
    while let run = try lines.next() {
      func invalid(_ reason: String) -> ArchiveError {
        .content(member: ArchiveLayout.runs, line: lines.number, reason: reason)
      }
      guard seen.insert(run.uid).inserted else {
        throw invalid("run \(run.uid) stands there twice")
      }
      guard run.status.isFinal else { throw invalid("run \(run.uid) is \(run.status.rawValue)") }
      for checkpoint in run.checkpoints {
        try check(
          ArchiveLayout.checkpoint(run.uid, checkpoint), sha256: checkpoint.sha256,
          bytes: checkpoint.bytes, limit: Limits.checkpointBytes, reader, invalid)
      }
      for artifact in run.artifacts {
        try ArtifactPath.validate(artifact.path)
        try check(
          ArchiveLayout.artifact(run.uid, path: artifact.path), sha256: artifact.sha256,
          bytes: artifact.bytes, limit: Limits.artifactBytes, reader, invalid)
      }
      if !run.metrics.isEmpty { _ = try reader.member(ArchiveLayout.metrics(run.uid)) }
    }
    guard seen.count == reader.about.runs else {
      throw ArchiveError.content(
        member: ArchiveLayout.runs, line: nil,
        reason: "it has \(seen.count) runs where \(ArchiveLayout.about) says \(reader.about.runs)")
    }
  }

  private func check(
    _ name: String, sha256: String, bytes: Int64, limit: Int64, _ reader: ArchiveReader,
    _ invalid: (String) -> ArchiveError
  ) throws {
    let member = try reader.member(name)
    guard member.size <= limit else {
      throw ArchiveError.limit(member: name, what: "bytes", value: member.size, limit: limit)
    }
    guard member.size == bytes, reader.sums[name] == sha256 else {
      throw invalid("\(name) is not the content that it speaks of")
    }
  }

  private func bring(
    _ record: ArchiveRun, line: Int, _ reader: ArchiveReader, _ report: inout ArchiveImportReport
  ) async throws {
    var run = record
    if let experiment { run.experiment = experiment }
    let imported: ImportedRun
    do {
      imported = try await client.importRun(run)
    } catch let error as ClientError where Self.isRefusal(error) {
      throw ArchiveError.content(member: ArchiveLayout.runs, line: line, reason: error.message)
    }
    var outcome = imported.outcome.rawValue
    if imported.outcome == .created || imported.outcome == .known {
      let hasAdded = try await complete(imported.run, record, reader, &report)
      if imported.outcome == .known { outcome = hasAdded ? "completed" : "unchanged" }
    }
    report.items.append(
      ArchiveImportReport.Item(uid: run.uid.text, runId: imported.run.id, outcome: outcome))
  }

  /// Whether the daemon does not take what it was given, whatever one tries.
  private static func isRefusal(_ error: ClientError) -> Bool {
    ["invalid_value", "limit_exceeded", "bad_json", "bad_points"].contains(error.code)
  }

  /// Adds what the run lacks of what the archive has. Metrics first: they tell which checkpoints its
  /// policy keeps.
  /// - Returns: whether it lacked anything.
  private func complete(
    _ run: Run, _ record: ArchiveRun, _ reader: ArchiveReader,
    _ report: inout ArchiveImportReport
  ) async throws -> Bool {
    let before = (report.points, report.checkpoints, report.artifacts)
    let name = String(run.id)
    try await addPoints(run, record, reader, &report)
    if !record.checkpoints.isEmpty {
      let known = Set(
        try await client.archiveRun(name).checkpoints.map { "\($0.epoch) \($0.sha256)" })
      for checkpoint in record.checkpoints.sorted(by: { $0.epoch < $1.epoch })
      where !known.contains("\(checkpoint.epoch) \(checkpoint.sha256)") {
        let member = try reader.member(ArchiveLayout.checkpoint(record.uid, checkpoint))
        try await add(checkpoint, member, to: name, reader)
        report.checkpoints += 1
      }
    }
    try await addArtifacts(name, record, reader, &report)
    return before != (report.points, report.checkpoints, report.artifacts)
  }

  private func add(
    _ checkpoint: ArchiveCheckpoint, _ member: ArchiveMember, to run: String,
    _ reader: ArchiveReader
  ) async throws {
    let made: Checkpoint
    do {
      made = try await client.putCheckpoint(
        run: run, kind: CheckpointKind(rawValue: checkpoint.kind) ?? .checkpoint,
        epoch: checkpoint.epoch, step: checkpoint.step,
        file: try reader.bytes(of: member, atMost: Limits.checkpointBytes))
    } catch let error as CheckpointError {
      throw ArchiveError.content(member: member.name, line: nil, reason: error.message)
    }
    guard made.sha256 == checkpoint.sha256 else {
      throw ArchiveError.content(
        member: member.name, line: nil,
        reason: "it is no safetensors file as Assay writes them")
    }
  }

  private func addArtifacts(
    _ run: String, _ record: ArchiveRun, _ reader: ArchiveReader,
    _ report: inout ArchiveImportReport
  ) async throws {
    var artifacts = record.artifacts.map {
      ($0, ArchiveLayout.artifact(record.uid, path: $0.path))
    }
    // A log belongs to an attempt, which an imported run has none of: it is kept as a file.
    let log = ArchiveLayout.log(record.uid)
    if let member = reader.members[log], let sha256 = reader.sums[log] {
      let isTaken = record.artifacts.contains { $0.path == Self.logPath }
      artifacts.append(
        (
          ArchiveArtifact(
            path: isTaken ? "assay-log.txt" : Self.logPath, mediaType: "text/plain", sha256: sha256,
            bytes: member.size), log
        ))
    }
    guard !artifacts.isEmpty else { return }
    let known = Set(try await client.artifacts(run).items.map { "\($0.sha256) \($0.path)" })
    for (artifact, name) in artifacts where !known.contains("\(artifact.sha256) \(artifact.path)") {
      var pieces = reader.pieces(of: try reader.member(name))
      try await client.putArtifact(
        run: run, path: artifact.path, mediaType: artifact.mediaType, read: { try pieces.next() })
      report.artifacts += 1
    }
  }

  private static let logPath = "log.txt"

  private func addPoints(
    _ run: Run, _ record: ArchiveRun, _ reader: ArchiveReader,
    _ report: inout ArchiveImportReport
  ) async throws {
    let lacking = Set(record.metrics.filter { !isWhole(run.metrics[$0.key], $0.value) }.keys)
    guard !lacking.isEmpty else { return }
    let member = try reader.member(ArchiveLayout.metrics(record.uid))
    var lines = reader.lines(of: member, as: SeriesLine.self)
    var waiting = PointsBody([])
    var sent: [String: Int64] = [:]
    while let line = try lines.next() {
      if let mistake = line.mistake {
        throw ArchiveError.content(member: member.name, line: lines.number, reason: mistake)
      }
      guard lacking.contains(line.key) else { continue }
      sent[line.key, default: 0] += Int64(line.steps.count)
      for start in stride(from: 0, to: line.steps.count, by: Self.pointsTogether) {
        waiting.series.append(
          line.series(start..<min(line.steps.count, start + Self.pointsTogether)))
        if waiting.count >= Self.pointsTogether {
          try await send(waiting, to: run, member, line: lines.number)
          waiting.series.removeAll()
        }
      }
    }
    try await send(waiting, to: run, member, line: lines.number)
    report.points += sent.values.reduce(0, +)
    try await checkCounts(of: lacking, sent, run, record, member)
  }

  private func send(
    _ points: PointsBody, to run: Run, _ member: ArchiveMember, line: Int
  ) async throws {
    guard points.count > 0 else { return }
    do {
      try await client.appendMetrics(run: String(run.id), points)
    } catch let error as ClientError where Self.isRefusal(error) {
      throw ArchiveError.content(
        member: member.name, line: line, reason: "up to here: \(error.message)")
    }
  }

  /// Of each series the archive must have as many points as its run says, and the run here at least
  /// those: somebody may have added more.
  private func checkCounts(
    of keys: Set<String>, _ sent: [String: Int64], _ run: Run, _ record: ArchiveRun,
    _ member: ArchiveMember
  ) async throws {
    let here = try await client.run(String(run.id)).metrics
    for key in keys.sorted() {
      let (there, came) = (record.metrics[key]?.count ?? 0, sent[key] ?? 0)
      let found = here[key]?.count ?? 0
      guard there == came, found >= there else {
        throw ArchiveError.content(
          member: member.name, line: nil,
          reason: "it has \(came) points of \"\(key.prefix(120))\" where its run says \(there); "
            + "\(found) are in run \(run.id) now")
      }
    }
  }

  /// Whether a series has all its points: sums are left out, which depend on the order of addition.
  private func isWhole(_ here: MetricSummary?, _ there: MetricSummary) -> Bool {
    guard let here else { return false }
    func same(_ a: Double, _ b: Double) -> Bool { a == b || a.isNaN && b.isNaN }
    return here.count == there.count && here.lastStep == there.lastStep
      && same(here.last, there.last) && same(here.min, there.min) && same(here.max, there.max)
  }
}
