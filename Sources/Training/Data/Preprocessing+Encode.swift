// Turns rows of a table into features, the same way for the parts of a training and for new data.

import Experiments

/// Encodes rows of one table by one preprocessing.
struct FeatureEncoder {
  private enum Source {
    case number(index: Int, imputation: Double, mean: Double, deviation: Double)
    /// - Parameter places: Feature per code of the table, -1 for a category never seen in training.
    case category(index: Int, places: [Int32], imputation: Int32)
  }

  private let table: CSVTable
  private let preprocessing: Preprocessing
  private var sources: [(source: Source, offset: Int)] = []
  private let width: Int

  /// The table was read by a plan that has the preprocessing's columns in their order.
  init(_ table: CSVTable, preprocessing: Preprocessing) throws(DataError) {
    self.table = table
    self.preprocessing = preprocessing
    width = preprocessing.featureCount
    if width > Limits.csvColumns,
      let widest = preprocessing.columns.max(by: { $0.width < $1.width })
    {
      throw .tooManyFeatures(count: width, column: widest.name, categories: widest.width)
    }
    var offset = 0
    for (column, feature) in zip(preprocessing.columns, table.plan.features) {
      sources.append((Self.source(of: column, role: feature.role, in: table), offset))
      offset += column.width
    }
  }

  private static func source(
    of column: Preprocessing.Column, role: ColumnPlan.Role, in table: CSVTable
  ) -> Source {
    let index =
      switch role {
      case .number(let index), .category(let index): index
      case .ignored, .target: 0
      }
    switch column.kind {
    case .number(let imputation, let mean, let deviation):
      return .number(
        index: index, imputation: imputation ?? .nan, mean: mean, deviation: deviation)
    case .categories(let categories, let imputation):
      let places = Dictionary(uniqueKeysWithValues: zip(categories, Int32(0)...))
      return .category(
        index: index, places: table.categories[index].texts.map { places[$0] ?? -1 },
        imputation: imputation.flatMap { places[$0] } ?? -1)
    }
  }

  /// - Returns: [rows.count, features]
  /// - Parameter warnings: Gets a sentence per column with categories not seen in training.
  func encode(
    _ rows: [Int], part: String, warnings: inout [String]
  ) throws(DataError) -> Matrix {
    let (count, overflows) = rows.count.multipliedReportingOverflow(by: width)
    guard !overflows, count <= Limits.syntheticValues else {
      throw .tooManyValues(rows: rows.count, features: width)
    }
    var values = [Float](repeating: 0, count: count)
    for (index, entry) in sources.enumerated() {
      switch entry.source {
      case .number(let number, let imputation, let mean, let deviation):
        let stride = table.plan.numberCount
        for (place, row) in rows.enumerated() {
          var value = table.numbers[row * stride + number]
          if value.isNaN { value = imputation }
          let feature = Float((value - mean) / deviation)
          guard feature.isFinite else {
            throw .outOfRange(column: preprocessing.columns[index].name, row: row + 1)
          }
          values[place * width + entry.offset] = feature
        }
      case .category(let category, let places, let imputation):
        let stride = table.plan.categoryCount
        var unseen = 0
        var example: Int32 = -1
        for (place, row) in rows.enumerated() {
          let code = table.categoryCodes[row * stride + category]
          let feature = code >= 0 ? places[Int(code)] : imputation
          if feature >= 0 {
            values[place * width + entry.offset + Int(feature)] = 1
          } else {
            unseen += 1
            if example < 0 { example = code }
          }
        }
        if unseen > 0 {
          let text = example >= 0 ? table.categories[category].texts[Int(example)] : ""
          warnings.append(
            "\(part): \(unseen) of \(rows.count) rows have a category of "
              + "\(preprocessing.columns[index].name) that the training part has not, such as "
              + "\"\(text.prefix(60))\"; all its features are 0 there")
        }
      }
    }
    return Matrix(rows: rows.count, columns: width, values: values)
  }
}
