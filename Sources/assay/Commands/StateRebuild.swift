// Has the worker's program compute the state of an epoch again, and compares its hash with the one
// that was recorded when the run trained.

import Client
import Experiments
import Foundation
import Wire

struct StateRebuild {
  let client: AssayClient
  let run: Run
  /// What is kept of the run.
  let kept: [Checkpoint]
  let epoch: Int

  /// Writes the whole state to a file, or to standard output for `-`; it appears whole and as it
  /// was recorded, or not at all.
  func write(to file: String) async throws -> ContentSummary {
    let detail = try await client.detail(String(run.id))
    let recorded = try await recordedHash()
    guard let spec = detail.spec else {
      throw CommandError.badArgument(
        "run \(run.id) was not trained by a job, so it cannot be trained again",
        hint: "what is kept of it: assay checkpoint list \(run.id)")
    }
    let folder = FileManager.default.temporaryDirectory.path + "/assay-rebuild-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }  // only temporary files
    let partial = file == "-" ? folder + "/output" : file + ".partial-\(getpid())"
    defer { unlink(partial) }

    let start = kept.last { $0.kind == .checkpoint && $0.epoch < epoch }
    var order = RebuildOrder(
      spec: spec, epoch: epoch, state: nil, datasetSha256: run.dataset?.sha256, output: partial)
    if let start {
      let state = folder + "/state.safetensors"
      try await client.checkpointFile(String(run.id), .epoch(start.epoch), to: state)
      order.state = state
    }
    Terminal.complain(
      "epoch \(epoch) was not kept whole; training again from "
        + (start.map { "epoch \($0.epoch)" } ?? "the beginning"))
    let result = try await train(order, in: folder)
    if let failure = result.failure {
      throw CommandError.answered(ErrorBody(code: failure.code, message: failure.message))
    }
    guard let content = result.content, content.sha256 == recorded.sha256 else {
      throw differs(result, recorded, detail)
    }
    if file == "-" {
      Terminal.write([UInt8](try Data(contentsOf: URL(fileURLWithPath: partial))))
    } else {
      try moveInto(place: file, from: partial)
    }
    return content
  }

  private func recordedHash() async throws -> EpochHash {
    let all = try await client.epochHashes(String(run.id)).items
    if let hash = all.first(where: { $0.epoch == epoch }) { return hash }
    throw CommandError.badArgument(
      "run \(run.id) has no record of epoch \(epoch)",
      hint: all.isEmpty
        ? "it recorded none; it may be older than such records, or not of a training"
        : "it has \(NumberList.text("epoch", all.map { Int64($0.epoch) }))")
  }

  private func train(_ order: RebuildOrder, in folder: String) async throws -> RebuildResult {
    let orderFile = folder + "/order.json"
    try WireCoding.encoder().encode(order).write(to: URL(fileURLWithPath: orderFile))
    let process = Process()
    process.executableURL = Self.worker
    process.arguments = ["rebuild", orderFile]
    var environment = ProcessInfo.processInfo.environment
    // The threads are part of the numerics, and OpenBLAS makes its own when it is loaded.
    if case .train(let train)? = try? JobSpec.parse(order.spec).work {
      environment["OPENBLAS_NUM_THREADS"] = String(train.threads)
    }
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.standardError
    do {
      try await withCheckedThrowingContinuation {
        (ended: CheckedContinuation<Void, any Error>) in
        process.terminationHandler = { _ in ended.resume() }
        do { try process.run() } catch { ended.resume(throwing: error) }
      }
    } catch {
      throw CommandError.unreadable(
        path: Self.worker.path, reason: "it cannot be started: \(error.localizedDescription)")
    }
    guard let data = FileManager.default.contents(atPath: orderFile + ".result") else {
      throw CommandError.badArgument(
        "the training ended with status \(process.terminationStatus) and without a result",
        hint: nil)
    }
    return try WireCoding.decoder().decode(RebuildResult.self, from: data)
  }

  /// Beside this program.
  private static var worker: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("assay-worker")
  }

  /// With the numerics of both, which are part of a state: where they differ, so do the hashes.
  private func differs(
    _ result: RebuildResult, _ recorded: EpochHash, _ detail: RunDetail
  ) -> CommandError {
    let environment = detail.attempts.last?.environment
    let there =
      result.stateNumerics
      ?? environment.map { environment in
        "OpenBLAS " + (environment.versions["openblas"] ?? "unknown") + " on " + environment.cpu
      } ?? "unknown"
    let here = result.numerics ?? "unknown"
    return .answered(
      ErrorBody(
        code: "rebuild_differs",
        message:
          "epoch \(epoch) of run \(run.id) comes out as SHA-256 \(result.content?.sha256 ?? "none") "
          + "where \(recorded.sha256) was recorded; numerics then: \(there); now: \(here)",
        hint: there == here
          ? "the programs or the spec's meaning have changed since; nothing was written"
          : "train again on a machine with the same numerics; nothing was written"))
  }

  private func moveInto(place file: String, from partial: String) throws {
    let descriptor = open(partial, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.fileError(partial) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0, rename(partial, file) == 0 else { throw Self.fileError(file) }
  }

  private static func fileError(_ path: String) -> CommandError {
    CommandError(ClientError.file(path: path, reason: String(cString: strerror(errno))))
  }
}
