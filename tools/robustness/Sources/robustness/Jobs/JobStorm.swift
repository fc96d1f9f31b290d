// SIGKILL of the daemon at random instants with eight jobs at work, programs and trainings. Each must
// end with its true exit code, having run once, with every metric that it told.
import BenchSupport
import Foundation

enum JobStorm {
  private static let slots = 8

  /// What a job must have done in the end.
  private struct Expected {
    let uid: String
    let spec: [String: Any]
    /// Nil for a training.
    let exitCode: Int?
    /// The file to which the program adds a line when it begins.
    let trace: String?
    let points: Int
    var id: Int64?
  }

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let kills = options.rounds(quick: 10, full: 200)
    var random = Random(seed: options.seed, stream: 11)
    let findings = Findings()
    let place = try Place(programs: options.programs)
    let board = JobBoard(place: place)
    var jobs: [Expected] = []
    var knowsCommands: Bool?
    for _ in 0..<kills {
      let daemon = try start(place)
      let knows = try knowsCommands ?? board.knowsCommands()
      if knowsCommands == nil, !knows { say("this daemon knows no command jobs: trainings alone") }
      knowsCommands = knows
      for index in jobs.indices where jobs[index].id == nil {
        jobs[index].id = try board.submit(jobs[index].uid, jobs[index].spec)
      }
      let missing = slots + 2 - (try board.unfinished(HTTPConnection(place.socket)))
      for _ in 0..<max(0, missing) {
        var job = make(place, number: jobs.count, commands: knows, &random)
        job.id = try board.submit(job.uid, job.spec)
        jobs.append(job)
      }
      Moment.sleep(Double(random.number(0...400_000)) / 1e6)
      if daemon.hasEnded { findings.add("exit", "it ended by itself: \(place.logTail)") }
      daemon.kill()
    }
    let daemon = try start(place)
    for index in jobs.indices where jobs[index].id == nil {
      jobs[index].id = try board.submit(jobs[index].uid, jobs[index].spec)
    }
    if try !board.waitForAll(seconds: 300) { findings.add("missing", "not all jobs have ended") }
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
    try check(jobs, try board.outcomes(), findings)
    findings.add("doctor", try StoreCheck.doctor(place))
    let left = board.processes()
    if !left.isEmpty { findings.add("left", "processes \(left)") }
    if findings.total > 0, options.keeps { say("kept: \(place.base)") } else { place.remove() }

    figures.add("daemon_kills", Double(kills), unit: "", goal: "", holds: nil)
    for (name, isCommand) in [("storm_commands", true), ("storm_trainings", false)] {
      let count = jobs.count { ($0.exitCode != nil) == isCommand }
      figures.add(
        name, Double(count), unit: "", goal: "some",
        holds: count > 0 ? true : isCommand && knowsCommands == false ? nil : false)
    }
    for (name, kind) in [
      ("jobs_with_untrue_end", "untrue"), ("jobs_run_twice", "twice"),
      ("jobs_missing", "missing"), ("job_metrics_missing", "metrics"),
      ("storm_processes_left", "left"), ("storm_doctor_complaints", "doctor"),
      ("storm_unexpected_ends", "exit"),
    ] {
      let count = findings.count(kind)
      figures.add(name, Double(count), unit: "", goal: "0", holds: count == 0)
    }
  }

  static func start(_ place: Place, slots: Int = slots) throws -> DaemonProcess {
    try DaemonProcess(
      place, worker: place.program("assay-worker"), slots: slots,
      environment: [JobBoard.trace: place.base])
  }

  private static func make(
    _ place: Place, number: Int, commands: Bool, _ random: inout Random
  ) -> Expected {
    let uid = JobBoard.uid(&random)
    guard commands, !random.oneIn(3) else {
      let epochs = random.number(2...20)
      return Expected(
        uid: uid, spec: JobBoard.train(epochs: epochs, rows: 5_000, seed: number), exitCode: nil,
        trace: nil, points: epochs)
    }
    let trace = "\(place.base)/ran-\(number)"
    let points = random.number(0...40)
    let code = random.oneIn(2) ? 0 : random.number(1...120)
    let pause = Double(random.number(1...60)) / 1_000
    var spec = JobBoard.command(
      [
        "/bin/sh", "-c",
        """
        echo ran >> \(trace); i=0
        while [ $i -lt \(points) ]; do
          echo "{\\"step\\": $i, \\"loss\\": 0.5}"; i=$((i+1)); sleep \(pause)
        done
        exit \(code)
        """,
      ], directory: place.base)
    spec["parse"] = "jsonl"
    return Expected(uid: uid, spec: spec, exitCode: code, trace: trace, points: points)
  }

  private static func check(
    _ jobs: [Expected], _ outcomes: [Int64: JobBoard.Outcome], _ findings: Findings
  ) throws {
    for job in jobs {
      guard let id = job.id, let outcome = outcomes[id] else {
        findings.add("missing", "job \(job.uid) is nowhere")
        continue
      }
      let state = (job.exitCode ?? 0) == 0 ? "finished" : "failed"
      if outcome.state != state || job.exitCode != nil && outcome.exitCode != job.exitCode {
        findings.add(
          "untrue",
          "job \(id) is \(outcome.state), exit code \(outcome.exitCode ?? -1), "
            + "\(outcome.failureMessage ?? ""); it must be \(state), \(job.exitCode ?? 0)")
      }
      if let trace = job.trace {
        let count = Files.exists(trace) ? try Files.text(trace).split(separator: "\n").count : 0
        if count > 1 { findings.add("twice", "job \(id) ran \(count) times") }
        if count == 0 { findings.add("missing", "job \(id) never ran") }
      } else if outcome.lostWorkers > 0 {
        findings.add("twice", "\(outcome.lostWorkers) workers of job \(id) were lost")
      }
      if outcome.losses.count != job.points {
        findings.add(
          "metrics", "job \(id) has \(outcome.losses.count) points of loss, not \(job.points)")
      }
    }
  }
}
