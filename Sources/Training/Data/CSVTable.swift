// The cells of a CSV file as numbers and category codes, before anything is fitted. Whatever is
// wrong with a cell or a row is found here, where its place is known.

import Experiments

struct CSVTable {
  private(set) var rows = 0
  /// [rows, number columns], row-major; NaN where a value is missing.
  private(set) var numbers: [Double] = []
  /// [rows, categorical columns], row-major; codes into `categories`, -1 where missing.
  private(set) var categoryCodes: [Int32] = []
  /// Per categorical column, its texts in the order of their first appearance.
  private(set) var categories: [TextCodes]
  /// In a classification, codes into `labels` per row.
  private(set) var targetCodes: [Int32] = []
  private(set) var labels: TextCodes
  /// In a regression, the target per row.
  private(set) var targetValues: [Float] = []
  let plan: ColumnPlan

  /// - Parameter makePlan: Given the header, says what to read.
  static func read(
    _ csv: [UInt8], plan makePlan: ([String]) throws(DataError) -> ColumnPlan
  ) throws(DataError) -> CSVTable {
    guard Int64(csv.count) <= Limits.csvBytes else {
      throw .fileTooLarge(bytes: Int64(csv.count))
    }
    return try csv.withUnsafeBufferPointer { (bytes) throws(DataError) -> CSVTable in
      var records = CSVRecords(bytes)
      let header: [String]
      do throws(SpecMistakes) {
        header = try CSVHeader.read(&records)
      } catch {
        throw .header(error.mistakes)
      }
      var table = CSVTable(plan: try makePlan(header))
      try table.readRows(&records)
      return table
    }
  }

  private init(plan: ColumnPlan) {
    self.plan = plan
    categories = Array(repeating: TextCodes(), count: plan.categoryCount)
    labels = TextCodes(plan.classes ?? [])
  }

  private mutating func readRows(_ records: inout CSVRecords) throws(DataError) {
    // Blank lines are forgiven at the end of the file only.
    var blank: CSVPlace?
    while try Self.next(&records) {
      let place = CSVPlace(row: rows + 1, line: records.line)
      if records.isBlank {
        blank = blank ?? place
        continue
      }
      if let blank { throw .raggedRow(place: blank, expected: plan.header.count, found: 0) }
      guard records.cells.count == plan.header.count else {
        throw .raggedRow(place: place, expected: plan.header.count, found: records.cells.count)
      }
      try readRow(records, at: place)
      rows += 1
    }
    if rows == 0 { throw .noRows }
  }

  private static func next(_ records: inout CSVRecords) throws(DataError) -> Bool {
    do throws(CSVSyntaxError) {
      return try records.next()
    } catch {
      throw .syntax(error)
    }
  }

  private mutating func readRow(_ records: CSVRecords, at place: CSVPlace) throws(DataError) {
    let firstNumber = numbers.count
    let firstCategory = categoryCodes.count
    numbers.append(contentsOf: repeatElement(.nan, count: plan.numberCount))
    categoryCodes.append(contentsOf: repeatElement(-1, count: plan.categoryCount))
    for (index, role) in plan.roles.enumerated() {
      let cell = records.cells[index]
      switch role {
      case .ignored:
        break
      case .number(let number):
        if try !isMissing(cell, of: records, column: index, at: place) {
          numbers[firstNumber + number] = try self.number(
            cell, of: records, column: index, at: place)
        }
      case .category(let category):
        if try !isMissing(cell, of: records, column: index, at: place) {
          let text = try text(cell, of: records, column: index, at: place)
          categoryCodes[firstCategory + category] = categories[category].code(of: text)
        }
      case .target:
        try readTarget(cell, of: records, column: index, at: place)
      }
    }
  }

  private mutating func readTarget(
    _ cell: CSVCell, of records: CSVRecords, column: Int, at place: CSVPlace
  ) throws(DataError) {
    if plan.markers.contain(records.trimmed(cell)) {
      throw .missingTarget(
        column: plan.header[column], place: place, value: records.excerpt(cell))
    }
    guard plan.task == .classification else {
      targetValues.append(
        Float(try number(cell, of: records, column: column, at: place, isTarget: true)))
      return
    }
    let label = try text(cell, of: records, column: column, at: place)
    let code = labels.code(of: label)
    if let classes = plan.classes, code >= classes.count {
      throw .unknownClass(
        column: plan.header[column], place: place, value: records.excerpt(cell), classes: classes)
    }
    targetCodes.append(code)
  }

  private func isMissing(
    _ cell: CSVCell, of records: CSVRecords, column: Int, at place: CSVPlace
  ) throws(DataError) -> Bool {
    guard plan.markers.contain(records.trimmed(cell)) else { return false }
    if plan.missing == .error {
      throw .missingValue(column: plan.header[column], place: place, value: records.excerpt(cell))
    }
    return true
  }

  private func number(
    _ cell: CSVCell, of records: CSVRecords, column: Int, at place: CSVPlace,
    isTarget: Bool = false
  ) throws(DataError) -> Double {
    guard let value = DecimalNumber.parse(records.trimmed(cell)) else {
      throw .textInNumberColumn(
        column: plan.header[column], place: place, value: records.excerpt(cell),
        isTarget: isTarget)
    }
    guard Float(value).isFinite else {
      throw .notFinite(column: plan.header[column], place: place, value: records.excerpt(cell))
    }
    return value
  }

  private func text(
    _ cell: CSVCell, of records: CSVRecords, column: Int, at place: CSVPlace
  ) throws(DataError) -> String {
    guard let text = records.text(cell) else {
      throw .notUTF8(column: plan.header[column], place: place)
    }
    return text
  }
}

/// Numbers texts in the order in which they first appear.
struct TextCodes {
  private(set) var texts: [String] = []
  private var codes: [String: Int32] = [:]

  init(_ texts: [String] = []) {
    for text in texts { _ = code(of: text) }
  }

  mutating func code(of text: String) -> Int32 {
    if let code = codes[text] { return code }
    let code = Int32(truncatingIfNeeded: texts.count)
    codes[text] = code
    texts.append(text)
    return code
  }
}
