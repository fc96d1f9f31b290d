// Backup, restore and doctor as people use them: on a daemon that is at work, and on its folder.
import Client
import Experiments
import Foundation
import Synchronization
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(5)))
struct CareTests {
  /// Points go in all the while; each backup must hold those that were acknowledged before it was
  /// asked for.
  @Test func backupsOfABusyDaemonHoldEverythingFromBefore() async throws {
    try await TestDaemon.with { daemon in
      let run = String(try await daemon.client.openRun(OpenRun(name: "busy")).id)
      let acknowledged = Atomic<Int64>(0)
      let isDone = Atomic(false)
      let client = daemon.client
      let start = Int64(Date().timeIntervalSince1970 * 1e6)
      let writer = Task {
        while !isDone.load(ordering: .acquiring) {
          let from = acknowledged.load(ordering: .acquiring)
          let points = (from..<from + 100).map {
            MetricPoint(
              key: "loss", step: $0, epoch: nil, time: Timestamp(microseconds: start + $0),
              value: Double($0))
          }
          try await client.appendMetrics(run: run, PointsBody(points: points))
          acknowledged.store(from + 100, ordering: .releasing)
        }
      }
      try await eventually("points are there") { acknowledged.load(ordering: .acquiring) > 0 }
      for round in 0..<5 {
        let before = acknowledged.load(ordering: .acquiring)
        let file = daemon.folder.file("backup-\(round).db")
        let backup = try await daemon.assayd("backup", "--to", file)
        #expect(backup.status == 0, "\(backup.errors)")
        let data = daemon.folder.file("restored-\(round)")
        let restore = try await daemon.assayd("restore", file, "--data", data)
        #expect(restore.status == 0, "\(restore.errors)")
        let doctor = try await daemon.assayd("doctor", "--json", "--data", data)
        #expect(doctor.status == 0, "\(doctor.output)\(doctor.errors)")
        try await TestDaemon.with(data: data) { restored in
          let values = try await restored.client.history(run, key: "loss").values
          #expect(values.count >= before)
          #expect(values == (0..<values.count).map { Double($0) })
        }
      }
      isDone.store(true, ordering: .releasing)
      try await writer.value
      let doctor = try await daemon.assayd("doctor")
      #expect(doctor.status == 0, "\(doctor.output)")
      #expect(doctor.output.hasPrefix("nothing is wrong: "))
    }
  }

  /// The restored daemon knows an attempt whose folder it does not have.
  @Test func aTrainingThatRanDuringTheBackupGoesOnAfterTheRestore() async throws {
    try await TestDaemon.with { daemon in
      let job = try await daemon.submit(SurvivalTests.spec)
      try await eventually("the job has a checkpoint") {
        guard let run = try await daemon.client.job(job.id).runId else { return false }
        return try await !daemon.client.checkpoints(String(run)).items.isEmpty
      }
      let file = daemon.folder.file("backup.db")
      #expect(try await daemon.assayd("backup", "--to", file).status == 0)
      let data = daemon.folder.file("restored")
      #expect(try await daemon.assayd("restore", file, "--data", data).status == 0)
      try await TestDaemon.with(data: data) { restored in
        let ended = try await restored.end(of: job)
        #expect(ended.state == .finished, "\(String(describing: ended.failure))")
        #expect(try await restored.assayd("doctor").status == 0)
      }
      #expect(try await daemon.end(of: job).state == .finished)
    }
  }

  @Test func whatCannotBeDoneIsSaidWithItsCode() async throws {
    try await TestDaemon.with { daemon in
      let file = daemon.folder.file("backup.db")
      #expect(try await daemon.assayd("backup", "--to", file).status == 0)
      for (arguments, code) in [
        (["backup", "--to", file, "--json"], "file_exists"),
        (["doctor", "--repair", "--json"], "data_folder_busy"),
      ] {
        let result = try await Programs.run(
          Programs.path("assayd"), arguments, environment: daemon.environment)
        #expect(result.status == 2 && result.errors.contains(code), "\(result.errors)")
      }
      let restore = try await daemon.assayd("restore", file)
      #expect(restore.status == 2 && restore.errors.contains("assayd stop"), "\(restore.errors)")
      #expect(try await daemon.assayd("backup", "--to", file, "--force").status == 0)
      _ = try await daemon.assayd("stop")
      let kept = try await daemon.assayd("restore", file)
      #expect(kept.status == 2 && kept.errors.contains("--force"), "\(kept.errors)")
      let forced = try await daemon.assayd("restore", file, "--force")
      #expect(forced.status == 0 && forced.output.contains("before-restore"), "\(forced.errors)")
      #expect(try await daemon.assayd("doctor", "--repair").status == 0)
      #expect(try await daemon.assayd("migrate").status == 0)
      try await daemon.start()
    }
  }

  @Test func theClientGetsProgressAndTheReport() async throws {
    try await TestDaemon.with { daemon in
      let steps = Mutex<[String]>([])
      let report = try await daemon.client.backup(
        BackupRequest(path: daemon.folder.file("backup.db"))
      ) { progress in
        steps.withLock { $0.append(progress.step) }
      }
      #expect(report.bytes > 0 && steps.withLock { $0 }.allSatisfy { $0 == "pages" })
      #expect(try await daemon.client.doctor().isClean)
      await #expect(throws: ClientError.self) {
        try await daemon.client.backup(BackupRequest(path: "relative.db"))
      }
    }
  }
}
