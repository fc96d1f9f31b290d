// What a CSV file may look like and still be read for what it says.

import Experiments
import Foundation
import Testing
import Training

@Suite struct CSVReadingTests {
  @Test(
    arguments: [
      ("plain", "a,b,y\n1,2,3\n4,5,6\n"),
      ("no line feed at the end", "a,b,y\n1,2,3\n4,5,6"),
      ("CRLF", "a,b,y\r\n1,2,3\r\n4,5,6\r\n"),
      ("mixed line ends", "a,b,y\r\n1,2,3\n4,5,6\r\n"),
      ("byte order mark", "\u{FEFF}a,b,y\n1,2,3\n4,5,6\n"),
      ("blank lines at the end", "a,b,y\n1,2,3\n4,5,6\n\n\r\n"),
      ("quoted numbers and names", "\"a\",b,\"y\"\n\"1\",2,\"3\"\n4,\"5\",6\n"),
      ("spaces around", "a , b,\ty\n 1,2 ,\t3\n4, 5 ,6\n"),
      ("other spellings", "a,b,y\n1.0,+2,3e0\n400E-2,.5e1,6.\n"),
      ("quoted text beside", "a,b,y,note\n1,2,3,\"x,\"\"y\n\nz\"\n4,5,6,\n"),
    ])
  func readsTheSameNumbers(_ name: String, _ csv: String) throws {
    let data = try Small.load(csv, Small.dataset(features: ["a", "b"]))
    #expect(data.train.features == Matrix(rows: 2, columns: 2, values: [1, 2, 4, 5]))
    #expect(data.train.values == [3, 6])
    #expect(data.train.rowNumbers == [1, 2])
  }

  @Test(
    arguments: [
      "0", "-0", "7", "-12.5", "0.1", "1e-45", "3.4028234e38", "16777217", "0.30000001192092896",
      "123456789012345678901234567890", "0.000000000000000000000000000000123456789012345678901",
      "9007199254740993", "1.7976931348623157e-30", "2.2250738585072011e-308", "1e-999",
      "5.0000000000000000000000000000000000001e-1", "00000000000000000000000012.25", "1e22", "1e23",
      "8.5e-23", "1.00000005960464477539", "1.000000059604644775390625",
      "1.0000000596046447753906251",
    ])
  func roundsNumbersAsTheStandardLibraryDoes(_ text: String) throws {
    let data = try Small.load("a,y\n\(text),1\n")
    let expected = Float(try #require(Double(text)))
    #expect(data.train.features.values[0].bitPattern == expected.bitPattern)
  }

  @Test func columnsComeInTheOrderOfFeaturesOrOfTheFile() throws {
    let csv = "a,y,b,c\n1,9,2,3\n"
    #expect(try Small.load(csv).train.features.values == [1, 2, 3])
    let chosen = Small.dataset(features: ["c", "a"])
    #expect(try Small.load(csv, chosen).train.features.values == [3, 1])
    let excluded = Small.dataset(exclude: ["b"])
    #expect(try Small.load(csv, excluded).preprocessing.featureNames == ["a", "c"])
  }

  @Test func excludedColumnsMayHoldAnything() throws {
    let csv = "a,y,note\n1,9,\n2,8,text\n"
    let data = try Small.load(csv, Small.dataset(exclude: ["note"]))
    #expect(data.train.features.values == [1, 2])
  }

  @Test func categoriesBecomeOneFeatureEachInSortedOrder() throws {
    let csv = "a,colour,y\n1,red,0\n2,\"blue, dark\",0\n3, red ,0\n"
    let data = try Small.load(csv, Small.dataset(categorical: ["colour"]), standardize: true)
    #expect(data.preprocessing.featureNames == ["a", "colour=blue, dark", "colour=red"])
    let features = data.train.features
    #expect(features.columns == 3)
    #expect([features.values[1], features.values[2]] == [0, 1])
    #expect([features.values[4], features.values[5]] == [1, 0])
    #expect([features.values[7], features.values[8]] == [0, 1])
  }

  @Test func numericCategoriesAreSortedAsNumbers() throws {
    let csv = "size,y\n10,0\n9,0\n-1,0\n"
    let data = try Small.load(csv, Small.dataset(categorical: ["size"]))
    #expect(data.preprocessing.featureNames == ["size=-1", "size=9", "size=10"])
  }

  @Test(
    arguments: [
      (["10", "9", "0"], nil, ["0", "9", "10"]),
      (["b", "10", "9"], nil, ["10", "9", "b"]),
      (["yes", "no"], nil, ["no", "yes"]),
      (["yes", "no"], "no", ["yes", "no"]),
      (["yes", "no"], "yes", ["no", "yes"]),
      (["1", "-1"], nil, ["-1", "1"]),
    ] as [([String], String?, [String])])
  func ordersClasses(_ labels: [String], _ positive: String?, _ expected: [String]) throws {
    let rows = labels.map { "1,\($0)\n" }.joined()
    let data = try Small.load(
      "a,y\n" + rows, Small.dataset(task: .classification, positive: positive),
      outputs: labels.count == 2 ? 1 : labels.count)
    #expect(data.classes == expected)
    #expect(data.preprocessing.classes == expected)
    #expect(data.preprocessing.positive == (labels.count == 2 ? expected[1] : nil))
    #expect(data.train.classIndexes.map { expected[Int($0)] } == labels)
    #expect(data.train.values.isEmpty)
  }

  @Test func theExamplesAreReadWhole() throws {
    let folder = Fixture.examples.appending(path: "data")
    for (file, target, rows, features, outputs) in [
      ("breast_cancer.csv", "diagnosis", 569, 30, 1), ("digits.csv", "digit", 1_797, 64, 10),
    ] {
      let csv = [UInt8](try Data(contentsOf: folder.appending(path: file)))
      let data = try DataLoader.load(
        Small.spec(
          .csv(Small.dataset(target: target, task: .classification)),
          split: SplitSpec(validation: 0.1, test: 0.15), standardize: true, outputs: outputs),
        csv: csv)
      #expect(data.train.count + data.validation.count + data.test.count == rows)
      #expect(data.train.features.columns == features)
      #expect(data.classes.count == max(2, outputs))
      #expect(data.warnings.isEmpty)
    }
  }
}
