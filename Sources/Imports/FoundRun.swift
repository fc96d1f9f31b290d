// What every reader gives of the runs it finds, whatever they were recorded with: runs, their points
// as columns, and files by their path.

package import Experiments

/// A run as it begins; what else there is of it follows as further items.
package struct FoundRun: Sendable, Equatable {
  /// The same whenever the same source is read: MLflow's own id, or made of the source's identity.
  package var uid: Identifier
  /// Nil: Assay gives it one.
  package var name: String?
  package var experiment: String
  package var createdAt: Timestamp?
  package var startedAt: Timestamp?
  package var params: [String: String] = [:]
  package var tags: [String: String] = [:]
  package var note: String?
  package var parent: Identifier?
  /// Changes when something of the run changes in its source, so that what has been imported whole
  /// need not be sent again.
  package var signature: String

  package init(uid: Identifier, name: String?, experiment: String, signature: String) {
    self.uid = uid
    self.name = name
    self.experiment = experiment
    self.signature = signature
  }
}

extension PointSeries {
  /// Stands in `times` for the time that a source does not have.
  package static let noTime = Int64.min
}

/// A file that belongs to a run.
package struct FoundArtifact: Sendable, Equatable {
  /// Relative to the run, `/` between its parts.
  package var path: String
  /// Where it lies on this machine.
  package var file: String
  package var bytes: Int64

  package init(path: String, file: String, bytes: Int64) {
    self.path = path
    self.file = file
    self.bytes = bytes
  }
}

/// Something that is not imported, and the reason.
package struct Skipped: Codable, Sendable, Equatable {
  package var what: String
  package var why: String
  /// The run that is not whole for want of it: something that may be readable another time.
  package var missingIn: Identifier?

  package init(_ what: String, why: String, missingIn run: Identifier? = nil) {
    self.what = what
    self.why = why
    missingIn = run
  }

  private enum CodingKeys: String, CodingKey { case what, why }
}

/// What a reader comes upon, in order. The items of several runs may alternate, but `run` comes
/// before all others of its run, `end` after them, and a parent before its children.
package enum ImportItem: Sendable {
  case run(FoundRun)
  case params(Identifier, [String: String])
  case tags(Identifier, [String: String])
  case points(Identifier, [PointSeries])
  case artifact(Identifier, FoundArtifact)
  /// Nothing more of the run is there. `running`: it may go on, so it is left open.
  case end(Identifier, RunStatus, at: Timestamp?)
  case skipped(Skipped)
  /// How far the reader is, in `ImportSource.total`'s units.
  case progress(Int64)
}
