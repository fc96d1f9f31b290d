// Runs: finding, reading and changing them. Lists, filters and orders read summaries only, never
// points.

package import Experiments
import GRDB

extension Store {
  /// Which runs a list has, and in what order.
  package struct RunQuery: Sendable, Equatable {
    package var experiment: String?
    /// Empty: all.
    package var statuses: [RunStatus]
    /// An expression such as `metrics.val_f1 > 0.9 and params.optimizer.type = 'adam'`.
    package var whereText: String?
    /// Terms such as `-metrics.val_f1`, `params.x`, `started`; newest first where they are equal.
    package var orderBy: [String]
    package var limit: Int
    /// `next` of the page before.
    package var cursor: String?
    /// The deleted ones instead of the others.
    package var deleted: Bool
    /// Only children of that run.
    package var parent: Int64?
    /// What the runs carry of their params, tags and metrics; nil: all.
    package var select: RunSelection?
    /// How the runs are looked for.
    package var effort = QueryEffort()

    package init(
      experiment: String? = nil, statuses: [RunStatus] = [], whereText: String? = nil,
      orderBy: [String] = [], limit: Int = 100, cursor: String? = nil, deleted: Bool = false,
      parent: Int64? = nil, select: RunSelection? = nil
    ) {
      self.experiment = experiment
      self.statuses = statuses
      self.whereText = whereText
      self.orderBy = orderBy
      self.limit = limit
      self.cursor = cursor
      self.deleted = deleted
      self.parent = parent
      self.select = select
    }
  }

  /// A page of runs; `next` is nil on the last one.
  /// - Throws: `invalid_query` (its message shows the place), `invalid_value` (the cursor),
  ///   `experiment_not_found`, `limit_exceeded`.
  package func runs(_ query: RunQuery) async throws -> (items: [Run], next: String?) {
    try Bounds.page(query.limit)
    let list = try RunList(query, now: clock.now())
    return try await read { db in
      let (entries, next) = try list.page(QueryRunner(db), query)
      return (try RunRows.many(db, entries.map(\.id), select: query.select), next)
    }
  }

  /// The same as the JSON of `{"items", "next", "total"}`, as it goes over the wire.
  /// - Parameter counting: whether to say how many runs there are on all pages.
  package func runsJSON(_ query: RunQuery, counting: Bool = false) async throws -> [UInt8] {
    try Bounds.page(query.limit)
    let list = try RunList(query, now: clock.now())
    return try await read { db in
      let (entries, next) = try list.page(QueryRunner(db), query)
      let items = try RunPageJSON.items(db, entries.map(\.id), select: query.select)
      var json = JSONBytes(capacity: items.count + 256)
      json.raw("{\"items\":")
      json.raw(items)
      if let next { json.member(",\"next\":", next) }
      if counting {
        json.member(",\"total\":", Int64(try list.all(QueryRunner(db), query).count))
      }
      json.raw("}")
      return json.bytes
    }
  }

  /// - Throws: `run_not_found`.
  package func run(_ id: Int64) async throws -> Run {
    try await read { try RunRows.one($0, id) }
  }

  /// In the order of `ids`, with one query per table.
  /// - Throws: `run_not_found`.
  package func runs(_ ids: [Int64]) async throws -> [Run] {
    try await read { db in
      let runs = try RunRows.many(db, ids)
      guard runs.count == ids.count else {
        let known = Set(runs.map(\.id))
        throw StoreError.runNotFound(name: "\(ids.first { !known.contains($0) } ?? 0)")
      }
      return runs
    }
  }

  /// The runs that people's names for them mean: `12`, `2-6`, `2,3`, `@latest` (the newest one, of
  /// the experiment if one is given), `@NAME` (a baseline), a hexadecimal id or the beginning of
  /// one (6 digits or more). Each once, in the order of the names. Deleted runs are found by number
  /// and id alone, and in baselines.
  /// - Throws: `run_not_found`, `baseline_not_found`, `ambiguous_id`, `invalid_run_name`,
  ///   `experiment_not_found`, `limit_exceeded`.
  package func resolveRuns(_ names: [String], experiment: String? = nil) async throws -> [Int64] {
    try await read { try RunNames.resolve($0, names, experiment: experiment) }
  }

  /// The same for runs that are to be compared or made a reference: a deleted run that is named is
  /// refused, and those in baselines are left out.
  /// - Throws: also `run_deleted`, `baseline_runs_deleted`.
  package func resolveUsableRuns(_ names: [String]) async throws -> [Int64] {
    try await read { try RunNames.resolveUsable($0, names) }
  }

