// Bad input and faults: each has its own clear error, and nothing is lost.
import Client
import Experiments
import Foundation
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3)))
struct BadInputTests {
  static func csvSpec(_ path: String, target: String = "y", changes: [String: JSONValue] = [:])
    -> JSONValue
  {
    Specs.synthetic(
      changes: [
        "dataset": .object([
          "type": .string("csv"), "path": .string(path), "target": .string(target),
        ])
      ].merging(changes) { $1 })
  }

  @Test func aBrokenSpecIsRefusedWithAllItsMistakesAndNothingIsQueued() async throws {
    try await TestDaemon.with { daemon in
      let path = try daemon.folder.write(
        "broken.yaml",
        """
        name: broken
        dataset: {type: synthetic, rows: 100, features: 5, informative: 5}
        model:
          - {type: dense, units: 8, activation: relu}
          - {type: dense, units: 0, activation: relu}
          - {type: dense, units: 1, activation: sigmod}
        loss: binary_crossentropy
        optimizer: {type: adam, learning_rat: 0.001}
        epochs: 2
        """)
      let result = try await daemon.assay("submit", path)
      #expect(result.status == 2)
      for part in [
        "broken.yaml cannot be queued: 3 mistakes", "model.1.units", "model.2.activation",
        "did you mean sigmoid?", "optimizer.learning_rat", "did you mean learning_rate?",
      ] {
        #expect(result.errors.contains(part), "\(part) is not in: \(result.errors)")
      }
      #expect(try await daemon.client.jobs().items.isEmpty)
    }
  }

  @Test(arguments: [
    ("a,y\n1,no\n2\n3,yes\n", "y", "ragged", ["line 3"]),
    ("a,y\n1,no\nx7,yes\n3,yes\n4,no\n", "y", "number", ["x7", "column a", "row 2", "line 3"]),
    ("a,y\n1,no\n,yes\n3,yes\n4,no\n", "y", "missing", ["row 2", "column a"]),
    ("", "y", "empty", []),
  ])
  func aBadFileFailsItsRunWithTheRowAndColumn(
    _ csv: String, _ target: String, _ word: String, _ parts: [String]
  ) async throws {
    try await TestDaemon.with { daemon in
      let path = try daemon.folder.write("data.csv", csv)
      let spec = try daemon.folder.write("job.json", Self.csvSpec(path).canonicalText)
      let result = try await daemon.assay("submit", spec, "--wait")
      #expect(result.status != 0)
      let text = result.output + result.errors
      for part in parts + ["data.csv"] {
        #expect(text.contains(part), "\(part) is not in: \(text)")
      }
    }
  }

  @Test func aMissingFileAndAMissingTargetAreRefusedAtOnce() async throws {
    try await TestDaemon.with { daemon in
      let missing = try daemon.folder.write(
        "job.json", Self.csvSpec(daemon.folder.file("nosuch.csv")).canonicalText)
      var result = try await daemon.assay("submit", missing)
      #expect(result.status == 2)
      #expect(result.errors.contains("nosuch.csv"))

      let path = try daemon.folder.write("data.csv", "radius,diagnosis\n1,a\n2,b\n")
      let wrong = try daemon.folder.write(
        "job2.json", Self.csvSpec(path, target: "diagnosys").canonicalText)
      result = try await daemon.assay("submit", wrong)
      #expect(result.status == 2)
      #expect(result.errors.contains("dataset.target"))
      #expect(result.errors.contains("did you mean diagnosis?"))

      result = try await daemon.assay("submit", daemon.folder.file("nosuch.yaml"))
      #expect(result.status == 2)
      #expect(result.errors.contains("nosuch.yaml"))
      #expect(try await daemon.client.jobs().items.isEmpty)
    }
  }

  @Test func aDivergingTrainingFailsWithItsEpochAndStepAndKeepsWhatItRecorded() async throws {
    try await TestDaemon.with { daemon in
      // The learning rate grows the weights beyond float32's range after a while.
      let spec = Specs.synthetic(
        rows: 500, epochs: 200,
        changes: [
          "loss": .string("mean_squared_error"),
          "model": .array([
            .object(["type": .string("dense"), "units": .int(1), "activation": .string("linear")])
          ]),
          "metrics": .array([]),
          "optimizer": .object(["type": .string("sgd"), "learning_rate": .number(0.5)]),
        ])
      let job = try await daemon.end(of: daemon.submit(spec))
      #expect(job.state == .failed)
      #expect(job.failure?.code == "training_diverged")
      #expect(job.failure?.message.contains("epoch") == true)
      #expect(job.failure?.message.contains("step") == true)
      let run = try await daemon.run(of: job)
      #expect(run.status == .failed)
      #expect((run.metrics["loss"]?.count ?? 0) > 0)
    }
  }

