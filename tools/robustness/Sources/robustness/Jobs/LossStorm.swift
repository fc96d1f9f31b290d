// SIGKILL of workers, and of workers and the daemon together. A training must end bit for bit as one
// that was left alone, a program as its policy says, and no process of any may be left.
import BenchSupport
import Foundation

enum LossStorm {
  private static let epochs = 25
  /// Fewer than the losses in a row after which a job is given up.
  private static let killsPerJob = 3

  private struct Job {
    let id: Int64
    /// Nil for a training.
    let policy: String?
    var kills = 0
  }

  static func run(_ options: Options, _ figures: inout Figures) throws {
    let kills = options.rounds(quick: 6, full: 120)
    var random = Random(seed: options.seed, stream: 12)
    let findings = Findings()
    let place = try Place(programs: options.programs)
    let board = JobBoard(place: place)
    var daemon = try JobStorm.start(place, slots: 4)
    let knows = try board.knowsCommands()
    if !knows { say("this daemon knows no command jobs: trainings alone") }
    let training = JobBoard.train(epochs: epochs)
    guard let reference = try board.submit(JobBoard.uid(&random), training),
      try board.waitForAll(seconds: 60)
    else { throw Trouble("the undisturbed training did not end: \(place.logTail)") }

    var jobs: [Job] = []
    var done = 0
    let limit = Moment.now + Double(kills) * 5 + 60
    while done < kills, Moment.now < limit {
      if try board.unfinished(HTTPConnection(place.socket)) < 4 {
        let kind = knows ? random.number(0...3) : 0
        let policy = kind < 2 ? nil : kind == 2 ? "fail" : "requeue"
        var spec = training
        if let policy {
          spec = JobBoard.command(
            ["/bin/sh", "-c", "(setsid sleep 1 &) ; sleep 0.\(random.number(1...9))"],
            directory: place.base)
          spec["on_lost"] = policy
        }
        if let id = try board.submit(JobBoard.uid(&random), spec) {
          jobs.append(Job(id: id, policy: policy))
        }
        continue
      }
      Moment.sleep(Double(random.number(1_000...250_000)) / 1e6)
      let takesDaemon = random.oneIn(3)
      if hit(board, &jobs, findings, &random) { done += 1 }
      if takesDaemon {
        daemon.kill()
        daemon = try JobStorm.start(place, slots: 4)
      }
    }
    if try !board.waitForAll(seconds: 300) { findings.add("missing", "not all jobs have ended") }
    // Programs that a job left behind may take a moment to be ended.
    Moment.sleep(0.5)
    let exit = daemon.stop()
    if exit != .code(0) { findings.add("exit", "after SIGTERM: \(String(describing: exit))") }
    check(jobs, reference, try board.outcomes(), findings)
    let left = board.processes()
    if !left.isEmpty { findings.add("left", "processes \(left)") }
    findings.add("doctor", try StoreCheck.doctor(place))
    if findings.total > 0, options.keeps { say("kept: \(place.base)") } else { place.remove() }

    figures.add("worker_kills", Double(done), unit: "", goal: "some", holds: done > 0)
    figures.add(
      "trainings_hit", Double(jobs.count { $0.policy == nil && $0.kills > 0 }), unit: "", goal: "",
      holds: nil)
    figures.add(
      "commands_hit", Double(jobs.count { $0.policy != nil && $0.kills > 0 }), unit: "", goal: "",
      holds: nil)
    for (name, kind) in [
      ("resumed_otherwise", "resumed"), ("commands_against_policy", "policy"),
      ("lost_jobs_missing", "missing"), ("processes_left", "left"),
      ("loss_doctor_complaints", "doctor"), ("loss_unexpected_ends", "exit"),
    ] {
      let count = findings.count(kind)
      figures.add(name, Double(count), unit: "", goal: "0", holds: count == 0)
    }
  }

  /// Kills a worker whose job may still bear it.
  private static func hit(
    _ board: JobBoard, _ jobs: inout [Job], _ findings: Findings, _ random: inout Random
  ) -> Bool {
    var workers = board.workers()
    workers.shuffle(using: &random)
    for (attempt, pid) in workers {
      guard let text = try? Files.text("\(board.place.data)/attempts/\(attempt)/attempt.json"),
        let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
        let job = object["job_id"] as? Int,
        let index = jobs.firstIndex(where: { $0.id == Int64(job) }),
        jobs[index].kills < killsPerJob
      else { continue }
      kill(pid, SIGKILL)
      jobs[index].kills += 1
      return true
    }
    return false
  }

  private static func check(
    _ jobs: [Job], _ reference: Int64, _ outcomes: [Int64: JobBoard.Outcome], _ findings: Findings
  ) {
    guard let alone = outcomes[reference], let state = alone.finalState else {
      return findings.add("missing", "the undisturbed training has no checkpoint")
    }
    for job in jobs {
      guard let outcome = outcomes[job.id] else {
        findings.add("missing", "job \(job.id) is nowhere")
        continue
      }
      let told = "\(outcome.state) (\(outcome.failureCode ?? "-"): \(outcome.failureMessage ?? ""))"
      switch job.policy {
      case nil:
        if outcome.state != "finished" || outcome.finalState != state
          || outcome.losses != alone.losses
        {
          findings.add(
            "resumed",
            "training \(job.id), hit \(job.kills) times, is \(told), with \(outcome.losses.count) "
              + "losses and the final state \(outcome.finalState ?? "none"), not \(state)")
        }
      case "fail":
        // A kill may also come when the work was done and its end written.
        let isRight =
          outcome.state == "finished"
          || job.kills > 0 && outcome.state == "failed" && outcome.failureCode == "worker_lost"
        if !isRight {
          findings.add("policy", "command \(job.id), hit \(job.kills) times, is \(told)")
        }
      default:
        if outcome.state != "finished" {
          findings.add("policy", "command \(job.id), to be queued again, is \(told)")
        }
      }
    }
  }
}
