// What a table of points is read as.

package struct TableOptions: Sendable {
  package var common: ImportOptions
  /// Columns by their names; nil: by the usual ones.
  package var stepColumn: String?
  package var timeColumn: String?
  package var runColumn: String?
  /// Columns that are neither metrics nor anything else of interest.
  package var ignored: Set<String> = []
  /// Values that cannot be read are left out and reported, in place of nothing being imported.
  package var skipBad = false

  package init(common: ImportOptions) { self.common = common }
}

/// The usual names of columns, in lower case.
enum ColumnNames {
  static let step = ["step", "global_step", "_step", "iteration", "iter"]
  static let epoch = ["epoch"]
  static let time = ["time", "timestamp", "wall_time", "wall time", "_timestamp", "date"]
  static let run = ["run", "run_id", "run_name", "run_uuid"]
  static let key = ["key", "metric", "tag"]
  static let value = ["value"]
}
