// What can be wrong with a dataset. Each error names the place (column, data row counted from 1
// without the header, line of the file) and the offending value.

package import Experiments

package enum DataError: Error, Sendable, Equatable {
  case noFile
  case fileTooLarge(bytes: Int64)
  case header([SpecMistake])
  case syntax(CSVSyntaxError)
  case notUTF8(column: String, place: CSVPlace)
  case noRows
  case raggedRow(place: CSVPlace, expected: Int, found: Int)
  case textInNumberColumn(column: String, place: CSVPlace, value: String, isTarget: Bool)
  case missingValue(column: String, place: CSVPlace, value: String)
  case missingTarget(column: String, place: CSVPlace, value: String)
  case notFinite(column: String, place: CSVPlace, value: String)
  case outOfRange(column: String, row: Int)
  case noColumns([String], header: [String])
  case ambiguousColumn(String)
  case tooManyFeatures(count: Int, column: String, categories: Int)
  case tooManyValues(rows: Int, features: Int)
  case columnWithoutValues(String)
  case emptyPart(String, fraction: Double, rows: Int)
  case oneClass(column: String, label: String)
  case classCount(classes: [String], outputs: Int, layer: Int)
  case unknownPositive(String, classes: [String])
  case positiveOfMany(String, classes: [String])
  case unknownClass(column: String, place: CSVPlace, value: String, classes: [String])
  case badPreprocessing(String)

  package var code: String {
    switch self {
    case .noFile: "dataset_not_given"
    case .fileTooLarge: "dataset_too_large"
    case .header: "dataset_header"
    case .syntax: "csv_syntax"
    case .notUTF8: "csv_not_utf8"
    case .noRows: "dataset_empty"
    case .raggedRow: "csv_ragged_row"
    case .textInNumberColumn: "text_in_number_column"
    case .missingValue: "missing_value"
    case .missingTarget: "missing_target"
    case .notFinite: "value_not_finite"
    case .outOfRange: "value_out_of_range"
    case .noColumns: "column_not_found"
    case .ambiguousColumn: "column_ambiguous"
    case .tooManyFeatures: "too_many_features"
    case .tooManyValues: "too_many_values"
    case .columnWithoutValues: "column_without_values"
    case .emptyPart: "split_part_empty"
    case .oneClass: "one_class_only"
    case .classCount: "class_count_mismatch"
    case .unknownPositive, .positiveOfMany: "positive_class_unknown"
    case .unknownClass: "class_unknown"
    case .badPreprocessing: "preprocessing_unreadable"
    }
  }

  package var message: String {
    switch self {
    case .noFile: "the dataset is a CSV file, but no file was given"
    case .fileTooLarge(let bytes):
      "the dataset has \(bytes) bytes; at most \(Limits.csvBytes) are read"
    case .header(let mistakes):
      mistakes.map { "\($0.path): \($0.message)" }.joined(separator: "\n")
    case .syntax(let error): error.message
    case .notUTF8(let column, let place): "\(place), column \(column): the text is not UTF-8"
    case .noRows: "the dataset has a header line but no rows"
    case .raggedRow(let place, let expected, let found):
      "\(place) has \(found) cell\(found == 1 ? "" : "s"); the header has \(expected)"
    case .textInNumberColumn(let column, let place, let value, _):
      "\(place), column \(column): \"\(value)\" is not a number"
    case .missingValue(let column, let place, let value):
      "\(place), column \(column): the value is missing (\"\(value)\")"
    case .missingTarget(let column, let place, let value):
      "\(place): the target \(column) is missing (\"\(value)\")"
    case .notFinite(let column, let place, let value):
      "\(place), column \(column): \(value) is not a finite 32-bit number"
    case .outOfRange(let column, let row):
      "row \(row), column \(column): the value is too far from those seen in training"
    case .noColumns(let names, let header):
      (names.count == 1
        ? "the dataset has no column " : "the dataset lacks \(names.count) columns: ")
        + names.prefix(5).map { $0 + NearestName.question(for: $0, among: header) }
        .joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    case .ambiguousColumn(let name): "the dataset has more than one column named \(name)"
    case .tooManyFeatures(let count, let column, let categories):
      "one-hot encoding gives \(count) features, more than \(Limits.csvColumns); "
        + "column \(column) alone has \(categories) categories"
    case .tooManyValues(let rows, let features):
      "\(rows) rows of \(features) features are more than \(Limits.syntheticValues) values"
    case .columnWithoutValues(let column):
      "column \(column) has no value at all in the training part, so nothing can be imputed"
    case .emptyPart(let part, let fraction, let rows):
      "of \(rows) rows, a fraction of \(fraction) leaves none for the \(part) part"
    case .oneClass(let column, let label):
      "the target \(column) has one class only, \"\(label)\"; there is nothing to tell apart"
    case .classCount(let classes, let outputs, let layer):
      "the target has \(classes.count) classes (\(Self.list(classes))), but model.\(layer) has "
        + "\(outputs) unit\(outputs == 1 ? "" : "s")"
    case .unknownPositive(let value, let classes):
      "the positive class \"\(value)\" is none of \(Self.list(classes))"
    case .positiveOfMany(let value, let classes):
      "the positive class \"\(value)\" is named, but the target has \(classes.count) classes"
    case .unknownClass(let column, let place, let value, let classes):
      "\(place): \(column) is \"\(value)\", none of the classes of the training: "
        + Self.list(classes)
    case .badPreprocessing(let reason): "the preprocessing of the run cannot be read: \(reason)"
    }
  }

  /// What to do about it, where there is something to do.
  package var hint: String? {
    switch self {
    case .syntax(let error): error.hint
    case .notUTF8: "save the file as UTF-8"
    case .raggedRow: "a comma inside a value needs quotes around the whole cell"
    case .textInNumberColumn(_, _, _, isTarget: true):
      "a regression needs a numeric target; for classes set dataset.task to classification"
    case .textInNumberColumn(let column, _, _, _):
      "list \(column) under dataset.categorical, or the text under dataset.missing_values "
        + "if it means no value"
    case .missingValue:
      "set dataset.missing to mean, median or most_frequent to fill it in, or remove the row"
    case .missingTarget: "a target is never filled in; remove the row"
    case .notFinite:
      "correct it, or list its text under dataset.missing_values if it means no value"
    case .tooManyFeatures(_, let column, _): "list \(column) under dataset.exclude"
    case .columnWithoutValues(let column): "list \(column) under dataset.exclude"
    case .emptyPart: "use a larger fraction, 0 for no such part, or more rows"
    case .classCount(let classes, _, let layer):
      classes.count == 2
        ? "use 1 unit with sigmoid and binary_crossentropy, or 2 units with softmax"
        : "set model.\(layer).units to \(classes.count) with softmax, "
          + "or dataset.task to regression if the target is a quantity"
    case .unknownPositive: "set dataset.positive to one of the classes"
    case .positiveOfMany: "leave dataset.positive out; it is for two classes"
    case .noColumns, .ambiguousColumn:
      "new data needs every column that the run was trained on, under the same name"
    case .unknownClass: "correct the label or remove the row"
    case .fileTooLarge, .tooManyValues, .noFile, .header, .noRows, .outOfRange, .oneClass,
      .badPreprocessing:
      nil
    }
  }

  private static func list(_ classes: [String]) -> String {
    classes.prefix(12).joined(separator: ", ") + (classes.count > 12 ? ", …" : "")
  }
}

/// Where a value stands in a CSV file.
package struct CSVPlace: Sendable, Equatable, CustomStringConvertible {
  /// The data row, from 1; the header is not counted.
  package let row: Int
  /// The line of the file in which the row begins, from 1.
  package let line: Int

  package init(row: Int, line: Int) {
    self.row = row
    self.line = line
  }

  package var description: String { "row \(row) (line \(line))" }
}
