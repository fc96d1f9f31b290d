// The configuration file: what it may say, what it may not, and reading it anew.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct ConfigurationTests {
  @Test func theFileIsReadAndReadAnew() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let config = try folder.write(
      "assayd.conf",
      """
      # slots of the test
      slots = 3   # as many
      log-format = json
      log-level = debug

      """)
    let daemon = try Foreground(
      ["--config", config, "--undo-days", "7"], environment: [:], folder: folder)
    defer { daemon.end() }
    let client = AssayClient(socketPath: daemon.socket)
    try await eventually("it answers") { (try? await client.status().slots) == 3 }
    try folder.write(
      "assayd.conf",
      "slots = 5\nundo-days = 1\nmax-size = 2GiB\nlog-format = text\nsocket = ~/other.sock\n")
    let reload = try await Self.assayd(daemon, "reload")
    #expect(reload.status == 0, "\(reload.errors)")
    let lines = reload.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "read \(config)")
    #expect(lines.contains("slots = 5: in force now"))
    #expect(lines.contains("max-size = 2147483648: in force now"))
    #expect(lines.contains("log-format = text: in force now"))
    // The flag goes before the file, the variable before it as well.
    #expect(!reload.output.contains("undo-days") && !reload.output.contains("socket"))
    #expect(try await client.status().slots == 5)
    #expect(try await client.usage().maxBytes == 2_147_483_648)
    // What cannot be understood changes nothing, also at a signal.
    try folder.write("assayd.conf", "slots = 6\nslotz = 7\n")
    let wrong = try await Self.assayd(daemon, "reload")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("\(config):2: \"slotz\" is unknown"), "\(wrong.errors)")
    #expect(wrong.errors.contains("slots"))
    daemon.send(SIGHUP)
    try await eventually("the log says so") {
      try daemon.log.contains("the settings stay as they are")
    }
    #expect(try await client.status().slots == 5)
    try folder.write("assayd.conf", "slots = 6\n")
    daemon.send(SIGHUP)
    try await eventually("the signal counts") { try await client.status().slots == 6 }
    // The first lines are JSON, with the ids of the requests.
    let first = try #require(try daemon.log.split(separator: "\n").first)
    let line = try JSONDecoder().decode([String: String].self, from: Data(first.utf8))
    #expect(line["level"] != nil && line["time"]?.hasSuffix("Z") == true)
    #expect(try daemon.log.contains("\"request\":\""))
    await client.shutdown()
    try await daemon.stop()
  }

  @Test(arguments: [
    ("slotz = 2", "1: \"slotz\" is unknown; did you mean slots?"),
    ("slots", "1: \"slots\" is not of the form"),
    ("\nslots = 0", "2: \"0\" is not a number from 1 to 1024"),
    ("slots = 2\nslots = 3", "2: \"slots\" is there already, on line 1"),
    ("max-size = big", "1: \"big\" is not a size such as 20GB"),
    ("log-level = loud", "1: \"loud\" is not one of"), ("socket =", "1: \"socket\" has no value"),
    ("listen = here", "1: \"here\" is not HOST:PORT"),
  ])
  func aMistakeNamesFileAndLine(text: String, expected: String) async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let config = try folder.write("c.conf", text)
    let result = try await Programs.run(
      Programs.path("assayd"), ["--background", "--config", config],
      environment: ["ASSAY_SOCKET": folder.file("s/s.sock"), "ASSAY_DATA": folder.file("data")])
    #expect(result.status == 1)
    #expect(result.errors.contains("\(config):"))
    let problem = expected.split(separator: ";")[0]
    #expect(result.errors.contains(problem), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("data")))
  }

  @Test func aFileThatOthersCanWriteIsRefused() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let config = try folder.write("c.conf", "slots = 2\n")
    chmod(config, 0o666)
    let result = try await Programs.run(
      Programs.path("assayd"), ["--background", "--config", config],
      environment: ["ASSAY_SOCKET": folder.file("s/s.sock"), "ASSAY_DATA": folder.file("data")])
    #expect(result.status == 1 && result.errors.contains("can be written by other users"))
  }

  @Test func theUsersFileTellsAllVerbsWhereTheDataAre() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    try FileManager.default.createDirectory(
      atPath: folder.file("config/assay"), withIntermediateDirectories: true)
    try folder.write(
      "config/assay/assayd.conf",
      "data = \(folder.file("there"))\nsocket = \(folder.file("s/s.sock"))\nslots = 1\n")
    let environment = [
      "XDG_CONFIG_HOME": folder.file("config"), "ASSAY_DATA": "", "ASSAY_SOCKET": "",
    ]
    func assayd(_ arguments: String...) async throws -> Programs.Result {
      try await Programs.run(Programs.path("assayd"), arguments, environment: environment)
    }
    let start = try await assayd("--background")
    #expect(start.status == 0, "\(start.errors)")
    #expect(start.output.contains(folder.file("s/s.sock")))
    let reload = try await assayd("reload")
    #expect(reload.output.contains("nothing has changed"), "\(reload.output)\(reload.errors)")
    #expect(try await assayd("stop").output.hasPrefix("assayd has stopped"))
    #expect(FileManager.default.fileExists(atPath: folder.file("there/assay.db")))
  }

  private static func assayd(
    _ daemon: Foreground, _ verb: String
  ) async throws -> Programs.Result {
    try await Programs.run(
      Programs.path("assayd"), [verb],
      environment: ["ASSAY_SOCKET": daemon.socket, "ASSAY_DATA": daemon.data])
  }
}
