// What can go wrong in the store. Codes are stable: programs compare with them; messages are for
// people and contain the offending value.

package import Checkpoints
package import Experiments

package enum StoreError: Error, Sendable, Equatable {
  /// `name` as it was asked for: a number, an id, `@latest` …
  case runNotFound(name: String)
  /// It can be looked at and brought back, and nothing else.
  case runDeleted(Int64)
  /// All that the baseline names.
  case baselineRunsDeleted(name: String)
  case jobNotFound(Int64)
  case attemptNotFound(Int64)
  case experimentNotFound(name: String)
  case baselineNotFound(name: String)
  case scheduleNotFound(Int64)
  case queueNotFound(name: String)
  case hookNotFound(name: String)
  case checkNotFound(Int64)
  case checkpointNotFound(run: Int64, choice: String)
  case artifactNotFound(run: Int64, path: String)
  case metricNotFound(run: Int64, key: String)
  /// Its token is wrong, or the attempt is over or replaced by a newer one.
  case attemptFenced(Int64)
  case ambiguousId(text: String)
  case invalidRunName(String)
  /// `message` ends in the expression with a caret under `position` (in characters, from 0).
  case invalidQuery(message: String, position: Int)
  case invalidValue(field: String, message: String)
  case limitExceeded(field: String, limit: Int64, value: Int64)
  case conflict(String)
  case nameTaken(kind: String, name: String)
  /// A param keeps its first value.
  case paramConflict(run: Int64, key: String, stored: String, given: String)
  case jobFinal(Int64, state: JobState)
  case datasetChanged(run: Int64, expected: String, found: String)
  /// The next offset that the log takes.
  case logGap(expected: Int64, offset: Int64)
  case chunkMissing([String])
  case checkpointDamaged(run: Int64, epoch: Int, reason: String)
  /// A chunk, manifest or path that is not what it must be.
  case content(CheckpointError)
  case artifactDamaged(run: Int64, path: String, reason: String)
  case fileExists(path: String)
  /// `found`: one of the names in it.
  case folderNotEmpty(path: String, found: String)
  /// `first` of what the doctor found.
  case backupDamaged(path: String, problems: Int, first: String)
  case diskFull
  /// Bytes; only content is refused for it.
  case quotaExceeded(limit: Int64, used: Int64)
  case inputOutput(String)
  case databaseDamaged(String)
  case databaseBusy
  case databaseNewer(migrations: [String])
  case migrationEdited(name: String)
  case cannotOpen(path: String, reason: String)
  /// Nothing more is written; `reason` says why.
  case storeClosed(reason: String)
  case `internal`(String)
}

extension StoreError {
  package var code: String {
    switch self {
    case .runNotFound: "run_not_found"
    case .runDeleted: "run_deleted"
    case .baselineRunsDeleted: "baseline_runs_deleted"
    case .jobNotFound: "job_not_found"
    case .attemptNotFound: "attempt_not_found"
    case .experimentNotFound: "experiment_not_found"
    case .baselineNotFound: "baseline_not_found"
    case .scheduleNotFound: "schedule_not_found"
    case .queueNotFound: "queue_not_found"
    case .hookNotFound: "hook_not_found"
    case .checkNotFound: "check_not_found"
    case .checkpointNotFound: "checkpoint_not_found"
    case .artifactNotFound: "artifact_not_found"
    case .metricNotFound: "metric_not_found"
    case .attemptFenced: "attempt_fenced"
    case .ambiguousId: "ambiguous_id"
    case .invalidRunName: "invalid_run_name"
    case .invalidQuery: "invalid_query"
    case .invalidValue: "invalid_value"
    case .limitExceeded: "limit_exceeded"
    case .conflict: "conflict"
    case .nameTaken: "name_taken"
    case .paramConflict: "param_conflict"
    case .jobFinal: "job_final"
    case .datasetChanged: "dataset_changed"
    case .logGap: "log_gap"
    case .chunkMissing: "chunk_missing"
    case .checkpointDamaged: "checkpoint_damaged"
    case .content(let error): error.code
    case .artifactDamaged: "artifact_damaged"
    case .fileExists: "file_exists"
    case .folderNotEmpty: "data_folder_not_empty"
    case .backupDamaged: "backup_damaged"
    case .diskFull: "disk_full"
    case .quotaExceeded: "quota_exceeded"
    case .inputOutput: "io_error"
    case .databaseDamaged: "database_damaged"
    case .databaseBusy: "database_busy"
    case .databaseNewer: "database_newer"
    case .migrationEdited: "migration_edited"
    case .cannotOpen: "cannot_open"
    case .storeClosed: "store_closed"
    case .internal: "internal"
    }
  }

