// What is wrong with a file is said with its place, its value and what to do.

import Experiments
import Foundation
import Testing
import Training

@Suite struct CSVErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let csv: String
    let code: String
    /// All of these stand in the message.
    let parts: [String]
    var dataset = Small.dataset()
    var outputs = 1
    var hint: String?
    var testDescription: String { "\(code): \(csv.prefix(40))" }
  }

  static let classification = Small.dataset(task: .classification)

  static let cases: [Case] = [
    Case(csv: "", code: "dataset_header", parts: ["dataset.path", "empty"]),
    Case(csv: "\n1,2\n", code: "dataset_header", parts: ["blank"]),
    Case(csv: "a,y\n", code: "dataset_empty", parts: ["no rows"]),
    Case(csv: "a,y\n\n\n", code: "dataset_empty", parts: ["no rows"]),
    Case(
      csv: "a,b,y\n1,2,3\n1,2\n", code: "csv_ragged_row",
      parts: ["row 2 (line 3)", "2 cells", "has 3"]),
    Case(
      csv: "a,y\n1,2\n1,2,3\n", code: "csv_ragged_row", parts: ["row 2 (line 3)", "3 cells"],
      hint: "quotes"),
    Case(csv: "a,y\n1,2\n\n3,4\n", code: "csv_ragged_row", parts: ["row 2 (line 3) has 0 cells"]),
    Case(
      csv: "note,a,y\n\"two\nlines\",1,2\nx,oops,3\n", code: "text_in_number_column",
      parts: ["row 2 (line 4)", "column a", "\"oops\""],
      dataset: Small.dataset(exclude: ["note"]), hint: "list a under dataset.categorical"),
    Case(csv: "a,y\n0x10,2\n", code: "text_in_number_column", parts: ["0x10"]),
    Case(csv: "a,y\n\"1,5\",2\n", code: "text_in_number_column", parts: ["1,5"]),
    Case(csv: "a,y\n1e,2\n", code: "text_in_number_column", parts: ["1e"]),
    Case(csv: "a,y\n-,2\n", code: "text_in_number_column", parts: ["\"-\""]),
    Case(csv: "a,y\n.,2\n", code: "text_in_number_column", parts: ["\".\""]),
    Case(csv: "a,y\n1 2,2\n", code: "text_in_number_column", parts: ["1 2"]),
    Case(
      csv: "a,y\n1,old\n", code: "text_in_number_column", parts: ["column y", "old"],
      hint: "classes"),
    Case(
      csv: "a,y\n1,2\n?,3\n", code: "missing_value",
      parts: ["row 2 (line 3)", "column a", "\"?\""], hint: "most_frequent"),
    Case(csv: "a,y\n1,2\n  ,3\n", code: "missing_value", parts: ["column a"]),
    Case(
      csv: "c,y\nNA,2\n", code: "missing_value", parts: ["column c", "NA"],
      dataset: Small.dataset(categorical: ["c"])),
    Case(
      csv: "a,y\n1,2\n3,NA\n", code: "missing_target", parts: ["row 2 (line 3)", "target y"],
      dataset: Small.dataset(missing: .mean)),
    Case(csv: "a,y\ninf,2\n", code: "value_not_finite", parts: ["row 1 (line 2)", "inf"]),
    Case(csv: "a,y\n-Infinity,2\n", code: "value_not_finite", parts: ["-Infinity"]),
    Case(csv: "a,y\n1e39,2\n", code: "value_not_finite", parts: ["1e39"]),
    Case(csv: "a,y\n1e999,2\n", code: "value_not_finite", parts: ["1e999"]),
    Case(
      csv: "a,y\nnan,2\n", code: "value_not_finite", parts: ["nan"],
      dataset: Small.dataset(missingValues: ["-999"])),
    Case(csv: "a,y\n\"1,2\n3,4\n", code: "csv_syntax", parts: ["line 2", "never closed"]),
    Case(csv: "a,y\n1\"2,3\n", code: "csv_syntax", parts: ["line 2", "quote"], hint: "twice"),
    Case(csv: "a,y\n\"1\"2,3\n", code: "csv_syntax", parts: ["line 2", "closing quote"]),
    Case(csv: "a,y\r1,2\r", code: "dataset_header", parts: ["carriage return"]),
    Case(csv: "a,y\n1,2\r3,4\n", code: "csv_syntax", parts: ["line 2", "carriage return"]),
    Case(
      csv: "a,y\n1,x\n2,x\n", code: "one_class_only", parts: ["y", "\"x\""],
      dataset: classification),
    Case(
      csv: "a,y\n1,x\n2,y\n3,z\n", code: "class_count_mismatch",
      parts: ["3 classes (x, y, z)", "model.0", "1 unit"], dataset: classification,
      hint: "model.0.units to 3"),
    Case(
      csv: "a,y\n1,x\n2,y\n", code: "class_count_mismatch", parts: ["2 classes", "5 units"],
      dataset: classification, outputs: 5, hint: "2 units with softmax"),
    Case(
      csv: "a,y\n1,x\n2,y\n", code: "positive_class_unknown", parts: ["\"z\"", "x, y"],
      dataset: Small.dataset(task: .classification, positive: "z")),
    Case(
      csv: "a,y\n1,x\n2,y\n3,z\n", code: "positive_class_unknown", parts: ["\"z\"", "3 classes"],
      dataset: Small.dataset(task: .classification, positive: "z"), outputs: 3),
    Case(
      csv: "a,y\n,2\n?,3\n", code: "column_without_values", parts: ["column a"],
      dataset: Small.dataset(missing: .median)),
    Case(
      csv: "c,y\n,2\n?,3\n", code: "column_without_values", parts: ["column c"],
      dataset: Small.dataset(categorical: ["c"], missing: .median)),
    Case(
      csv: "aa,y\n1,2\n", code: "dataset_header", parts: ["dataset.target", "did you mean"],
      dataset: Small.dataset(target: "Y")),
  ]

  @Test(arguments: cases) func saysWhatIsWrong(_ given: Case) throws {
    let error = try #require(Small.error(given.csv, given.dataset, outputs: given.outputs))
    #expect(error.code == given.code)
    for part in given.parts { #expect(error.message.contains(part), "\(error.message)") }
    if let hint = given.hint {
      #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "no hint")")
    }
  }

  @Test(
    arguments: [
      (SplitSpec(validation: 0.1, test: 0, stratify: false), "validation"),
      (SplitSpec(validation: 0, test: 0.1, stratify: false), "test"),
      (SplitSpec(validation: 0.5, test: 0.49, stratify: false), "training"),
    ])
  func tooFewRowsForAPart(_ split: SplitSpec, _ part: String) throws {
    let error = try #require(Small.error("a,y\n1,2\n3,4\n", split: split))
    #expect(error.code == "split_part_empty")
    #expect(error.message.contains("of 2 rows"))
    #expect(error.message.contains("\(part) part"))
  }

  @Test func aCSVDatasetNeedsAFile() {
    #expect(throws: DataError.noFile) {
      try DataLoader.load(Small.spec(.csv(Small.dataset())), csv: nil)
    }
  }

  @Test func textThatIsNotUTF8IsRefused() {
    let csv = Array("c,y\n".utf8) + [0xE9, 0x2C, 0x31, 0x0A]
    let dataset = Small.dataset(categorical: ["c"])
    #expect(throws: DataError.notUTF8(column: "c", place: CSVPlace(row: 1, line: 2))) {
      try DataLoader.load(Small.spec(.csv(dataset)), csv: csv)
    }
  }

  @Test func longValuesAreShortenedInMessages() throws {
    let error = try #require(Small.error("a,y\n\(String(repeating: "x", count: 5_000)),1\n"))
    #expect(error.message.utf8.count < 200)
  }

  /// Whatever the bytes, the answer is data or an error.
  @Test func anyBytesAreAnswered() {
    let alphabet = Array("a1,,\"\"\n\n\r .-e?\u{E9}".utf8) + [0, 0xFF]
    var state: UInt64 = 42
    for _ in 0..<4_000 {
      var csv = Array("a,c,y\n".utf8)
      for _ in 0..<(state >> 33) % 40 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        csv.append(alphabet[Int((state >> 33) % UInt64(alphabet.count))])
      }
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let dataset = Small.dataset(categorical: ["c"], missing: .mean)
      do {
        let data = try DataLoader.load(Small.spec(.csv(dataset)), csv: csv)
        #expect(data.train.count > 0)
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
  }
}
