// What else is not the same on both sides of a comparison: params and covariates, the first
// suspects when a result has changed.

import Experiments

enum Differences {
  /// Runs that differ in their seed alone are repetitions of one another.
  private static let seed = "seed"

  /// Params first, then covariates, each in alphabetical order.
  static func between(
    _ reference: [RunObservation], _ candidate: [RunObservation]
  ) -> [CovariateChange] {
    // With an empty side everything would differ from nothing.
    guard !reference.isEmpty, !candidate.isEmpty else { return [] }
    let params = changes(reference.map(\.params), candidate.map(\.params))
      .filter { $0.name != seed }
      .map {
        CovariateChange(
          name: "params.\($0.name)", reference: $0.reference, candidate: $0.candidate)
      }
    return params + changes(reference.map(\.covariates), candidate.map(\.covariates))
  }

  private static func changes(
    _ reference: [[String: String]], _ candidate: [[String: String]]
  ) -> [CovariateChange] {
    Set((reference + candidate).flatMap(\.keys)).sorted().compactMap { name in
      let left = Set(reference.compactMap { $0[name] }).sorted()
      let right = Set(candidate.compactMap { $0[name] }).sorted()
      return left == right
        ? nil : CovariateChange(name: name, reference: left, candidate: right)
    }
  }
}
