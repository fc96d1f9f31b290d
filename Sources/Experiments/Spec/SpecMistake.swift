// What is wrong with a job spec: all of it at once, each with its place.

package struct SpecMistake: Sendable, Equatable, Codable {
  /// Dotted path of the field, e.g. `model.1.units`; empty for the spec as a whole.
  package let path: String
  /// What is wrong, with the value, what is allowed and, for a misspelt name, the nearest one.
  package let message: String

  package init(path: String, message: String) {
    self.path = path
    self.message = message
  }
}

package struct SpecMistakes: Error, Sendable, Equatable {
  package let mistakes: [SpecMistake]

  package init(_ mistakes: [SpecMistake]) { self.mistakes = mistakes }
}
