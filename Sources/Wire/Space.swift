// What is asked about the space that the store takes. (Its answers are records of `Experiments`.)

/// `PATCH /api/v1/experiments/{name}`; the answer is `ResolvedRuns`: those that are deleted now, or
/// back.
package struct ExperimentChange: Codable, Sendable {
  /// True deletes it with its runs (undoable), false brings back those that were deleted with it.
  package var deleted: Bool

  package init(deleted: Bool) { self.deleted = deleted }
}
