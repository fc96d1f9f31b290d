// What MLflow's two local stores have in common: its words for a run's status, its own tags, and
// where a run's files lie.

import Experiments

enum MLflowRecords {
  static let parentTag = "mlflow.parentRunId"
  static let nameTag = "mlflow.runName"
  static let noteTag = "mlflow.note.content"
  static let userTag = "mlflow.user"

  /// What a run is made of before it is fitted into Assay's limits.
  struct Facts {
    var uid: Identifier
    var name: String?
    var experiment: String
    var status: RunStatus
    var isDeleted: Bool
    var startMilliseconds: Int64?
    var endMilliseconds: Int64?
    var user: String?
    var params: [String: String] = [:]
    var tags: [String: String] = [:]
    var signature = ""
  }

  /// By name, or by the number that `meta.yaml` has. Nil for what MLflow has not.
  static func status(_ text: String) -> RunStatus? {
    switch text {
    case "RUNNING", "1", "SCHEDULED", "2": .running
    case "FINISHED", "3": .finished
    case "FAILED", "4": .failed
    case "KILLED", "5": .cancelled
    default: nil
    }
  }

  /// MLflow's tags stay tags; those that say something that Assay has a place for say it there too.
  static func run(
    _ facts: Facts, options: ImportOptions, source: String, importable: Set<Identifier>
  ) -> (run: FoundRun, skipped: [Skipped]) {
    let name = facts.name ?? facts.tags[nameTag]
    var fitting = Fitting(owner: owner(facts))
    var run = FoundRun(
      uid: facts.uid, name: fitting.name(name), experiment: options.experiment ?? facts.experiment,
      signature: facts.signature)
    var tags = facts.tags
    if let user = facts.user, !user.isEmpty, tags[userTag] == nil { tags[userTag] = user }
    if facts.isDeleted { tags["mlflow.lifecycle_stage"] = "deleted" }
    run.note = fitting.note(tags[noteTag])
    run.params = fitting.params(facts.params)
    run.tags = fitting.tags(tags)
    run.tags["assay.source"] = "mlflow \(source)"
    run.startedAt = timestamp(facts.startMilliseconds)
    run.createdAt = run.startedAt
    if let parent = tags[parentTag] {
      if let uid = Identifier(parent), importable.contains(uid) {
        run.parent = uid
      } else {
        fitting.skip("the parent \(Fitting.shown(parent))", "it is not imported; the tag is kept")
      }
    }
    return (run, fitting.skipped)
  }

  static func owner(_ facts: Facts) -> String {
    let name = facts.name ?? facts.tags[nameTag]
    return "run \(facts.uid.text)" + (name.map { " (\(Fitting.shown($0)))" } ?? "")
  }

  static func timestamp(_ milliseconds: Int64?) -> Timestamp? {
    guard let milliseconds, milliseconds > 0 else { return nil }
    let time = milliseconds.multipliedReportingOverflow(by: 1_000)
    return time.overflow ? nil : Timestamp(microseconds: time.partialValue)
  }

  /// Parents before their children, else in the given order.
  static func ordered(
    _ uids: [Identifier], parents: [Identifier: Identifier]
  ) -> [Identifier] {
    let present = Set(uids)
    var placed: Set<Identifier> = []
    var order: [Identifier] = []
    for uid in uids {
      // Up to the first ancestor that is placed already; a circle ends at its first run again.
      var chain: [Identifier] = []
      var next: Identifier? = uid
      while let uid = next, present.contains(uid), !placed.contains(uid) {
        placed.insert(uid)
        chain.append(uid)
        next = parents[uid]
      }
      order += chain.reversed()
    }
    return order
  }
}

extension MLflowRecords {
  static func add(
    dataset parts: [(name: String, value: String?)], number: Int, to tags: inout [String: String]
  ) {
    let prefix = number == 1 ? "mlflow.dataset." : "mlflow.dataset.\(number)."
    for (name, value) in parts {
      if let value { tags[prefix + name] = value }
    }
  }
}
