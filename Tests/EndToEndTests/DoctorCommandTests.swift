// `assay doctor` on a sound daemon, on none, and on places that are open.
import Foundation
import Glibc
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct DoctorCommandTests {
  private struct Report: Decodable {
    struct Item: Decodable {
      var check: String
      var state: String
      var message: String
      var hint: String?
    }
    var items: [Item]

    func states(_ check: String) -> [String] {
      items.filter { $0.check == check }.map(\.state)
    }
  }

  private static func report(_ result: Programs.Result) throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
  }

  @Test func aSoundDaemonIsFine() async throws {
    try await TestDaemon.with { daemon in
      let result = try await daemon.assay("doctor", "--json")
      #expect(result.status == 0, "\(result.output)\(result.errors)")
      let report = try Self.report(result)
      for check in [
        "socket", "permissions", "daemon", "versions", "worker", "queue", "clock", "store",
      ] {
        #expect(report.states(check) == ["ok"], "\(check): \(report.items)")
      }
      #expect(!report.states("disk").isEmpty)
      let text = try await daemon.assay("doctor").output
      #expect(text.contains("ok    versions"))
    }
  }

  @Test func openFilesFail() async throws {
    try await TestDaemon.with { daemon in
      chmod(daemon.data + "/assay.db", 0o644)
      chmod(daemon.socket, 0o666)
      let result = try await daemon.assay("doctor", "--json")
      #expect(result.status == 1)
      let report = try Self.report(result)
      #expect(report.states("permissions") == ["fail", "fail"])
      #expect(
        report.items.contains { $0.hint == "close it with: chmod go-rwx \(daemon.data)/assay.db" })
    }
  }

  @Test func withoutADaemonItSaysWhatToDo() async throws {
    let daemon = try TestDaemon()
    let result = try await daemon.assay("doctor", "--json")
    #expect(result.status == 1)
    let report = try Self.report(result)
    #expect(report.states("socket") == ["fail"] && report.states("daemon") == ["fail"])
    #expect(report.items[0].hint?.contains("assayd --background") == true)
    try await daemon.close(showLog: false)
  }
}