  package var message: String {
    switch self {
    case .runNotFound(let name): "there is no run \(name)"
    case .runDeleted(let id): "run \(id) is deleted"
    case .baselineRunsDeleted(let name): "all runs of baseline \"\(name)\" are deleted"
    case .jobNotFound(let id): "there is no job \(id)"
    case .attemptNotFound(let id): "there is no attempt \(id)"
    case .experimentNotFound(let name): "there is no experiment \"\(name)\""
    case .baselineNotFound(let name): "there is no baseline \"\(name)\""
    case .scheduleNotFound(let id): "there is no schedule \(id)"
    case .queueNotFound(let name): "there is no queue \"\(name)\""
    case .hookNotFound(let name): "there is no hook \"\(name)\""
    case .checkNotFound(let id): "there is no check \(id)"
    case .checkpointNotFound(let run, let choice):
      choice == "best" || choice == "latest"
        ? "run \(run) has no checkpoint" : "run \(run) has no checkpoint of epoch \(choice)"
    case .artifactNotFound(let run, let path): "run \(run) has no artifact \"\(path)\""
    case .metricNotFound(let run, let key): "run \(run) has no metric \"\(key)\""
    case .attemptFenced(let id):
      "attempt \(id) may no longer write: it is over, or a newer one has taken its place"
    case .ambiguousId(let text): "more than one run has an id that begins with \(text)"
    case .invalidRunName(let text): "\"\(text)\" names no run"
    case .invalidQuery(let message, _): message
    case .invalidValue(let field, let message): "\(field) \(message)"
    case .limitExceeded(let field, let limit, let value):
      "\(field) is \(value), which is over the limit of \(limit)"
    case .conflict(let message): message
    case .nameTaken(let kind, let name): "there is a \(kind) \"\(name)\" already"
    case .paramConflict(let run, let key, let stored, let given):
      """
      the param \(key) of run \(run) is "\(stored.prefix(200))" and cannot become \
      "\(given.prefix(200))"
      """
    case .jobFinal(let id, let state):
      "job \(id) is over: \(state.rawValue.replacing("_", with: " "))"
    case .datasetChanged(let run, let expected, let found):
      "the dataset of run \(run) has changed: its SHA-256 was \(expected) and is now \(found)"
    case .logGap(let expected, let offset):
      "a piece of log at offset \(offset) leaves a gap: the log ends at \(expected)"
    case .chunkMissing(let names):
      names.count == 1
        ? "chunk \(names[0]) is missing"
        : "\(names.count) chunks are missing, among them \(names[0])"
    case .checkpointDamaged(let run, let epoch, let reason):
      "the checkpoint of epoch \(epoch) of run \(run) is damaged: \(reason)"
    case .content(let error): error.message
    case .artifactDamaged(let run, let path, let reason):
      "artifact \"\(path)\" of run \(run) is damaged: \(reason)"
    case .fileExists(let path): "\(path) exists already"
    case .folderNotEmpty(let path, let found):
      "the data folder \(path) is not empty: it has \(found)"
    case .backupDamaged(let path, let problems, let first):
      problems == 1
        ? "\(path) is damaged: \(first)"
        : "\(path) is damaged in \(problems) places, among them \(first)"
    case .diskFull:
      "the disk is full: nothing of this was written, all that was written before is safe"
    case .quotaExceeded(let limit, let used):
      "the store has \(used) bytes, and takes no more checkpoints and artifacts beyond \(limit)"
    case .inputOutput(let reason): "the disk could not be read or written: \(reason)"
    case .databaseDamaged(let reason): "the database is damaged: \(reason)"
    case .databaseBusy: "another process holds the database"
    case .databaseNewer(let names):
      "the database was written by a newer Assay: this one does not know \(names.joined(separator: ", "))"
    case .migrationEdited(let name):
      "migration \(name) is not what was applied to this database: its text has been edited"
    case .cannotOpen(let path, let reason): "\(path) cannot be opened: \(reason)"
    case .storeClosed(let reason): "nothing more is stored: \(reason)"
    case .internal(let reason): "the store failed: \(reason)"
    }
  }

  /// What to do about it, where that is known.
  package var hint: String? {
    switch self {
    case .runNotFound: "`assay runs` lists them"
    case .runDeleted(let id): "bring it back with `assay rm --undo \(id)`"
    case .baselineRunsDeleted:
      "bring them back with `assay rm --undo RUN`, or set the baseline anew"
    case .jobNotFound: "`assay jobs` lists them"
    case .baselineNotFound: "`assay baseline list` lists them"
    case .scheduleNotFound: "`assay schedule list` lists them"
    case .queueNotFound(let name):
      "`assay queue list` lists them; make it with: assay queue set \(name)"
    case .hookNotFound: "`assay hook list` lists them"
    case .ambiguousId: "give more of its digits, or the run's number"
    case .invalidRunName: "name runs as 12, 2-6, 2,3, @latest, @BASELINE, or by a hexadecimal id"
    case .paramConflict: "a run's params are fixed; open another run, or set a tag"
    case .datasetChanged: "submit it as a new job, or restore the file"
    case .chunkMissing: "send the missing chunks, then this again"
    case .checkpointDamaged: "use another checkpoint, or restore a backup"
    case .content(let error): error.hint
    case .artifactDamaged: "restore a backup, or record the file again"
    case .fileExists: "choose another name, or have it replaced (--force)"
    case .folderNotEmpty:
      "name another folder with --data, or use --force: what is there is kept beside"
    case .backupDamaged:
      "use an older backup, or take this one as it is with --skip-check and then: assayd doctor"
    case .diskFull: "free some space (assay rm --purge works, too); writing goes on by itself"
    case .quotaExceeded:
      "`assay du` shows what takes the space; free some with `assay rm` and `assay gc --now`, or "
        + "start assayd with a greater --max-size"
    case .databaseDamaged:
      "`assayd doctor` says what is damaged, `assayd restore BACKUP` brings back an earlier state"
    case .databaseBusy: "is another assayd running on this folder?"
    case .databaseNewer: "use the newer Assay"
    case .migrationEdited:
      "use the version of Assay that this database was made with, or a later one"
    case .storeClosed: "restart assayd"
    default: nil
    }
  }

  /// The field of the request that is wrong, if one is.
  package var field: String? {
    switch self {
    case .invalidValue(let field, _), .limitExceeded(let field, _, _): field
    case .invalidQuery: "where"
    default: nil
    }
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String { "\(code): \(message)" }
}
