// Something that runs can be read from. Reading never writes to the source, and holds only a piece
// of it in memory.

package import Experiments

package protocol ImportSource: Sendable {
  /// How much there is to read, for a progress bar: bytes or points, whatever is known at once.
  func total() throws(ImportError) -> Int64

  /// Reads everything and hands it over piece by piece. `emit` may block, and what it throws ends
  /// the reading.
  /// - Parameter known: the signature that a run was imported whole with; the reader passes over
  ///   the points and files of a run that still has it.
  func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws
}

/// What is common to all sources.
package struct ImportOptions: Sendable {
  /// All runs go there; nil: where the source says.
  package var experiment: String?
  /// Names the source in place of its path, so that it is the same after it has moved.
  package var name: String?

  package init(experiment: String? = nil, name: String? = nil) {
    self.experiment = experiment
    self.name = name
  }
}
