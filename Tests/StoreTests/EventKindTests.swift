// Every kind of event that the store writes is one that hooks know and that the documentation has.

import Experiments
import Foundation
import Testing

@Suite struct EventKindTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test func whatIsWrittenIsKnown() throws {
    var written: Set<String> = []
    let folder = Self.root.appending(path: "Sources/Store")
    let files = try #require(FileManager.default.enumerator(atPath: folder.path))
    let call = /(?:EventRows\.add|ScheduleRows\.event)\(\s*db,\s*(?<what>[^,]*),/
    for case let file as String in files where file.hasSuffix(".swift") {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      for match in text.matches(of: call) {
        for kind in match.what.matches(of: /"(?<kind>[a-z_]+)"/) {
          written.insert(String(kind.kind))
        }
      }
    }
    #expect(written.count > 20)
    let known = Set(EventKind.allCases.map(\.rawValue))
    #expect(written.subtracting(known).isEmpty)
  }

  @Test func whatIsKnownIsDocumented() throws {
    let text = try String(
      contentsOf: Self.root.appending(path: "docs/http-api.md"), encoding: .utf8)
    for kind in EventKind.allCases { #expect(text.contains("`\(kind.rawValue)`"), "\(kind)") }
  }

  @Test func patternsAreKindsOrBeginnings() {
    #expect(EventPattern.mistake(in: "run_*") == nil && EventPattern.mistake(in: "*") == nil)
    #expect(EventPattern.mistake(in: "run_faild")?.contains("did you mean run_failed?") == true)
    #expect(EventPattern.mistake(in: "walk*") != nil && EventPattern.mistake(in: "run_") != nil)
    #expect(EventPattern.matches("run_*", "run_failed") && EventPattern.matches("*", "x"))
    #expect(!EventPattern.matches("run_f*", "run_lost"))
    #expect(!EventPattern.matches("run_failed", "run_failed_more"))
  }
}
