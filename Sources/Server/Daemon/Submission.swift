// Checks what is submitted before anything is queued: the spec itself, the file it names and the
// run it evaluates. All mistakes of a spec are reported at once.

import Experiments
import Foundation
import Glibc
import Store
import Wire

struct Submission: Sendable {
  private let store: Store
  private let workshop: Workshop
  /// Nil: what a job wants is not looked at.
  private let resources: Resources?

  init(_ core: Core) {
    store = core.store
    workshop = core.workshop
    resources = core.supervisor.resources
  }

  init(store: Store, workshop: Workshop) {
    self.store = store
    self.workshop = workshop
    resources = nil
  }

  func newJobs(_ request: SubmitRequest) async throws -> [Store.NewJob] {
    guard !request.jobs.isEmpty else {
      throw ServerError.badJSON(field: "jobs", reason: "it is empty")
    }
    guard request.jobs.count <= Limits.jobsPerSubmission else {
      throw ServerError.limitExceeded(
        field: "jobs", value: request.jobs.count, limit: Limits.jobsPerSubmission)
    }
    var seen = Seen()
    var jobs: [Store.NewJob] = []
    for (index, job) in request.jobs.enumerated() {
      do {
        let spec = try await checked(job.spec, &seen)
        jobs.append(
          Store.NewJob(
            uid: job.uid, spec: spec.located(in: request.context.directory),
            context: request.context, scheduleId: nil, dueAt: nil))
      } catch let error as SpecMistakes where index > 0 {
        throw SpecMistakes(
          error.mistakes.map {
            SpecMistake(path: "jobs.\(index).\($0.path)", message: $0.message)
          })
      }
    }
    return jobs
  }

  /// The spec if it can be run as things are now.
  func checked(_ json: JSONValue) async throws -> JobSpec {
    var seen = Seen()
    return try await checked(json, &seen)
  }

  /// What was looked at already: the jobs of one submission mostly share their dataset.
  private struct Seen {
    var datasets: [CSVDataset] = []
    var checkpoints: [String] = []
  }

  private func checked(_ json: JSONValue, _ seen: inout Seen) async throws -> JobSpec {
    let spec = try await workshop.run {
      let bytes = json.canonicalText.utf8.count
      guard bytes <= Limits.specBytes else {
        throw ServerError.limitExceeded(field: "spec", value: bytes, limit: Limits.specBytes)
      }
      return try JobSpec.parse(json)
    }
    try resources?.require(spec.policy.resources)
    switch spec.work {
    case .command: break
    case .train(let train):
      if case .csv(let dataset) = train.dataset { try await look(at: dataset, &seen) }
    case .evaluate(let evaluate):
      try await look(at: evaluate.dataset, &seen)
      try await look(for: evaluate, &seen)
    }
    return spec
  }

  private func look(at dataset: CSVDataset, _ seen: inout Seen) async throws {
    guard !seen.datasets.contains(dataset) else { return }
    let mistakes = try await workshop.run { try CSVFile(dataset).mistakes() }
    guard mistakes.isEmpty else { throw SpecMistakes(mistakes) }
    seen.datasets.append(dataset)
  }

  private func look(for evaluate: EvaluateSpec, _ seen: inout Seen) async throws {
    let key = "\(evaluate.run) \(evaluate.checkpoint)"
    guard !seen.checkpoints.contains(key) else { return }
    _ = try await store.run(evaluate.run)
    let checkpoints = try await store.checkpoints(run: evaluate.run)
    let isThere =
      switch evaluate.checkpoint {
      case .best, .latest: !checkpoints.isEmpty
      case .epoch(let epoch): checkpoints.contains { $0.epoch == epoch }
      }
    guard isThere else {
      throw StoreError.checkpointNotFound(
        run: evaluate.run, choice: evaluate.checkpoint.description)
    }
    seen.checkpoints.append(key)
  }
}

extension JobSpec {
  /// A command that names no directory runs where it was submitted.
  fileprivate func located(in directory: String) -> JobSpec {
    guard case .command(var command) = work, command.directory.isEmpty else { return self }
    command.directory = directory.hasPrefix("/") ? directory : "/"
    var spec = self
    spec.work = .command(command)
    return spec
  }
}

/// A dataset's file as far as its header.
private struct CSVFile {
  private let dataset: CSVDataset
  /// A header of as many columns as there may be, with long names.
  private static let headerBytes = 8 << 20

  init(_ dataset: CSVDataset) { self.dataset = dataset }

  func mistakes() throws -> [SpecMistake] {
    guard dataset.path.hasPrefix("/") else {
      return [mistake("\"\(dataset.path)\" is not absolute")]
    }
    let descriptor = open(dataset.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      return [mistake("\(dataset.path) cannot be read: \(String(cString: strerror(errno)))")]
    }
    defer { close(descriptor) }
    // Also refuses what has no size, such as a pipe.
    let size = lseek(descriptor, 0, SEEK_END)
    guard size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      return [mistake("\(dataset.path) is not a file")]
    }
    guard Int64(size) <= Limits.csvBytes else {
      return [mistake("\(dataset.path) has \(size) bytes; the limit is \(Limits.csvBytes)")]
    }
    do {
      return CSVHeader.mistakes(in: dataset, beginning: try beginning(descriptor))
    } catch let error as SpecMistakes {
      return error.mistakes
    }
  }

  private func beginning(_ descriptor: Int32) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < Self.headerBytes {
      let count = read(descriptor, &piece, piece.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw SpecMistakes([
          mistake("\(dataset.path) cannot be read: \(String(cString: strerror(errno)))")
        ])
      }
      bytes.append(contentsOf: piece[..<count])
      // The header is mostly the first line of the first piece.
      if count == 0 || bytes.contains(UInt8(ascii: "\n")) && !opensQuote(bytes) { break }
    }
    return bytes
  }

  /// Whether the first line ends inside quotes, so that the header goes on in the next one.
  private func opensQuote(_ bytes: [UInt8]) -> Bool {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return false }
    guard let first = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return false }
    let quotes = bytes[..<first].count { $0 == UInt8(ascii: "\"") }
    return !quotes.isMultiple(of: 2) && end == first
  }

  private func mistake(_ message: String) -> SpecMistake {
    SpecMistake(path: "dataset.path", message: message)
  }
}
