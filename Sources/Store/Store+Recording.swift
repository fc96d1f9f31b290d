// Runs without a job: someone else does them and says what happens. They are opened, get params and
// metrics, and are ended, each of it as often as one likes with the same result.

package import Experiments
import GRDB

extension Store {
  package struct NewRun: Sendable {
    /// The same one again is the same run; nil: a new one each time.
    package var uid: Identifier?
    package var name: String
    package var experiment: String
    /// Nil: now.
    package var createdAt: Timestamp?
    /// Nil: `createdAt`.
    package var startedAt: Timestamp?
    package var params: [String: JSONValue]
    package var tags: [String: String]
    package var parentId: Int64?
    package var seed: Int64?
    package var note: String
    /// How long nothing may be heard of it before it is lost; nil: for ever.
    package var leaseSeconds: Int?

    package init(
      uid: Identifier? = nil, name: String = NewRun.defaultName,
      experiment: String = NewRun.defaultExperiment, createdAt: Timestamp? = nil,
      startedAt: Timestamp? = nil, params: [String: JSONValue] = [:], tags: [String: String] = [:],
      parentId: Int64? = nil, seed: Int64? = nil, note: String = "", leaseSeconds: Int? = nil
    ) {
      self.uid = uid
      self.name = name
      self.experiment = experiment
      self.createdAt = createdAt
      self.startedAt = startedAt
      self.params = params
      self.tags = tags
      self.parentId = parentId
      self.seed = seed
      self.note = note
      self.leaseSeconds = leaseSeconds
    }

    package static let defaultName = "run"
    package static let defaultExperiment = "default"
  }

  /// Opens a run with the status `running`. One with its `uid` that is there already stays as it is,
  /// except that params and tags are added that it has not.
  /// - Returns: the run, and whether it was opened now.
  /// - Throws: `param_conflict`, `run_deleted`, `conflict` (the uid is that of a job's run), `run_not_found` (the
  ///   parent), `invalid_value`, `limit_exceeded`.
  package func openRun(_ run: NewRun) async throws -> (run: Run, isNew: Bool) {
    try Bounds.name(run.name, of: "name")
    try Bounds.name(run.experiment, of: "experiment")
    try Bounds.length(run.note, of: "note", atMost: Limits.tagCharacters)
    let params = try RunParams.checked(run.params)
    try RunParams.check(tags: run.tags)
    if let seconds = run.leaseSeconds { try LeaseRows.check(seconds: seconds) }
    return try await write { [clock, makeIdentifier] db, change in
      let now = clock.now()
      if let uid = run.uid,
        let row = try db.row("SELECT id, job_id FROM runs WHERE uid = ?", [uid.text])
      {
        let id: Int64 = row[0]
        if let job = row[1] as Int64? {
          throw StoreError.conflict("the id \(uid) is that of run \(id), which is job \(job)'s")
        }
        try RunRows.requireUsable(db, id)
        let hasNew = try RunParams.add(db, run: id, params)
        let hasTags = try RunParams.add(db, run: id, tags: run.tags)
        if hasNew || hasTags { change.note(.runs, run: id) }
        try LeaseRows.renew(db, run: id, at: now, &change)
        if let seconds = run.leaseSeconds { try LeaseRows.grant(db, run: id, seconds, at: now) }
        return (try RunRows.one(db, id), false)
      }
      if let parent = run.parentId { try RunRows.require(db, parent) }
      let created = run.createdAt ?? run.startedAt ?? now
      try db.run(
        """
        INSERT INTO runs (uid, experiment_id, parent_run_id, name, status, seed, note, created_at,
          started_at)
        VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?)
        """,
        [
          (run.uid ?? makeIdentifier(created)).text,
          try ExperimentRows.id(db, run.experiment, at: now), run.parentId, run.name, run.seed,
          run.note, created.microseconds, (run.startedAt ?? created).microseconds,
        ])
      let id = db.lastInsertedRowID
      _ = try RunParams.add(db, run: id, params)
      _ = try RunParams.add(db, run: id, tags: run.tags)
      if let seconds = run.leaseSeconds { try LeaseRows.grant(db, run: id, seconds, at: now) }
      try EventRows.add(db, "run_opened", at: now, run: id)
      change.note(.runs, run: id)
      return (try RunRows.one(db, id), true)
    }
  }

  /// Adds params to any run; one that it has with the same value changes nothing.
  /// - Throws: `run_not_found`, `run_deleted`, `param_conflict`, `invalid_value`, `limit_exceeded`.
  package func addParams(run id: Int64, _ params: [String: JSONValue]) async throws {
    let params = try RunParams.checked(params)
    try await write { [clock] db, change in
      try RunRows.requireUsable(db, id)
      if try RunParams.add(db, run: id, params) { change.note(.runs, run: id) }
      try LeaseRows.renew(db, run: id, at: clock.now(), &change)
    }
  }

  /// The end of a run without a job. The same end again changes nothing.
  /// - Parameters:
  ///   - status: a final one.
  ///   - endedAt: nil: now.
  /// - Throws: `run_not_found`, `invalid_value`, `conflict` (a job's run, or one that has ended
  ///   otherwise).
  package func endRun(
    _ id: Int64, status: RunStatus, endedAt: Timestamp? = nil
  ) async throws -> Run {
    guard status.isFinal else {
      throw StoreError.invalidValue(
        field: "status", message: "is \(status.rawValue), which is no end")
    }
    return try await write { [clock] db, change in
      let row = try db.row("SELECT job_id, status FROM runs WHERE id = ?", [id])
      guard let row else { throw StoreError.runNotFound(name: "\(id)") }
      if let job = row[0] as Int64? {
        throw StoreError.conflict("run \(id) ends with its job \(job), not by itself")
      }
      var current: RunStatus = try row.name(1)
      if current == .lost, status != .lost,
        try LeaseRows.renew(db, run: id, at: clock.now(), &change)
      {
        current = .running
      }
      if current.isFinal, current != status {
        throw StoreError.conflict("run \(id) has ended already: \(current.rawValue)")
      }
      if !current.isFinal {
        let time = endedAt ?? clock.now()
        try RunWriter.move(db, id, to: status, at: time)
        try LeaseRows.end(db, run: id)
        try EventRows.add(db, "run_\(status.rawValue)", at: time, run: id)
        change.note(.runs, run: id)
      }
      return try RunRows.one(db, id)
    }
  }
}
