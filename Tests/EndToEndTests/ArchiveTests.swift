// Experiments that move from one Assay to another, with the real programs on both sides.

import Client
import Crypto
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct ArchiveTests {
  @Test func anExperimentIsTheSameElsewhere() async throws {
    try await TestDaemon.with { here in
      try await Self.record(here)
      let file = here.folder.file("tests.tar")
      let exported = try await here.assay("export", "tests", "--to", file)
      #expect(exported.status == 0, "\(exported.errors)")
      #expect(exported.output.contains("4 runs"))
      try await Self.unpack(file, here.folder)

      try await TestDaemon.with { there in
        // So that numbers of runs differ.
        _ = try await there.client.importRun(Self.stranger)
        let imported = try await there.assay("import", "archive", file)
        #expect(imported.status == 0, "\(imported.errors)")
        #expect(imported.output.hasPrefix("imported 4 runs: "))
        for id in 1...4 { try await Self.expectSame(String(id), here, String(id + 1), there) }
        // A log belongs to an attempt; elsewhere it is a file.
        let log = try await here.client.log("1").text
        #expect(
          String(decoding: try await there.client.artifact("2", path: "log.txt"), as: UTF8.self)
            == log)
        #expect(try await there.client.detail("5").run.parentId == 2)

        let events = try await there.assay("events", "--json").output
        let again = try await there.assay("import", "archive", file)
        #expect(again.output == "nothing is new: 4 runs here already\n")
        #expect(try await there.assay("events", "--json").output == events)
        let home = try await here.assay("import", "archive", file)
        #expect(home.output == "nothing is new: 4 runs here already\n")

        try await Self.expectLikeNative(there)
        try await Self.expectProof(there)

        // And on to a third one, from the second.
        let second = there.folder.file("second.tar")
        #expect(try await there.assay("export", "2", "--to", second).status == 0)
        try await TestDaemon.with { third in
          let result = try await third.assay(
            "import", "archive", second, "--experiment", "moved", "--json")
          #expect(result.status == 0, "\(result.errors)")
          #expect(try await third.client.run("1").experiment == "moved")
          try await Self.expectSame("2", there, "1", third, experiment: "moved")
        }
      }
    }
  }

  @Test func aDamagedArchiveIsRefusedWhole() async throws {
    try await TestDaemon.with { daemon in
      var run = Self.stranger
      run.artifacts = []
      _ = try await daemon.client.importRun(run)
      try await daemon.client.putArtifact(
        run: "1", path: "big.bin", mediaType: "application/octet-stream",
        bytes: [UInt8](repeating: 1, count: 100_000))
      let file = daemon.folder.file("a.tar")
      #expect(try await daemon.assay("export", "1", "--to", file).status == 0)
      let good = try Data(contentsOf: URL(fileURLWithPath: file))

      try await TestDaemon.with { there in
        func refused(_ bytes: Data, _ code: String, _ words: String) async throws {
          let bad = there.folder.file("bad.tar")
          try bytes.write(to: URL(fileURLWithPath: bad))
          let result = try await there.assay("import", "archive", bad, "--json")
          #expect(result.status == 2)
          #expect(
            result.errors.contains("\"\(code)\"") && result.errors.contains(words),
            "\(result.errors)")
          let runs = try await there.client.runs().items
          #expect(runs.isEmpty)
        }
        var flipped = good
        let place = try #require(good.firstRange(of: Data(repeating: 1, count: 1_000))).lowerBound
        flipped[place + 50_000] ^= 1
        try await refused(flipped, "archive_damaged", "artifacts/\(run.uid)/big.bin")
        try await refused(good.prefix(60_000), "archive_truncated", "artifacts/\(run.uid)/big.bin")
        var newer = good
        let version = try #require(good.firstRange(of: Data("\"version\":1".utf8)))
        newer[version.upperBound - 1] = UInt8(ascii: "9")
        try await refused(newer, "archive_newer", "version 9")
        try await refused(Data("text".utf8), "not_an_archive", "bad.tar")
      }
    }
  }

  /// Whoever edits an archive by hand and forgets something is told.
  @Test func aRunWithFewerPointsThanItSaysIsNotComplete() async throws {
    try await TestDaemon.with { here in
      _ = try await here.client.importRun(Self.stranger)
      _ = try await here.client.addMetrics(
        "1",
        MetricsBatch(
          points: (0..<20).map {
            MetricPoint(
              key: "loss", step: $0, epoch: nil, time: Self.stranger.createdAt, value: Double($0))
          }))
      let file = here.folder.file("a.tar")
      #expect(try await here.assay("export", "1", "--to", file).status == 0)
      try await Self.unpack(file, here.folder)
      let edited = here.folder.file("edited.tar")
      let result = try await Programs.run(
        "/bin/sh",
        [
          "-c",
          """
          cd out && sed -i 's/"count":20/"count":21/' runs.jsonl && rm SHA256SUMS &&
          find . -type f | sed 's,^\\./,,' | xargs sha256sum > ../sums &&
          mv ../sums SHA256SUMS && tar cf "$0" --format=pax .
          """, edited,
        ], directory: here.folder.path)
      #expect(result.status == 0, "\(result.errors)")
      try await TestDaemon.with { there in
        let imported = try await there.assay("import", "archive", edited)
        #expect(imported.status == 2)
        #expect(
          imported.errors.contains("it has 20 points of \"loss\" where its run says 21"),
          "\(imported.errors)")
        #expect(try await there.assay("import", "archive", file).status == 0)
      }
    }
  }

  @Test func anImportThatWasKilledGoesOn() async throws {
    try await TestDaemon.with { here in
      for index in 0..<40 {
        var run = Self.stranger
        run.uid = Identifier(at: Timestamp(microseconds: 1_800_000_000_000_000 + Int64(index)))
        _ = try await here.client.importRun(run)
        let name = String(index + 1)
        _ = try await here.client.addMetrics(
          name,
          MetricsBatch(
            points: (0..<500).map {
              MetricPoint(
                key: "loss", step: $0, epoch: nil, time: run.createdAt.adding(seconds: 1),
                value: $0 == 3 ? .nan : Double($0) / 3)
            }))
        try await here.client.putArtifact(
          run: name, path: "random.bin", mediaType: "application/octet-stream",
          bytes: (0..<300_000).map { _ in UInt8.random(in: 0...255) })
      }
      let file = here.folder.file("a.tar")
      #expect(try await here.assay("export", "elsewhere", "--to", file).status == 0)
      try await TestDaemon.with { there in
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Programs.path("assay"))
        process.arguments = ["import", "archive", file]
        process.environment = ProcessInfo.processInfo.environment
          .merging(there.environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        try await eventually("some runs are there") {
          try await there.client.runs().items.count >= 5
        }
        kill(process.processIdentifier, SIGKILL)
        try await eventually("the import is gone") { !process.isRunning }
        let result = try await there.assay("import", "archive", file)
        #expect(result.status == 0, "\(result.errors)")
        #expect(
          result.output.contains("imported") || result.output.contains("completed")
            || result.output.contains("nothing is new"))
        for id in try await there.client.runs(RunListQuery(limit: 100)).items {
          try await Self.expectSame(id.uid.text, here, id.uid.text, there)
        }
        #expect(try await there.client.runs(RunListQuery(limit: 100)).items.count == 40)
        #expect(try await there.assay("import", "archive", file).output.hasPrefix("nothing is new"))
      }
    }
  }

  @Test func anExportTakesWhatIsAskedFor() async throws {
    try await TestDaemon.with { daemon in
      for index in 0..<3 {
        var run = Self.stranger
        run.uid = Identifier(at: Timestamp(microseconds: 1_800_000_000_000_000 + Int64(index)))
        run.tags = ["index": String(index)]
        _ = try await daemon.client.importRun(run)
      }
      func export(_ arguments: String...) async throws -> Programs.Result {
        try await daemon.assay(
          ["export"] + arguments + ["--to", daemon.folder.file("a.tar"), "--force"])
      }
      #expect(try await export("elsewhere").output.contains("3 runs"))
      #expect(try await export("1-2", "@latest").output.contains("3 runs"))
      #expect(try await export("1,2").output.contains("2 runs"))
      #expect(try await export("--where", "tags.index != '1'").output.contains("2 runs"))
      #expect(try await export("1-2", "--where", "tags.index = '1'").output.contains("1 run,"))
      #expect(try await export("1", "--without", "checkpoints,logs").status == 0)
      #expect(try await export("elsewere").errors.contains("did you mean elsewhere?"))
      #expect(try await export("--where", "tags.index = '9'").errors.contains("no such run"))
      #expect(try await export("1", "--without", "everything").status == 2)
      let result = try await daemon.assay("export", "1", "--to", daemon.folder.file("a.tar"))
      #expect(result.status == 2)
      #expect(result.errors.contains("exists already"))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: daemon.folder.path).filter {
          $0.contains("tar")
        } == ["a.tar"])
    }
  }
}

