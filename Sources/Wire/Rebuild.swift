// What `assay checkpoint export` and the worker that trains an epoch again tell each other, as files.

package import Experiments

package struct RebuildOrder: Codable, Sendable {
  /// Of the run's job, with all defaults.
  package var spec: JSONValue
  package var epoch: Int
  /// A safetensors file with the whole state of an earlier epoch; nil: begin at the beginning.
  package var state: String?
  package var datasetSha256: String?
  /// Where the whole state goes, as a safetensors file.
  package var output: String

  package init(
    spec: JSONValue, epoch: Int, state: String?, datasetSha256: String?, output: String
  ) {
    self.spec = spec
    self.epoch = epoch
    self.state = state
    self.datasetSha256 = datasetSha256
    self.output = output
  }
}

package struct RebuildResult: Codable, Sendable {
  /// Why there is no file.
  package var failure: Failure?
  package var content: ContentSummary?
  /// The numerics of this training, and of the state that it began with.
  package var numerics: String?
  package var stateNumerics: String?

  package init(
    failure: Failure? = nil, content: ContentSummary? = nil, numerics: String? = nil,
    stateNumerics: String? = nil
  ) {
    self.failure = failure
    self.content = content
    self.numerics = numerics
    self.stateNumerics = stateNumerics
  }
}
