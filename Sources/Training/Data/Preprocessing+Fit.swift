// Fits a preprocessing on the rows of the training part. No other row is looked at.

import Experiments

extension Preprocessing {
  /// - Parameter rows: The training rows of `table`.
  static func fit(
    _ table: CSVTable, rows: [Int], classes: [String], standardize: Bool
  ) throws(DataError) -> Preprocessing {
    let plan = table.plan
    let scale = ColumnScale(table.numbers, columns: plan.numberCount, rows: rows)
    var columns: [Column] = []
    for feature in plan.features {
      switch feature.role {
      case .number(let index):
        columns.append(
          Column(
            name: feature.name,
            kind: try fitNumber(
              table, column: index, rows: rows, scale: scale, standardize: standardize,
              name: feature.name)))
      case .category(let index):
        columns.append(
          Column(
            name: feature.name,
            kind: try fitCategories(table, column: index, rows: rows, name: feature.name)))
      case .ignored, .target:
        break
      }
    }
    return Preprocessing(
      task: plan.task, target: plan.target, classes: classes, columns: columns,
      isStandardized: standardize, missing: plan.missing,
      missingValues: plan.markers.texts)
  }

  /// Imputes first, then scales, as a scikit-learn pipeline of `SimpleImputer` and
  /// `StandardScaler` does.
  private static func fitNumber(
    _ table: CSVTable, column: Int, rows: [Int], scale: ColumnScale, standardize: Bool,
    name: String
  ) throws(DataError) -> Kind {
    let count = table.plan.numberCount
    guard table.plan.missing != .error else {
      return .number(
        imputation: nil, mean: standardize ? scale.means[column] : 0,
        standardDeviation: standardize ? scale.deviations[column] : 1)
    }
    var values = rows.map { table.numbers[$0 * count + column] }
    let present = values.filter { !$0.isNaN }.sorted()
    guard !present.isEmpty else { throw .columnWithoutValues(name) }
    let imputation =
      switch table.plan.missing {
      case .error, .mean: present.reduce(0, +) / Double(present.count)
      case .median:
        (present[(present.count - 1) / 2] + present[present.count / 2]) / 2
      case .mostFrequent: mostFrequent(sorted: present)
      }
    guard standardize else {
      return .number(imputation: imputation, mean: 0, standardDeviation: 1)
    }
    for index in values.indices where values[index].isNaN { values[index] = imputation }
    let filled = ColumnScale(values, columns: 1, rows: Array(values.indices))
    return .number(
      imputation: imputation, mean: filled.means[0], standardDeviation: filled.deviations[0])
  }

  private static func fitCategories(
    _ table: CSVTable, column: Int, rows: [Int], name: String
  ) throws(DataError) -> Kind {
    let texts = table.categories[column].texts
    var counts = [Int](repeating: 0, count: texts.count)
    for row in rows {
      let code = table.categoryCodes[row * table.plan.categoryCount + column]
      if code >= 0 { counts[Int(code)] += 1 }
    }
    let seen = ClassOrder.sorted(texts.indices.filter { counts[$0] > 0 }.map { texts[$0] })
    guard !seen.isEmpty else { throw .columnWithoutValues(name) }
    guard table.plan.missing != .error else { return .categories(seen, imputation: nil) }
    let countOfText = Dictionary(uniqueKeysWithValues: zip(texts, counts))
    let highest = counts.max() ?? 0
    return .categories(seen, imputation: seen.first { countOfText[$0] == highest })
  }

  /// The smallest of the most frequent values.
  private static func mostFrequent(sorted values: [Double]) -> Double {
    var best = values[0]
    var bestCount = 0
    var start = 0
    for index in 1...values.count where index == values.count || values[index] != values[start] {
      if index - start > bestCount { (best, bestCount) = (values[start], index - start) }
      start = index
    }
    return best
  }
}

/// Mean and population standard deviation per column, in double precision by two passes. A column
/// that is constant but for rounding has deviation 1, by the rule of scikit-learn's
/// `StandardScaler`.
struct ColumnScale {
  private(set) var means: [Double]
  private(set) var deviations: [Double]

  /// - Parameter values: [any, columns], row-major.
  /// - Parameter rows: Those that count; at least one.
  init<Value: BinaryFloatingPoint>(_ values: [Value], columns: Int, rows: some Collection<Int>) {
    let count = Double(rows.count)
    var sums = [Double](repeating: 0, count: columns)
    for row in rows {
      let start = row * columns
      for column in 0..<columns { sums[column] += Double(values[start + column]) }
    }
    means = sums.map { $0 / count }
    var squares = [Double](repeating: 0, count: columns)
    for row in rows {
      let start = row * columns
      for column in 0..<columns {
        let distance = Double(values[start + column]) - means[column]
        squares[column] += distance * distance
      }
    }
    deviations = zip(means, squares).map { mean, square in
      let variance = square / count
      let rounding =
        count * Double.ulpOfOne * variance
        + (count * mean * Double.ulpOfOne) * (count * mean * Double.ulpOfOne)
      return variance <= rounding ? 1 : variance.squareRoot()
    }
  }
  /// Scales in place.
  /// - Parameter matrix: [any, columns]
  func apply(to matrix: inout Matrix) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    matrix.values.withUnsafeMutableBufferPointer { values in
      for row in 0..<rows {
        for column in 0..<columns {
          let value = Double(values[row * columns + column])
          values[row * columns + column] = Float((value - means[column]) / deviations[column])
        }
      }
    }
  }
}
