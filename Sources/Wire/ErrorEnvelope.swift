// What every failed request answers: `{"error": {"code": …, "message": …}}`. Codes are stable.

package import Experiments

package struct ErrorEnvelope: Codable, Sendable {
  package var error: ErrorBody

  package init(_ error: ErrorBody) { self.error = error }
}

package struct ErrorBody: Codable, Sendable, Error, Equatable {
  package var code: String
  package var message: String
  /// What to do about it.
  package var hint: String?
  /// The field of the request that is wrong.
  package var field: String?
  /// All that is wrong with a job spec.
  package var mistakes: [SpecMistake]?
  /// What the daemon's log calls the request.
  package var requestId: String?

  package init(
    code: String, message: String, hint: String? = nil, field: String? = nil,
    mistakes: [SpecMistake]? = nil
  ) {
    self.code = code
    self.message = message
    self.hint = hint
    self.field = field
    self.mistakes = mistakes
  }
}
