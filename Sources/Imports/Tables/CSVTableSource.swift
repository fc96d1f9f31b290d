// Points from a CSV file, in one of two forms that its header tells apart: wide (a column per metric)
// or long (a row per point, with its key and value). The whole file is checked before anything of it
// is handed over, so that a bad cell imports nothing.

package import Experiments

package struct CSVTableSource: ImportSource {
  private let path: String
  private let absolutePath: String
  private let options: TableOptions
  private let layout: CSVLayout

  /// - Throws: `source_unreadable`, `source_invalid` (the header).
  package init(
    _ path: String, absolutePath: String, options: TableOptions
  ) throws(ImportError) {
    self.path = path
    self.absolutePath = absolutePath
    self.options = options
    var layout: CSVLayout?
    do {
      let blocks = try LineBlocks(path, quoted: true)
      _ = try blocks.next { bytes in
        var records = CSVRecords(bytes)
        guard try records.next(), !records.isBlank else { return }
        let names = records.cells.map { records.text($0) ?? records.excerpt($0) }
        layout = try CSVLayout(names, path: path, options: options)
      }
    } catch let error as CSVSyntaxError {
      throw .badTable(path: path, problem: error.message, hint: error.hint)
    } catch let error as ImportError {
      throw error
    } catch {
      throw .badTable(path: path, problem: "\(error)", hint: nil)
    }
    guard let layout else {
      throw .badTable(path: path, problem: "it has no header line", hint: nil)
    }
    self.layout = layout
  }

  package func total() throws(ImportError) -> Int64 { Int64(try SourceFile.Facts(path).size) }

  package func read(
    known: (Identifier) throws -> String?, emit: (ImportItem) throws -> Void
  ) throws {
    var bad: [Skipped] = []
    var badCount = 0
    if !options.skipBad { try rows { row, _ in try row.check() } }
    var runs = try TableRuns(
      kind: "csv", path: path, absolutePath: absolutePath, options: options.common)
    try rows { row, offset in
      try row.points { run, key, step, time, value, epoch in
        let uid = try runs.run(run, time: time, known: known, emit: emit)
        try runs.add(
          uid, key: key, step: step, time: time, value: value, epoch: epoch, emit: emit)
      } bad: { error in
        guard options.skipBad else { throw error }
        badCount += 1
        if bad.count < 1_000 { bad.append(Self.skipped(error)) }
      }
      if row.isBlockStart { try emit(.progress(Int64(offset))) }
    }
    try runs.finish(emit)
    for skipped in bad { try emit(.skipped(skipped)) }
    if badCount > bad.count {
      try emit(.skipped(Skipped("\(badCount - bad.count) more cells of \(path)", why: "the same")))
    }
  }

  private static func skipped(_ error: ImportError) -> Skipped {
    guard case .badCell(let path, let line, let column, let problem) = error else {
      return Skipped(error.message, why: "it cannot be read")
    }
    return Skipped("column \(column) of \(path):\(line)", why: problem)
  }

  /// Every row but the header, with the bytes of the blocks before it.
  private func rows(_ body: (CSVRow, Int) throws -> Void) throws {
    let blocks = try LineBlocks(path, quoted: true)
    var number: Int64 = -1
    do {
      while try blocks.next({ bytes in
        var records = CSVRecords(bytes)
        var isFirst = true
        while try records.next() {
          if records.isBlank { continue }
          number += 1
          if number == 0 { continue }
          let row = CSVRow(
            records: records, layout: layout, number: number - 1, path: path,
            line: blocks.line + records.line - 1, isBlockStart: isFirst)
          isFirst = false
          try body(row, blocks.offset)
        }
      }) {}
    } catch let error as CSVSyntaxError {
      throw ImportError.badTable(
        path: path, problem: "in the block from line \(blocks.line) on, \(error.message)",
        hint: error.hint)
    }
  }
}