extension ArchiveTests {
  /// Three trainings and an evaluation, with all that people add to them.
  private static func record(_ daemon: TestDaemon) async throws {
    let csv = try daemon.folder.write(
      "rows.csv",
      (["a,b,y"] + (0..<300).map { "\($0 % 17),\($0 % 11 - 5),\($0 % 17 > 8 ? 1 : 0)" })
        .joined(separator: "\n") + "\n")
    let specs = (1...3).map { seed in
      Specs.synthetic(
        epochs: 3, seed: seed,
        changes: [
          "dataset": .object([
            "type": .string("csv"), "path": .string(csv), "target": .string("y"),
          ])
        ])
    }
    for job in try await daemon.submit(specs) {
      #expect(try await daemon.end(of: job).state == .finished)
    }
    #expect(try await daemon.assay("evaluate", "1", "--data", csv, "--wait").status == 0)
    #expect(try await daemon.assay("tag", "1", "paper=yes", "owner=ä b").status == 0)
    #expect(try await daemon.assay("note", "2", "the best\nso far").status == 0)
    let report = try daemon.folder.write("report.md", "# Report\n")
    let path = "plots/ü \(String(repeating: "long ", count: 30)).md"
    let put = try await daemon.assay("artifact", "put", "1", report, "--path", path)
    #expect(put.status == 0, "\(put.errors)")
    // From someone who is no attempt, with values that JSON lacks.
    _ = try await daemon.client.addMetrics(
      "3",
      MetricsBatch(
        points: [Double.nan, .infinity, -.infinity, 0.1].enumerated().map {
          MetricPoint(
            key: "odd/key", step: Int64($0.offset), epoch: nil,
            time: Timestamp(microseconds: 1_800_000_000_000_000), value: $0.element)
        }))
  }