  @Test func aSecondDaemonIsRefusedAndTheFirstGoesOn() async throws {
    try await TestDaemon.with { daemon in
      let pid = try await daemon.pid
      let second = try await Programs.run(
        Programs.path("assayd"), [], environment: daemon.environment)
      #expect(second.status != 0)
      #expect(second.errors.contains("running already"))
      #expect(try await daemon.pid == pid)
      let again = try await daemon.assayd("--background")
      #expect(again.status == 0)
      #expect(again.output.contains("assayd is ready"))
      #expect(try await daemon.pid == pid)
    }
  }

  @Test func aSocketPathThatIsTooLongIsToldAtOnce() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let long = folder.file(String(repeating: "x", count: 120) + "/assay.sock")
    for program in [("assayd", [String]()), ("assay", ["status"])] {
      let result = try await Programs.run(
        Programs.path(program.0), program.1,
        environment: ["ASSAY_SOCKET": long, "ASSAY_DATA": folder.file("data")])
      #expect(result.status == 2 || result.status == 1)
      #expect(result.errors.contains("107"), "\(program.0): \(result.errors)")
    }
  }

  @Test func withoutADaemonTheMessageSaysHowToStartOne() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let result = try await Programs.run(
      Programs.path("assay"), ["runs"],
      environment: ["ASSAY_SOCKET": folder.file("assay.sock")])
    #expect(result.status == 2)
    #expect(result.errors.contains("assayd --background"))
  }

  @Test func socketAndDataAreTheOwnersAlone() async throws {
    try await TestDaemon.with { daemon in
      let folder = (daemon.socket as NSString).deletingLastPathComponent
      let modes = try [daemon.socket, folder, daemon.data, daemon.data + "/assay.db"].map {
        try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? NSNumber
      }
      #expect(modes.map { $0?.intValue } == [0o600, 0o700, 0o700, 0o600])
    }
  }

  @Test(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
  func aFullDiskLosesNothingThatWasAcknowledged() async throws {
    let mount = try TemporaryFolder()
    let mounted = try await Programs.run(
      "/bin/mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", mount.path])
    guard mounted.status == 0 else {
      print("no tmpfs can be mounted here, so the full disk is left out: \(mounted.errors)")
      return mount.remove()
    }
    var failure: (any Error)?
    do {
      try await TestDaemon.with(data: mount.file("data")) { daemon in
        let before = try await daemon.end(of: daemon.submit(Specs.synthetic()))
        #expect(before.state == .finished)
        let filler = mount.file("filler")
        _ = try await Programs.run(
          "/bin/dd", ["if=/dev/zero", "of=\(filler)", "bs=64k", "count=100000"])
        var refused: String?
        for _ in 0..<2_000 where refused == nil {
          do {
            _ = try await daemon.submit(Specs.synthetic(name: "does-not-fit"))
          } catch let error as ClientError {
            refused = error.code
          }
        }
        #expect(refused == "disk_full")
        let runs = try await daemon.client.runs(RunListQuery(limit: 10)).items
        #expect(!runs.isEmpty, "reading goes on")
        try FileManager.default.removeItem(atPath: filler)
        let after = try await daemon.submit(Specs.synthetic(name: "fits"))
        #expect(after.id > before.id)
        let kept = try await daemon.run(of: before)
        #expect(kept.status == .finished && kept.metrics["loss"]?.count == 3)
        for job in try await daemon.client.jobs(limit: 1_000).items where !job.state.isFinal {
          _ = try? await daemon.client.cancel(job.id)  // the queue's leftovers do not matter here
        }
      }
    } catch {
      failure = error
    }
    _ = try await Programs.run("/bin/umount", ["-l", mount.path])
    mount.remove()
    if let failure { throw failure }
  }
}
