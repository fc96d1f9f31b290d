// The preprocessing is fitted on the training part alone, agrees with scikit-learn, and turns the
// same rows into the same features wherever it is applied.

import Experiments
import Foundation
import Testing
import Training

@Suite struct DataPreprocessingTests {
  /// 40 rows whose value is 1 in the training part and 1,000 elsewhere.
  @Test func nothingLeaksFromTheOtherParts() throws {
    let split = SplitSpec(validation: 0.2, test: 0.2, stratify: false, seed: 3)
    let numbers = (1...40).map { "\($0),\($0)\n" }.joined()
    let rows = try Small.load("a,y\n" + numbers, split: split)
    let training = Set(rows.train.rowNumbers)
    var csv = "a,gaps,c,y\n"
    for row in 1...40 {
      let isTraining = training.contains(row)
      let gap = row % 3 == 0 ? "" : isTraining ? "\(row % 5)" : "1000"
      csv += "\(isTraining ? row % 2 : 1_000),\(gap),\(isTraining ? "in" : "out"),0\n"
    }
    let dataset = Small.dataset(categorical: ["c"], missing: .mean)
    let data = try Small.load(csv, dataset, split: split, standardize: true)
    #expect(data.train.rowNumbers == rows.train.rowNumbers)

    let values = data.train.rowNumbers.map { Double($0 % 2) }
    let mean = values.reduce(0, +) / Double(values.count)
    let present = data.train.rowNumbers.filter { $0 % 3 != 0 }.map { Double($0 % 5) }
    guard case .number(_, let fitted, _) = data.preprocessing.columns[0].kind,
      case .number(let imputation, _, let deviation) = data.preprocessing.columns[1].kind,
      case .categories(let categories, _) = data.preprocessing.columns[2].kind
    else {
      Issue.record("other kinds of columns: \(data.preprocessing.columns)")
      return
    }
    #expect(abs(fitted - mean) < 1e-12)
    #expect(
      abs((imputation ?? .nan) - present.reduce(0, +) / Double(present.count)) < 1e-12)
    #expect(deviation < 5)
    #expect(categories == ["in"])
  }

  @Test(arguments: [MissingPolicy.mean, .median, .mostFrequent])
  func agreesWithScikitLearn(_ policy: MissingPolicy) throws {
    struct Strategy: Decodable {
      let imputation, mean, standardDeviation, features: [Double]
    }
    struct File: Decodable { let strategies: [String: Strategy] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let file = try decoder.decode(
      File.self, from: Data(Fixture.bytes("sklearn_preprocessing.json")))
    let key = policy == .mostFrequent ? "mostFrequent" : policy.rawValue
    let expected = try #require(file.strategies[key] ?? file.strategies[policy.rawValue])

    // The script's training part are the first 20 rows.
    let csv = try Fixture.bytes("csv_missing.csv")
    let lines = csv.split(separator: UInt8(ascii: "\n"))
    let head = Array(lines.prefix(21).joined(separator: [UInt8(ascii: "\n")]))
    let dataset = Small.dataset(target: "label", missing: policy)
    let trained = try DataLoader.load(
      Small.spec(.csv(dataset), standardize: true), csv: head)
    for (index, column) in trained.preprocessing.columns.enumerated() {
      guard case .number(let imputation?, let mean, let deviation) = column.kind else {
        Issue.record("\(column)")
        continue
      }
      #expect(abs(imputation - expected.imputation[index]) < 1e-12)
      #expect(abs(mean - expected.mean[index]) < 1e-12)
      #expect(abs(deviation - expected.standardDeviation[index]) < 1e-12)
    }
    let part = try DataLoader.apply(trained.preprocessing, dataset: dataset, csv: csv)
    #expect(part.features.values.count == expected.features.count)
    for (value, reference) in zip(part.features.values, expected.features) {
      #expect(abs(Double(value) - reference) < 1e-6)
    }
  }

  @Test func imputesCategoriesByTheMostFrequent() throws {
    let csv = "c,y\nred,0\nblue,0\nblue,0\n?,0\n"
    let data = try Small.load(csv, Small.dataset(categorical: ["c"], missing: .mean))
    #expect(data.preprocessing.columns[0].kind == .categories(["blue", "red"], imputation: "blue"))
    #expect(data.train.features.values.suffix(2) == [1, 0])
  }

  @Test func scalesConstantColumnsByOne() throws {
    let rows = String(repeating: "0.1,5,0\n", count: 30)
    let data = try Small.load("a,b,y\n" + rows, standardize: true)
    for column in data.preprocessing.columns {
      guard case .number(_, _, let deviation) = column.kind else { continue }
      #expect(deviation == 1)
    }
    #expect(data.train.features.values.allSatisfy { abs($0) < 1e-6 })
  }

  @Test func trainingFeaturesHaveMeanZeroAndDeviationOne() throws {
    let csv = "a,b,y\n" + (0..<50).map { "\(1_600_000_000 + $0 * $0),\($0 % 7),0\n" }.joined()
    let data = try Small.load(csv, standardize: true)
    for column in 0..<2 {
      let values = (0..<50).map { Double(data.train.features.values[$0 * 2 + column]) }
      #expect(abs(values.reduce(0, +) / 50) < 1e-6)
      #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 50 - 1) < 1e-5)
    }
  }

  static let table =
    "id,size,colour,label\n"
    + (1...60).map { row in
      let colour = row % 11 == 0 ? "" : ["red", "blue", "green, dark"][row * row % 3]
      return
        "\(row),\(row % 7 == 0 ? "NA" : "\(Double(row) / 7)"),\"\(colour)\",\(row * 5 % 3 > 1)\n"
    }.joined()
  static let tableDataset = Small.dataset(
    target: "label", exclude: ["id"], categorical: ["colour"], missing: .median,
    task: .classification, positive: "false")

  @Test func newDataMeetsTheSameTransformation() throws {
    let split = SplitSpec(validation: 0.2, test: 0.2)
    let data = try Small.load(Self.table, Self.tableDataset, split: split, standardize: true)
    let json = try data.preprocessing.jsonText()
    let read = try Preprocessing(jsonText: json)
    #expect(read == data.preprocessing)
    #expect(try read.jsonText() == json)
    #expect(read.positive == "false")

    let part = try DataLoader.apply(
      read, dataset: Small.dataset(target: ""), csv: Array(Self.table.utf8))
    for original in [data.train, data.validation, data.test] {
      #expect(original.count > 0)
      for (index, row) in original.rowNumbers.enumerated() {
        let width = part.features.columns
        let again = part.features.values[((row - 1) * width)..<(row * width)]
        #expect(again == original.features.values[(index * width)..<((index + 1) * width)])
        #expect(part.classIndexes[row - 1] == original.classIndexes[index])
      }
    }
  }

  @Test func newDataMayBeInAnotherOrderWithAnotherTargetName() throws {
    let data = try Small.load("a,b,y\n1,2,3\n4,6,5\n", standardize: true)
    let again = try DataLoader.apply(
      data.preprocessing, dataset: Small.dataset(target: "truth"),
      csv: Array("truth,extra,b,a\n3,x,2,1\n5,,6,4\n".utf8))
    #expect(again == data.train)
  }

  @Test func unseenCategoriesAreZeroAndSaid() throws {
    let data = try Small.load("c,y\nred,0\nblue,1\n", Small.dataset(categorical: ["c"]))
    var warnings: [String] = []
    let part = try DataLoader.apply(
      data.preprocessing, dataset: Small.dataset(), csv: Array("c,y\npink,0\nred,0\n".utf8),
      warnings: &warnings)
    #expect(part.features.values == [0, 0, 0, 1])
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("1 of 2 rows") == true)
    #expect(warnings.first?.contains("\"pink\"") == true)
  }

  @Test func sayWhatIsWrongWithNewData() throws {
    let data = try Small.load(
      "mean_radius,c,y\n1,p,no\n2,q,yes\n",
      Small.dataset(categorical: ["c"], task: .classification))
    func error(_ csv: String) -> DataError? {
      do {
        _ = try DataLoader.apply(
          data.preprocessing, dataset: Small.dataset(target: ""), csv: Array(csv.utf8))
        return nil
      } catch {
        return error
      }
    }
    let unknown = error("mean_radius,c,y\n1,p,no\n2,p,maybe\n")
    #expect(unknown?.code == "class_unknown")
    #expect(unknown?.message.contains("row 2 (line 3)") == true)
    #expect(unknown?.message.contains("\"maybe\"") == true)
    #expect(unknown?.message.contains("no, yes") == true)
    let missing = error("mean_radus,y\n1,no\n")
    #expect(missing?.code == "column_not_found")
    #expect(
      missing?.message
        == "the dataset lacks 2 columns: mean_radius; did you mean mean_radus?, c")
    #expect(error("mean_radius,c,mean_radius,y\n1,p,1,no\n")?.code == "column_ambiguous")
    #expect(error("mean_radius,c,y\n,p,no\n")?.code == "missing_value")
    #expect(error("mean_radius,c,y\n1,p,\n")?.code == "missing_target")
    #expect(error("mean_radius,c,y\n")?.code == "dataset_empty")
  }

  @Test func valuesTooFarFromTheTrainingAreRefused() throws {
    let data = try Small.load("a,y\n1e-30,0\n3e-30,0\n", standardize: true)
    #expect(throws: DataError.outOfRange(column: "a", row: 1)) {
      try DataLoader.apply(
        data.preprocessing, dataset: Small.dataset(), csv: Array("a,y\n3e38,0\n".utf8))
    }
  }

  @Test func oneHotEncodingHasALimit() throws {
    var csv = "id,y\n"
    for row in 0..<(Limits.csvColumns + 2) { csv += "r\(row),0\n" }
    let error = try #require(Small.error(csv, Small.dataset(categorical: ["id"])))
    #expect(error.code == "too_many_features")
    #expect(error.hint == "list id under dataset.exclude")
  }

  @Test func refusesPreprocessingThatIsNone() {
    for text in ["", "{}", "[1]", #"{"task":"guessing"}"#] {
      #expect(throws: DataError.self) { try Preprocessing(jsonText: text) }
    }
  }
}