  private static func unpack(_ file: String, _ folder: TemporaryFolder) async throws {
    let result = try await Programs.run(
      "/bin/sh",
      [
        "-c",
        "mkdir out && tar xf \"$0\" -C out && cd out && sha256sum -c --quiet --strict SHA256SUMS",
        file,
      ],
      directory: folder.path)
    #expect(result.status == 0, "\(result.errors)")
  }

  private static func text(_ value: some Encodable) throws -> String {
    String(decoding: try WireCoding.encoder().encode(value), as: UTF8.self)
  }

  /// Value by value: the record, every series, every checkpoint and artifact.
  private static func expectSame(
    _ name: String, _ here: TestDaemon, _ otherName: String, _ there: TestDaemon,
    experiment: String? = nil
  ) async throws {
    var one = try await here.client.archiveRun(name)
    var other = try await there.client.archiveRun(otherName)
    if let experiment { one.experiment = experiment }
    one.artifacts.removeAll { $0.path == "log.txt" }
    other.artifacts.removeAll { $0.path == "log.txt" }
    // Sums depend on the order of addition.
    for key in one.metrics.keys {
      let (a, b) = (one.metrics[key]?.mean ?? 0, other.metrics[key]?.mean ?? 1)
      #expect(abs(a - b) <= 1e-12 * abs(a) || "\(a)" == "\(b)")
      other.metrics[key]?.mean = a
    }
    #expect(try text(one) == text(other))
    #expect(one.metrics.count == other.metrics.count)
    for key in one.metrics.keys {
      let a = try await here.client.history(name, key: key)
      let b = try await there.client.history(otherName, key: key)
      #expect(a.steps == b.steps && a.epochs == b.epochs && a.times == b.times)
      #expect(a.values.map(\.bitPattern) == b.values.map(\.bitPattern), "\(key)")
    }
    for checkpoint in one.checkpoints {
      let bytes = try await there.client.checkpointBytes(otherName, .epoch(checkpoint.epoch))
      let digest = SHA256.hash(data: bytes).map { String(Int($0) + 256, radix: 16).dropFirst() }
        .joined()
      #expect(digest == checkpoint.sha256)
    }
    for artifact in one.artifacts {
      let a = try await here.client.artifact(name, path: artifact.path)
      #expect(try await there.client.artifact(otherName, path: artifact.path) == a)
    }
  }

  /// What came in is compared, queried and made a baseline like anything else.
  private static func expectLikeNative(_ daemon: TestDaemon) async throws {
    let client = daemon.client
    let best = try await client.checkpoints("2").items.first { $0.isBest }
    #expect(best != nil)
    let found = try await client.runs(
      RunListQuery(
        experiment: "tests", whereText: "params.epochs = 3 and metrics.loss >= 0",
        orderBy: ["metrics.test_f1"]))
    #expect(found.items.count == 3)
    #expect(try await daemon.assay("baseline", "set", "old", "2", "3").status == 0)
    let compared = try await daemon.assay("compare", "@old", "4")
    #expect([0, 1, 3].contains(compared.status), "\(compared.errors)")
    #expect(compared.output.contains("test_f1"))
    let shown = try await daemon.assay("show", "2")
    #expect(shown.status == 0)
    let evaluated = try await daemon.assay(
      "export", "--experiment", "tests", "--to", daemon.folder.file("again.tar"))
    #expect(evaluated.status == 0, "\(evaluated.errors)")
  }

  /// An epoch of which only the weights came is trained again, and is what it was.
  private static func expectProof(_ daemon: TestDaemon) async throws {
    let hashes = try await daemon.client.epochHashes("2").items
    #expect(hashes.map(\.epoch) == [1, 2, 3])
    let file = daemon.folder.file("first.safetensors")
    let result = try await daemon.assay(
      "checkpoint", "export", "2", "--epoch", "1", "--whole", "--output", file)
    #expect(result.status == 0, "\(result.errors)")
    let digest = SHA256.hash(data: try Data(contentsOf: URL(fileURLWithPath: file)))
      .map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
    #expect(digest == hashes.first?.sha256)
  }

  private static let stranger = ArchiveRun(
    uid: Identifier(at: Timestamp(microseconds: 1_700_000_000_000_000)), name: "stranger",
    experiment: "elsewhere", status: .finished,
    createdAt: Timestamp(microseconds: 1_700_000_000_000_000))
}
