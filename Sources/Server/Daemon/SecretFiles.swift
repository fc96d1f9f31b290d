// The values of jobs' secret variables: one file per job (0600) in a folder of its own (0700), from
// before the job is queued until it has ended. They are in no database, no backup, no answer.

import Experiments
import Foundation
import Jobs
import Store

struct SecretFiles: Sendable {
  private let folder: String

  init(dataFolder: String) { folder = dataFolder + "/secrets" }

  /// Durable: a job that is acknowledged has its secrets.
  func keep(_ values: [String: String], of job: Identifier) throws {
    if mkdir(folder, 0o700) != 0, errno != EEXIST {
      throw ServerError.folder(path: folder, reason: String(cString: strerror(errno)))
    }
    try DurableFile().replace(path(job), with: try JSONEncoder().encode(values))
  }

  /// Nil if the job has none.
  func values(of job: Identifier) throws -> [String: String]? {
    guard let bytes = try DurableFile().read(path(job)) else { return nil }
    return try JSONDecoder().decode([String: String].self, from: Data(bytes))
  }

  /// Removes those of jobs that have ended, or were never queued.
  func removeOld(_ store: Store) async throws {
    guard FileManager.default.fileExists(atPath: folder) else { return }
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let path = folder + "/" + name
      guard let job = Identifier(name) else { continue }
      let isOld: Bool
      if let state = try await store.jobState(uid: job) {
        isOld = state.isFinal
      } else {
        // It may be about to be queued.
        let made = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
        isOld = (made as? Date).map { $0.timeIntervalSinceNow < -3_600 } ?? false
      }
      if isOld { try FileManager.default.removeItem(atPath: path) }
    }
  }

  private func path(_ job: Identifier) -> String { folder + "/" + job.text }
}
