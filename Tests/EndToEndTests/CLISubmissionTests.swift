import Experiments
import Foundation
import Testing
import Wire

/// How a spec file becomes what is sent to the daemon, and what is said when it cannot.
@Suite struct CLISubmissionTests {
  static let spec = CLISpecs.good

  @Test(arguments: [
    ("name: a\nname: b\n", "spec.yaml:1:1: a key stands twice in the same place: name"),
    ("name: &x a\n", "spec.yaml:1:7: anchors and aliases (& and *) are not allowed in a job spec"),
    ("name: !mine a\n", "spec.yaml:1:7: the tag !mine is not allowed in a job spec"),
    ("? [a]\n: b\n", "spec.yaml:1:3: a key must be a plain word"),
    ("name: [1, 2\nb: 3\n", "spec.yaml:2:2: did not find expected ',' or ']'"),
    ("name: a\n\tb: 3\n", "spec.yaml:2:1: found a tab character"),
    ("name: a\n---\nname: b\n", "spec.yaml:2:1: but found another document"),
    ("", "spec.yaml: the file is empty"),
    ("- a\n", "spec.yaml: a job spec is a list of `key: value` lines"),
  ])
  func brokenYAMLIsToldWithItsPlace(_ text: String, _ message: String) async throws {
    let result = try await Self.submit(text, "spec.yaml").result
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("assay: " + message), "\(result.errors)")
  }

  @Test(arguments: [
    (#"{"name": "a","# + "\n \"b\" 3}", "spec.json:2:6: a colon is missing after the key b"),
    (#"{"name": "a", "name": 3}"#, "spec.json:1:15: the key name stands here a second time"),
    (#"{"name": nul}"#, "spec.json:1:10: no value begins here"),
    (#"{"seed": 01}"#, "spec.json:1:10: 01 is not a number"),
    (#"{"name": "a""#, "spec.json:1:13: a comma or } is missing"),
    (#"{} x"#, "spec.json:1:4: nothing may follow the value"),
    (String(repeating: "[", count: 100_000), "spec.json:1:513: nested too deeply"),
  ])
  func brokenJSONIsToldWithItsPlace(_ text: String, _ message: String) async throws {
    let result = try await Self.submit(text, "spec.json").result
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("assay: " + message), "\(result.errors)")
  }

  @Test func allMistakesAreToldAtOnceAndNothingIsSent() async throws {
    let text = Self.spec
      .replacing("activation: sigmoid", with: "activation: sigmod")
      .replacing("learning_rate", with: "learning_rat")
    let (result, requests) = try await Self.submit(text, "broken.yaml")
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(requests.isEmpty)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.first == "broken.yaml cannot be queued: 2 mistakes")
    #expect(
      lines.dropFirst().first
        == "  optimizer.learning_rat   unknown key; did you mean learning_rate?")
    #expect(lines.last?.hasPrefix(#"  model.1.activation       "sigmod" is none of"#) == true)
  }

  @Test func scalarsAreThoseOfYAML12() async throws {
    let text = """
      name: a
      tags: {a: no, b: "1", c: 1_000, d: ~x}
      seed: 0x10
      epochs: !!str 12
      batch_size: +8
      split: {test: .5, validation: 1.e-1}
      standardize: True

      """
    let spec = try await Self.settled(text, ["--set", "epochs=3"])
    #expect(
      spec["tags"]
        == .object([
          "a": .string("no"), "b": .string("1"), "c": .string("1_000"), "d": .string("~x"),
        ]))
    #expect(spec["seed"] == .int(16))
    #expect(spec["epochs"] == .int(3))
    #expect(spec["batch_size"] == .int(8))
    #expect(spec["split"] == .object(["test": .number(0.5), "validation": .number(0.1)]))
    #expect(spec["standardize"] == .bool(true))
  }

  @Test func optionsChangeTheSpec() async throws {
    let request = try await Self.request(
      Self.spec,
      [
        "--set", "optimizer.learning_rate=0.01", "--set", "model.0.units=16", "--name", "other",
        "--experiment", "trial", "--priority=-3", "--tag", "a.b=c=d",
      ])
    let spec = try #require(request.jobs.first?.spec)
    #expect(spec["optimizer"]?["learning_rate"] == .number(0.01))
    #expect(spec["model"]?.arrayValue?.first?["units"] == .int(16))
    #expect(spec["name"] == .string("other"))
    #expect(spec["experiment"] == .string("trial"))
    #expect(spec["priority"] == .int(-3))
    #expect(spec["tags"] == .object(["a.b": .string("c=d")]))
  }

  @Test func seedsCountUpFromTheSpecs() async throws {
    let jobs = try await Self.request(Self.spec, ["--seeds", "3"]).jobs
    #expect(jobs.map { $0.spec["seed"] } == [.int(7), .int(8), .int(9)])
    #expect(Set(jobs.map(\.uid)).count == 3)
    let rest = jobs.map { job in job.spec.objectValue?.filter { $0.key != "seed" } }
    #expect(Set(rest).count == 1)
  }

  @Test func aDatasetIsFoundBesideItsSpec() async throws {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    try FileManager.default.createDirectory(
      atPath: daemon.folder.file("specs"), withIntermediateDirectories: true)
    try daemon.folder.write("specs/data.csv", "x,y\n1,a\n2,b\n")
    let spec = Self.spec.replacing(
      "{type: synthetic, rows: 60000, features: 100}",
      with: "{type: csv, path: ./data.csv, target: y}")
    try daemon.folder.write("specs/spec.yaml", spec)
    let result = try await Self.assay(["submit", "specs/spec.yaml"], daemon)
    #expect(result.status == 0, "\(result.errors)")
    let request = try Self.decoded(try #require(daemon.bodies.first))
    #expect(
      request.jobs.first?.spec["dataset"]?["path"] == .string(daemon.folder.file("specs/data.csv")))
    try daemon.folder.write("specs/wrong.yaml", spec.replacing("target: y", with: "target: z"))
    let wrong = try await Self.assay(["submit", "specs/wrong.yaml"], daemon)
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains(#"  dataset.target   "z" is no column of data.csv"#))
  }

  @Test func aDatasetOfAnOptionIsFoundInTheCurrentFolder() async throws {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    try FileManager.default.createDirectory(
      atPath: daemon.folder.file("specs"), withIntermediateDirectories: true)
    try daemon.folder.write("new.csv", "x,y\n1,a\n2,b\n")
    let spec = Self.spec.replacing(
      "{type: synthetic, rows: 60000, features: 100}",
      with: "{type: csv, path: data.csv, target: y}")
    try daemon.folder.write("specs/spec.yaml", "\u{FEFF}" + spec)
    let result = try await Self.assay(
      ["submit", "specs/spec.yaml", "--set", "dataset.path=new.csv"], daemon)
    #expect(result.status == 0, "\(result.errors)")
    let request = try Self.decoded(try #require(daemon.bodies.first))
    #expect(
      request.jobs.first?.spec["dataset"]?["path"] == .string(daemon.folder.file("new.csv")))
    #expect(request.jobs.first?.spec["name"] == .string("reference"), "a byte order mark is none")
  }

  @Test func theGitStateOfTheFolderGoesAlong() async throws {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    let file = try daemon.folder.write("spec.yaml", Self.spec)
    let setUp = """
      git init -q -b trunk . && git add spec.yaml && \
      git -c user.name=a -c user.email=a@b commit -q -m x && git rev-parse HEAD
      """
    let commit = try await Programs.run("/bin/sh", ["-c", setUp], directory: daemon.folder.path)
    try #require(commit.status == 0, "\(commit.errors)")
    _ = try await Self.assay(["submit", "spec.yaml"], daemon)
    try (Self.spec + "# changed\n").write(toFile: file, atomically: true, encoding: .utf8)
    _ = try await Self.assay(["submit", "spec.yaml"], daemon)
    let contexts = try daemon.bodies.map { try Self.decoded($0).context }
    #expect(contexts.map(\.gitDirty) == [false, true])
    #expect(contexts.allSatisfy { $0.gitBranch == "trunk" })
    #expect(contexts.allSatisfy { $0.gitCommit.map { $0 + "\n" } == commit.output })
    #expect(contexts.allSatisfy { $0.directory == daemon.folder.path })
  }

  // MARK: Running it

  /// What is sent of a spec that has `text` and what else it needs.
  private static func settled(_ text: String, _ options: [String]) async throws -> JSONValue {
    let rest = """
      dataset: {type: synthetic}
      model: [{type: dense, units: 1, activation: sigmoid}]
      loss: binary_crossentropy
      optimizer: sgd

      """
    return try #require(try await request(text + rest, options).jobs.first?.spec)
  }

  private static func request(_ text: String, _ options: [String]) async throws -> SubmitRequest {
    let (result, requests) = try await submit(text, "spec.yaml", options)
    try #require(result.status == 0, "\(result.errors)")
    return try decoded(try #require(requests.first))
  }

  private static func decoded(_ body: String) throws -> SubmitRequest {
    try WireCoding.decoder().decode(SubmitRequest.self, from: Data(body.utf8))
  }

  private static func submit(
    _ text: String, _ name: String, _ options: [String] = []
  ) async throws -> (result: Programs.Result, requests: [String]) {
    let daemon = try CannedDaemon()
    defer { daemon.close() }
    try daemon.folder.write(name, text)
    let result = try await assay(["submit", name] + options, daemon)
    return (result, daemon.bodies)
  }

  private static func assay(
    _ arguments: [String], _ daemon: CannedDaemon
  ) async throws -> Programs.Result {
    try await Programs.run(
      Programs.path("assay"), arguments, environment: ["ASSAY_SOCKET": daemon.socketPath],
      directory: daemon.folder.path)
  }
}
