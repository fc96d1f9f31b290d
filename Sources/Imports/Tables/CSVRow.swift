// One row of a CSV file as points.

import Experiments

struct CSVRow {
  let records: CSVRecords
  let layout: CSVLayout
  /// From 0, the header not counted: the step where there is no column for it.
  let number: Int64
  let path: String
  let line: Int
  /// Whether the row is the first one of a block, which is when progress is told.
  let isBlockStart: Bool

  /// Reads every cell and forgets it.
  func check() throws {
    try points({ _, _, _, _, _, _ in }, bad: { throw $0 })
  }

  func points(
    _ point: (
      _ run: String?, _ key: String, _ step: Int64, _ time: Int64?, _ value: Double,
      _ epoch: Int64?
    ) throws -> Void, bad: (ImportError) throws -> Void
  ) throws {
    guard records.cells.count == layout.names.count else {
      return try bad(
        .badCell(
          path: path, line: line, column: layout.names.last ?? "",
          problem: "the row has \(records.cells.count) cells, the header \(layout.names.count)"))
    }
    let (step, time, epoch, run): (Int64, Int64?, Int64?, String?)
    do throws(ImportError) {
      epoch = try optional(layout.epoch, "a whole number", CellValues.whole)
      if let column = layout.step {
        step = try required(column, "a whole number", CellValues.whole)
      } else {
        step = epoch ?? number
      }
      time = try optional(
        layout.time, "a time (seconds since 1970, or 2026-01-31T12:00:00Z)", CellValues.time)
      run = try optional(layout.run, "a name") { $0 }
    } catch {
      return try bad(error)
    }
    switch layout.form {
    case .long(let key, let value):
      let cells: (key: String, value: Double?)
      do throws(ImportError) {
        cells.key = try required(key, "a metric's name") { $0 }
        cells.value = try optional(value, "a number", CellValues.number)
      } catch {
        return try bad(error)
      }
      if let value = cells.value { try point(run, cells.key, step, time, value, epoch) }
    case .wide(let metrics):
      for (column, key) in metrics {
        let value: Double?
        do throws(ImportError) {
          value = try optional(column, "a number", CellValues.number)
        } catch {
          try bad(error)
          continue
        }
        if let value { try point(run, key, step, time, value, epoch) }
      }
    }
  }

  /// Nil for an empty cell, and for no column.
  private func optional<Value>(
    _ column: Int?, _ what: String, _ parse: (String) -> Value?
  ) throws(ImportError) -> Value? {
    guard let column else { return nil }
    let cell = records.cells[column]
    guard let text = records.text(cell) else { throw bad(column, "is not UTF-8") }
    if text.isEmpty { return nil }
    guard let value = parse(text) else {
      throw bad(column, "\"\(records.excerpt(cell))\" is not \(what)")
    }
    return value
  }

  private func required<Value>(
    _ column: Int, _ what: String, _ parse: (String) -> Value?
  ) throws(ImportError) -> Value {
    guard let value = try optional(column, what, parse) else {
      throw bad(column, "it is empty, and should be \(what)")
    }
    return value
  }

  private func bad(_ column: Int, _ problem: String) -> ImportError {
    .badCell(path: path, line: line, column: layout.names[column], problem: problem)
  }
}