  /// Changes what people may change; nil leaves a thing as it is.
  /// - Parameters:
  ///   - tags: a nil value removes the tag.
  ///   - deleted: true hides the run from lists, false brings it back.
  /// - Throws: `run_not_found`, `limit_exceeded`, `invalid_value`, `conflict` (deleting a run while
  ///   its job is under way).
  package func changeRun(
    _ id: Int64, name: String? = nil, note: String? = nil, tags: [String: String?]? = nil,
    deleted: Bool? = nil
  ) async throws -> Run {
    if let name { try Bounds.name(name, of: "name") }
    if let note { try Bounds.length(note, of: "note", atMost: Limits.tagCharacters) }
    for (key, value) in tags ?? [:] {
      guard !key.isEmpty else {
        throw StoreError.invalidValue(field: "tags", message: "must not have an empty key")
      }
      try Bounds.length(key, of: "tags", atMost: Limits.keyCharacters)
      try Bounds.length(value ?? "", of: "tags.\(key)", atMost: Limits.tagCharacters)
    }
    let body: WriteQueue.Body<Run> = { [clock] db, change in
      let now = clock.now()
      try RunRows.require(db, id)
      if let name { try db.run("UPDATE runs SET name = ? WHERE id = ?", [name, id]) }
      if let note { try db.run("UPDATE runs SET note = ? WHERE id = ?", [note, id]) }
      for (key, value) in tags ?? [:] { try Self.setTag(db, run: id, key, value) }
      let count = try db.int64("SELECT COUNT(*) FROM tags WHERE run_id = ?", [id]) ?? 0
      if tags != nil { try Bounds.count(Int(count), of: "tags", atMost: Limits.tagsPerRun) }
      if let deleted {
        try deleted ? Self.requireDeletable(db, id) : Self.requireRestorable(db, id)
        let isNew = try db.changed(
          deleted
            ? "UPDATE runs SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL"
            : "UPDATE runs SET deleted_at = NULL WHERE ? AND id = ? AND deleted_at IS NOT NULL",
          [now.microseconds, id])
        if isNew {
          try EventRows.add(db, deleted ? "run_deleted" : "run_restored", at: now, run: id)
        }
      }
      let names = [
        name.map { _ in "name" }, note.map { _ in "note" }, tags.map { _ in "tags" },
      ].compactMap { $0 }
      if !names.isEmpty {
        try EventRows.add(
          db, "run_changed", at: now, run: id,
          data: ["changed": .array(names.map { .string($0) })])
        try LeaseRows.renew(db, run: id, at: now, &change)
      }
      change.note(.runs, run: id)
      return try RunRows.one(db, id)
    }
    return try await deleted == true ? freeingWrite(body) : write(body)
  }

  static func requireDeletable(_ db: Database, _ id: Int64) throws {
    let run = try RunRows.one(db, id)
    guard run.deletedAt == nil, let job = run.jobId else { return }
    let state = try JobRows.state(db, job)
    guard !state.isFinal else { return }
    throw StoreError.conflict(
      "run \(id) cannot be deleted while its job \(job) is \(state.rawValue): cancel the job first")
  }

  private static func setTag(
    _ db: Database, run: Int64, _ key: String, _ value: String?
  ) throws {
    guard let value else {
      try db.run("DELETE FROM tags WHERE run_id = ? AND key = ?", [run, key])
      return
    }
    try db.run(
      """
      INSERT INTO tags (run_id, key, value) VALUES (?, ?, ?)
      ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value
      """, [run, key, value])
  }
}

extension Store {
  /// Runs that belong to this one, oldest first; deleted ones are left out.
  /// - Throws: `run_not_found`.
  package func children(run id: Int64) async throws -> [Int64] {
    try await read { db in
      try RunRows.require(db, id)
      return try db.int64s(
        "SELECT id FROM runs WHERE parent_run_id = ? AND deleted_at IS NULL ORDER BY id", [id])
    }
  }

  /// Where the run's job was submitted from; nil for a run that never had a job.
  /// - Throws: `run_not_found`.
  package func context(run id: Int64) async throws -> SubmitContext? {
    try await read { db in
      try RunRows.require(db, id)
      return try RecordCoding.optional(try Self.text(db, "COALESCE(j.context, o.context)", run: id))
    }
  }

  /// Where the run's newest attempt ran; nil if it has not begun.
  /// - Throws: `run_not_found`.
  package func environment(run id: Int64) async throws -> Environment? {
    try await read { db in
      try RunRows.require(db, id)
      return try RecordCoding.optional(try Self.text(db, "n.info", run: id))
    }
  }

  /// The spec of the run's job, defaults filled in; nil for a run that never had a job.
  /// - Throws: `run_not_found`.
  package func spec(run id: Int64) async throws -> JSONValue? {
    try await read { db in
      try RunRows.require(db, id)
      return try Self.text(db, "COALESCE(j.spec, o.spec)", run: id).map { try JSONText.parse($0) }
    }
  }

  private static func text(_ db: Database, _ column: String, run: Int64) throws -> String? {
    try db.string(
      """
      SELECT \(column) FROM runs r LEFT JOIN jobs j ON j.id = r.job_id
        LEFT JOIN run_origins o ON o.run_id = r.id
        LEFT JOIN environments n ON n.id = r.environment_id
      WHERE r.id = ? AND \(column) IS NOT NULL
      """, [run])
  }
}
