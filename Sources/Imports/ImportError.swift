// What keeps a source from being read at all. What concerns only a part of it is reported as
// skipped instead.

package enum ImportError: Error, Sendable, Equatable {
  /// It cannot be opened or read.
  case unreadable(path: String, reason: String)
  /// It is not what the command imports.
  case notThatKind(path: String, expected: String, hint: String?)
  /// It lacks a table or column that cannot be done without.
  case schemaUnknown(path: String, missing: String)
  case badTable(path: String, problem: String, hint: String?)
  /// Places count from 1.
  case badCell(path: String, line: Int, column: String, problem: String)

  package var code: String {
    switch self {
    case .unreadable: "source_unreadable"
    case .notThatKind: "source_not_recognised"
    case .schemaUnknown: "source_schema_unknown"
    case .badTable: "source_invalid"
    case .badCell: "source_value_invalid"
    }
  }

  package var message: String {
    switch self {
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
    case .notThatKind(let path, let expected, _): "\(path) is not \(expected)"
    case .schemaUnknown(let path, let missing):
      "\(path) is not a database of MLflow that can be read: it has no \(missing)"
    case .badTable(let path, let problem, _): "\(path): \(problem)"
    case .badCell(let path, let line, let column, let problem):
      "\(path):\(line): column \(column): \(problem)"
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable: nil
    case .notThatKind(_, _, let hint), .badTable(_, _, let hint): hint
    case .schemaUnknown: "bring it up to date with: mlflow db upgrade sqlite:///PATH"
    case .badCell: "nothing was imported; --skip-bad imports the rest and reports such cells"
    }
  }
}
