// CSV files and JSON lines: their forms, what is no value, and what happens then.

import Experiments
import Foundation
import Imports
import Testing

@Suite struct TableImportTests {
  private static func csv(
    _ text: String, change: (inout TableOptions) -> Void = { _ in }
  ) throws -> Collected {
    try Fixture.withFile("table.csv", Array(text.utf8)) { path in
      var options = TableOptions(common: ImportOptions(name: "table.csv"))
      change(&options)
      return try Collected(CSVTableSource(path, absolutePath: path, options: options))
    }
  }

  private static func lines(
    _ text: String, change: (inout TableOptions) -> Void = { _ in }
  ) throws -> Collected {
    try Fixture.withFile("log.jsonl", Array(text.utf8)) { path in
      var options = TableOptions(common: ImportOptions(name: "log.jsonl"))
      change(&options)
      return try Collected(JSONLinesSource(path, absolutePath: path, options: options))
    }
  }

  @Test func readsTheWideForm() throws {
    let run = try Self.csv(
      """
      step,time,loss,"val, loss"\r
      0,1760000000,1.5,\r
      1,1760000000.5,nan,"-inf"\r
      2,2026-01-31T12:00:00.25Z,1e-3,7\r

      """
    ).only
    #expect(
      run.points["loss"] == [
        ["0", "1760000000000000", "1.5"], ["1", "1760000000500000", "NaN"],
        ["2", "1769860800250000", "0.001"],
      ])
    #expect(
      run.points["val, loss"] == [
        ["1", "1760000000500000", "-Infinity"], ["2", "1769860800250000", "7.0"],
      ])
    #expect(run.status == .finished && run.run.name == "table")
  }

  @Test func takesTheEpochForTheStepWhereThereIsNone() throws {
    let keras = try Self.csv("epoch,loss\n0,1\n1,0.5\n").only
    #expect(keras.points["loss"] == [["0", "-", "1.0"], ["1", "-", "0.5"]])
    let bare = try Self.csv("loss\n3\n4\n").only
    #expect(bare.points["loss"] == [["0", "-", "3.0"], ["1", "-", "4.0"]])
  }

  @Test func readsTheLongFormWithRuns() throws {
    let found = try Self.csv("run,key,step,value\na,loss,1,2\nb,loss,1,3\na,acc,1,0.5\n")
    #expect(try found.run(named: "a").points.keys.sorted() == ["acc", "loss"])
    #expect(try found.run(named: "b").points["loss"] == [["1", "-", "3.0"]])
  }

  @Test(arguments: [
    ("step,loss\n1,2\nx,3\n", 3, "step"), ("step,loss\n1,two\n", 2, "loss"),
    ("step,loss\n1,2,3\n", 2, "loss"), ("step,loss\n,2\n", 2, "step"),
    ("step,\"lo\nss\"\n1,0x10\n", 3, "lo\nss"), ("step,time,loss\n1,noon,2\n", 2, "time"),
  ])
  func namesABadCellAndImportsNothing(text: String, line: Int, column: String) throws {
    do {
      _ = try Self.csv(text)
      Issue.record("\(text) was read")
    } catch ImportError.badCell(_, let foundLine, let foundColumn, _) {
      #expect(foundLine == line && foundColumn == column)
    }
    let rest = try Self.csv(text) { $0.skipBad = true }
    #expect(rest.skipped.contains { $0.what.contains("table.csv:\(line)") })
  }

  @Test(arguments: [
    "", "step,step\n1,2\n", "step\n1\n", "step,\"a\n", "step,a\n1,b\"c\n",
  ])
  func refusesWhatIsNoTable(text: String) {
    #expect(throws: ImportError.self) { _ = try Self.csv(text) }
  }

  @Test func takesNamedColumnsAndLeavesOthersOut() throws {
    let run = try Self.csv("batch,trial,comment,loss\n5,x,good,1\n") {
      $0.stepColumn = "batch"
      $0.runColumn = "trial"
      $0.ignored = ["comment"]
    }.only
    #expect(run.run.name == "x" && run.points["loss"] == [["5", "-", "1.0"]])
    #expect(throws: ImportError.self) {
      _ = try Self.csv("batch,loss\n1,2\n") { $0.stepColumn = "batsch" }
    }
  }

  @Test func readsLargeFilesInPieces() throws {
    var text = "step,loss,acc\n"
    for step in 0..<400_000 { text += "\(step),0.123456789,\(step % 7)\n" }
    let run = try Self.csv(text).only
    #expect(run.points["loss"]?.count == 400_000 && run.points["acc"]?.count == 400_000)
    #expect(run.points["acc"]?.last == ["399999", "-", "\(399_999 % 7).0"])
    #expect(run.pieces >= 40)
  }

  @Test func readsBothFormsOfJSONLines() throws {
    let found = try Self.lines(
      """
      {"params": {"lr": 0.1, "net": {"units": [64, 32]}, "name": "größe"}}
      {"step": 1, "time": 1760000000, "loss": 0.5, "acc": null}
      {"step": 2, "loss": NaN, "acc": "Infinity"}

      {"key": "loss", "step": 3, "value": -Infinity}
      {"tags": {"team": "a"}}
      """)
    let run = try found.only
    #expect(run.params == ["lr": "0.1", "net.units": "[64,32]", "name": "größe"])
    #expect(run.tags["team"] == "a")
    #expect(
      run.points["loss"] == [
        ["1", "1760000000000000", "0.5"], ["2", "-", "NaN"], ["3", "-", "-Infinity"],
      ])
    #expect(run.points["acc"] == [["2", "-", "Infinity"]])
  }

  @Test(arguments: [
    ("{\"step\": 1, \"loss\": 2}\n{\"step\": 1,\n", 2), ("[1]\n", 1), ("{\"loss\": \"two\"}\n", 1),
    ("{\"step\": 1.5, \"loss\": 2}\n", 1), ("{\"loss\": 1, \"loss\": 2}\n", 1),
    ("{\"loss\": true}\n", 1), ("{\"\\u+12F\": 1}\n", 1), ("{\"\\u-001\": 1}\n", 1),
    ("\n{\"loss\": 1} x\n", 2),
  ])
  func namesABadLineAndImportsNothing(text: String, line: Int) throws {
    do {
      _ = try Self.lines(text)
      Issue.record("\(text) was read")
    } catch ImportError.badCell(_, let found, _, _) {
      #expect(found == line)
    }
    #expect(try Self.lines(text) { $0.skipBad = true }.skipped.count == 1)
  }

  @Test func aNamedMemberThatNoLineHasIsAMistake() throws {
    let text = "{\"batch\": 3, \"loss\": 1}\n{\"loss\": 2}\n"
    #expect(
      try Self.lines(text) { $0.stepColumn = "batch" }.only.points["loss"]?.first
        == ["3", "-", "1.0"])
    for skipBad in [false, true] {
      do {
        _ = try Self.lines(text) {
          $0.stepColumn = "batsch"
          $0.skipBad = skipBad
        }
        Issue.record("it was read")
      } catch ImportError.badTable(_, let problem, let hint) {
        #expect(problem.contains("\"batsch\"") && problem.contains("did you mean batch?"))
        #expect(hint == "its lines have batch, loss")
      }
    }
  }

  @Test func knowsAFileAgain() throws {
    let text = "step,loss\n1,2\n"
    #expect(try Self.csv(text).order == Self.csv(text).order)
    #expect(try Self.csv(text).only.run.uid == SourceIdentity.uid(["csv", "table.csv", ""]))
  }
}
