// The names of an archive's members, and what stands in the first of them. The format is described
// in docs/archive.md.

package import Experiments

package enum ArchiveLayout {
  /// Of the format. It changes when an older Assay could not read an archive rightly any more.
  package static let version = 1
  package static let format = "assay-archive"

  package static let about = "assay-archive.json"
  package static let runs = "runs.jsonl"
  package static let sums = "SHA256SUMS"

  package static func metrics(_ run: Identifier) -> String { "metrics/\(run).jsonl" }
  package static func log(_ run: Identifier) -> String { "logs/\(run).log" }
  package static func artifact(_ run: Identifier, path: String) -> String {
    "artifacts/\(run)/\(path)"
  }
  package static func checkpoint(_ run: Identifier, _ checkpoint: ArchiveCheckpoint) -> String {
    let prefix = checkpoint.kind == "snapshot" ? "snapshot" : "epoch"
    return "checkpoints/\(run)/\(prefix)-\(checkpoint.epoch).safetensors"
  }
}

/// What comes from an archive has limits, as all that comes from outside.
package enum ArchiveLimits {
  package static let members = 2_000_000
  package static let memberNameBytes = 4_096
  package static let aboutBytes: Int64 = 64 << 10
  package static let sumsBytes: Int64 = 1 << 30
  /// A line of runs.jsonl, and one of a metrics member.
  package static let lineBytes = 16 << 20
  /// Points of one line.
  package static let linePoints = 100_000
}

/// `assay-archive.json`.
package struct AboutArchive: Codable, Sendable, Equatable {
  package var format: String
  package var version: Int
  /// The Assay that wrote it.
  package var madeBy: String
  package var madeAt: Timestamp
  package var runs: Int
  package var points: Int64
  package var checkpoints: Int
  package var artifacts: Int
  /// Kinds of content that were left out.
  package var without: [String]

  package init(
    madeBy: String, madeAt: Timestamp, runs: Int = 0, points: Int64 = 0, checkpoints: Int = 0,
    artifacts: Int = 0, without: [String] = []
  ) {
    format = ArchiveLayout.format
    version = ArchiveLayout.version
    self.madeBy = madeBy
    self.madeAt = madeAt
    self.runs = runs
    self.points = points
    self.checkpoints = checkpoints
    self.artifacts = artifacts
    self.without = without
  }

  /// Read before anything else, so that a newer archive is told from a damaged one.
  struct Version: Codable {
    var format: String
    var version: Int
  }
}
