// Mean, spread and standard error of values that are one per run.

import Experiments

enum SampleStatistics {
  static func side(_ values: [Double]) -> MetricSide {
    let mean = mean(values)
    return MetricSide(
      count: values.count, mean: mean,
      standardDeviation: values.count >= 2 && mean.isFinite
        ? (sumOfSquares(values) / Double(values.count - 1)).squareRoot() : nil)
  }

  /// NaN of no values.
  static func mean(_ values: [Double]) -> Double {
    guard let first = values.first else { return .nan }
    // Differences from the first value: exact where all are equal, and no sum of large numbers.
    let shift = values.reduce(0) { $0 + ($1 - first) } / Double(values.count)
    return first + shift
  }

  /// What chance alone moves the difference of the two means by, at most, in 95 of 100
  /// comparisons of runs that do not differ: t(.975, ν) · s · √(1/n + 1/m), where s is the pooled
  /// standard deviation and ν = n + m - 2. Nil where ν is below 2: two runs against one, or one
  /// against one, tell nothing usable about chance.
  static func chance(_ reference: [Double], _ candidate: [Double]) -> Double? {
    let degrees = reference.count + candidate.count - 2
    guard degrees >= 2, !reference.isEmpty, !candidate.isEmpty else { return nil }
    let variance = (sumOfSquares(reference) + sumOfSquares(candidate)) / Double(degrees)
    let error =
      (variance * (1 / Double(reference.count) + 1 / Double(candidate.count))).squareRoot()
    return studentQuantile(degrees: degrees) * error
  }

  private static func sumOfSquares(_ values: [Double]) -> Double {
    let mean = mean(values)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }

  /// The 0.975 quantile of Student's t. Exact to four digits up to ten degrees of freedom, then
  /// the expansion of Abramowitz and Stegun, 26.7.5.
  static func studentQuantile(degrees: Int) -> Double {
    let exact = [12.706, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281]
    guard degrees > exact.count else { return exact[max(1, degrees) - 1] }
    let z = 1.959964
    let n = Double(degrees)
    let z3 = z * z * z
    let z5 = z3 * z * z
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
  }
}
