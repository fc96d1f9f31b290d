// What the columns of a CSV file are, by its header.

import Experiments

struct CSVLayout: Sendable {
  enum Form: Sendable {
    /// Columns with their metrics.
    case wide([(column: Int, key: String)])
    case long(key: Int, value: Int)
  }

  let names: [String]
  let form: Form
  let step: Int?
  let epoch: Int?
  let time: Int?
  let run: Int?

  init(_ names: [String], path: String, options: TableOptions) throws(ImportError) {
    func bad(_ problem: String, _ hint: String? = nil) -> ImportError {
      .badTable(path: path, problem: problem, hint: hint)
    }
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      throw bad("two columns are named \"\(Fitting.shown(name))\"")
    }
    let lower = names.map { $0.lowercased() }
    func usual(_ candidates: [String]) -> Int? {
      candidates.compactMap { lower.firstIndex(of: $0) }.first
    }
    func column(_ given: String?, _ candidates: [String]) throws(ImportError) -> Int? {
      guard let given else { return usual(candidates) }
      guard let index = names.firstIndex(of: given) else {
        throw bad(
          "there is no column \"\(given)\"\(NearestName.question(for: given, among: names))",
          "its columns are \(names.prefix(20).map(Fitting.shown).joined(separator: ", "))")
      }
      return index
    }
    let step = try column(options.stepColumn, ColumnNames.step)
    let time = try column(options.timeColumn, ColumnNames.time)
    let run = try column(options.runColumn, ColumnNames.run)
    let epoch = usual(ColumnNames.epoch).flatMap { $0 == step ? nil : $0 }
    (self.names, self.step, self.time, self.run, self.epoch) = (names, step, time, run, epoch)
    let others = Set([step, time, run, epoch].compactMap { $0 })
    if let key = usual(ColumnNames.key), let value = usual(ColumnNames.value),
      !others.contains(key), !others.contains(value)
    {
      form = .long(key: key, value: value)
    } else {
      let metrics = names.indices.filter {
        !others.contains($0) && !options.ignored.contains(names[$0])
      }
      guard !metrics.isEmpty else {
        throw bad(
          "no column is a metric",
          "a wide table has a column per metric, a long one the columns key and value")
      }
      if let unnamed = metrics.first(where: { names[$0].isEmpty }) {
        throw bad(
          "column \(unnamed + 1) has no name",
          "name it in the header; an index that pandas wrote is left out with --ignore ''")
      }
      form = .wide(metrics.map { ($0, names[$0]) })
    }
  }
}
