-- The schema of assay.db after all migrations, as SQLite keeps it: for reading, not for
-- running. Made from migrations/ by ASSAY_UPDATE_SCHEMA=1 swift test --filter MigratorTests;
-- a test compares them.

CREATE INDEX artifact_chunks_by_chunk ON artifact_chunks (chunk_id);

CREATE INDEX attempts_active ON attempts (state) WHERE state IN ('starting', 'running');

CREATE INDEX attempts_by_run ON attempts (run_id);

CREATE INDEX baseline_runs_by_run ON baseline_runs (run_id);

CREATE INDEX check_runs_by_run ON check_runs (run_id);

CREATE INDEX checkpoint_chunks_by_chunk ON checkpoint_chunks (chunk_id);

CREATE INDEX checkpoints_whole ON checkpoints (run_id, epoch, attempt) WHERE kind = 'checkpoint';

CREATE INDEX chunks_by_base ON chunks (base_chunk_id) WHERE base_chunk_id IS NOT NULL;

CREATE INDEX chunks_unreferenced ON chunks (created_at) WHERE reference_count = 0;

CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook_id, id);

CREATE INDEX hook_deliveries_waiting ON hook_deliveries (next_at) WHERE state = 'waiting';

CREATE UNIQUE INDEX hooks_by_name ON hooks (name) WHERE deleted_at IS NULL;

CREATE INDEX job_dependencies_by_job ON job_dependencies (job_id);

CREATE INDEX jobs_active ON jobs (state) WHERE state IN ('starting', 'running');

CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;

CREATE INDEX jobs_by_retry ON jobs (retry_of) WHERE retry_of IS NOT NULL;

CREATE INDEX jobs_by_schedule ON jobs (schedule_id, id) WHERE schedule_id IS NOT NULL;

CREATE INDEX jobs_exclusive ON jobs (priority DESC, id) WHERE state = 'queued' AND exclusive = 1;

CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before IS NOT NULL;

CREATE INDEX jobs_open ON jobs (queue, state) WHERE state IN ('held', 'queued', 'starting', 'running');

CREATE INDEX jobs_ready ON jobs (queue, resources, priority DESC, id)
  WHERE state = 'queued' AND waits_for = 0 AND not_before IS NULL;

CREATE INDEX jobs_waiting ON jobs (priority DESC, id) WHERE state = 'queued';

CREATE INDEX leases_by_expiry ON leases (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX metrics_by_last ON metrics (key_id, last, run_id);

CREATE INDEX params_by_number ON params (key, number) WHERE number IS NOT NULL;

CREATE INDEX params_by_start ON params (key, substr(value, 1, 40)) WHERE length(value) > 40;

CREATE INDEX params_by_value ON params (key, value) WHERE length(value) <= 40;

CREATE INDEX run_origins_by_parent ON run_origins (parent_uid) WHERE parent_uid IS NOT NULL;

CREATE INDEX runs_by_experiment ON runs (experiment_id, id);

CREATE INDEX runs_by_job ON runs (job_id) WHERE job_id IS NOT NULL;

CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;

CREATE INDEX runs_by_start ON runs (started_at);

CREATE INDEX runs_by_status ON runs (status);

CREATE INDEX runs_deleted ON runs (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX schedule_firings_by_due ON schedule_firings (schedule_id, due_at);

CREATE INDEX schedule_firings_by_id ON schedule_firings (schedule_id, id);

CREATE UNIQUE INDEX schedules_by_name ON schedules (name) WHERE deleted_at IS NULL;

CREATE INDEX tags_by_start ON tags (key, substr(value, 1, 40)) WHERE length(value) > 40;

CREATE INDEX tags_by_value ON tags (key, value) WHERE length(value) <= 40;

CREATE TABLE artifact_chunks (
  artifact_id INTEGER NOT NULL REFERENCES artifacts (id),
  position INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunks (id),
  PRIMARY KEY (artifact_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  path TEXT NOT NULL,
  media_type TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (run_id, path)
) STRICT;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  run_id INTEGER NOT NULL REFERENCES runs (id),
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'finished', 'failed', 'cancelled',
    'timed_out', 'lost')),
  token_sha256 TEXT NOT NULL,
  fenced INTEGER NOT NULL DEFAULT 0 CHECK (fenced IN (0, 1)),
  folder TEXT NOT NULL,
  resumed_from_epoch INTEGER,
  environment_id INTEGER REFERENCES environments (id),
  cost TEXT,                       -- JSON of Cost
  log_bytes INTEGER NOT NULL DEFAULT 0,  -- received so far, also those beyond what is kept
  exit_code INTEGER,
  failure_code TEXT,
  failure_message TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  heartbeat_at INTEGER,
  ended_at INTEGER, resources TEXT, limit_code TEXT, limit_message TEXT, limit_at INTEGER, active_at INTEGER,
  UNIQUE (job_id, number)
) STRICT;

CREATE TABLE baseline_runs (
  baseline_id INTEGER NOT NULL REFERENCES baselines (id) ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  PRIMARY KEY (baseline_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE baselines (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE check_runs (
  check_id INTEGER NOT NULL REFERENCES checks (id),
  side TEXT NOT NULL CHECK (side IN ('reference', 'candidate')),
  run_id INTEGER NOT NULL REFERENCES runs (id),
  PRIMARY KEY (check_id, side, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint_chunks (
  checkpoint_id INTEGER NOT NULL REFERENCES checkpoints (id),
  position INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunks (id),
  PRIMARY KEY (checkpoint_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  kind TEXT NOT NULL DEFAULT 'checkpoint' CHECK (kind IN ('checkpoint', 'snapshot')),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  sha256 TEXT NOT NULL,            -- of the whole as a safetensors file
  raw_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  manifest TEXT NOT NULL,          -- JSON of CheckpointManifest
  created_at INTEGER NOT NULL,
  UNIQUE (run_id, epoch, kind)
) STRICT;

CREATE TABLE checks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  baseline TEXT NOT NULL,
  schedule_id INTEGER REFERENCES schedules (id),
  job_id INTEGER UNIQUE REFERENCES jobs (id),    -- the scheduled job that it judged
  verdict TEXT NOT NULL,
  comparison TEXT NOT NULL,        -- JSON of Comparison
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 BLOB NOT NULL UNIQUE,     -- of the raw bytes
  raw_bytes INTEGER NOT NULL,
  codec TEXT NOT NULL,
  base_chunk_id INTEGER REFERENCES chunks (id),  -- what a difference is against
  reference_count INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  data BLOB NOT NULL
, depth INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE datasets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  info TEXT NOT NULL,              -- JSON of DatasetInfo
  first_seen_at INTEGER NOT NULL,
  UNIQUE (sha256, info)
) STRICT;

CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 TEXT NOT NULL UNIQUE,     -- of info
  host_class TEXT NOT NULL,
  info TEXT NOT NULL               -- JSON of Environment
) STRICT;

CREATE TABLE epoch_hashes (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  sha256 TEXT NOT NULL,            -- of the whole state as a safetensors file
  PRIMARY KEY (run_id, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  job_id INTEGER,
  run_id INTEGER,
  data TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE experiments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  note TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;

CREATE TABLE hook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,        -- the same at each attempt, so that a receiver can tell
  hook_id INTEGER NOT NULL REFERENCES hooks (id),
  event_id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL,
  answer TEXT,                     -- exit code or status of the last attempt, in words
  last_error TEXT,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

CREATE TABLE hooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  events TEXT NOT NULL,            -- JSON list of kinds, each perhaps with * at its end
  command TEXT,                    -- for /bin/sh
  url TEXT,
  secret_file TEXT,
  timeout_seconds INTEGER NOT NULL,
  seen_event INTEGER NOT NULL,     -- deliveries have been made for all events up to this one
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  CHECK ((command IS NULL) <> (url IS NULL))
) STRICT;

CREATE TABLE job_dependencies (
  after_id INTEGER NOT NULL REFERENCES jobs (id),
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (after_id, job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_settlements (job_id INTEGER PRIMARY KEY REFERENCES jobs (id)) STRICT;

CREATE TABLE job_stops (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id),
  parent_job_id INTEGER REFERENCES jobs (id),
  schedule_id INTEGER REFERENCES schedules (id),
  due_at INTEGER,                  -- the firing of its schedule
  spec TEXT NOT NULL,              -- JSON, defaults filled in
  spec_sha256 TEXT NOT NULL,       -- of the spec's comparability text
  state TEXT NOT NULL CHECK (state IN ('held', 'queued', 'starting', 'running', 'finished',
    'failed', 'cancelled', 'timed_out', 'lost')),
  priority INTEGER NOT NULL DEFAULT 0,
  on_lost TEXT NOT NULL CHECK (on_lost IN ('resume', 'requeue', 'fail')),
  lost_without_progress INTEGER NOT NULL DEFAULT 0,  -- attempts in a row
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
  context TEXT NOT NULL,           -- JSON of SubmitContext
  failure_code TEXT,
  failure_message TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER
, queue TEXT NOT NULL DEFAULT 'default', resources TEXT NOT NULL DEFAULT '', exclusive INTEGER NOT NULL DEFAULT 0, after_failed TEXT NOT NULL DEFAULT 'cancel', waits_for INTEGER NOT NULL DEFAULT 0, not_before INTEGER, retries INTEGER NOT NULL DEFAULT 0, held_by TEXT, hold_reason TEXT, retry_of INTEGER REFERENCES jobs (id)) STRICT;

CREATE TABLE leases (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  seconds INTEGER NOT NULL,
  last_write_at INTEGER NOT NULL,
  expires_at INTEGER               -- NULL: lapsed; the next write brings the run back
) STRICT;

CREATE TABLE log_pieces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  attempt_id INTEGER NOT NULL REFERENCES attempts (id),
  "offset" INTEGER NOT NULL,       -- of its first byte in the attempt's log
  data BLOB NOT NULL,
  UNIQUE (attempt_id, "offset")
) STRICT;

CREATE TABLE metric_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE metric_points (
  series_id INTEGER NOT NULL REFERENCES series (id),
  step INTEGER NOT NULL,
  time INTEGER NOT NULL,           -- microseconds since the run's created_at
  value ANY NOT NULL,              -- a REAL, or the text 'NaN'
  epoch INTEGER,
  PRIMARY KEY (series_id, step, time, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  key_id INTEGER NOT NULL REFERENCES metric_keys (id),
  attempt INTEGER NOT NULL,        -- number of the newest attempt that wrote
  older_last_step INTEGER,         -- greatest step that an attempt before that one wrote
  last ANY NOT NULL,
  last_step INTEGER NOT NULL,
  last_time INTEGER NOT NULL,      -- like metric_points.time
  last_epoch INTEGER,
  min ANY NOT NULL,
  max ANY NOT NULL,
  sum ANY NOT NULL,                -- of the values that are not NaN
  numbers INTEGER NOT NULL,        -- how many are not NaN
  count INTEGER NOT NULL,
  UNIQUE (run_id, key_id)
) STRICT;

CREATE TABLE migrations (
  name TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,            -- of the text that was applied
  applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE params (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  number REAL,                     -- the value, if it is a number
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE purges (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  asked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE queues (
  name TEXT PRIMARY KEY,
  slots INTEGER,                   -- jobs of it that run at once; NULL: as many as the daemon runs
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE run_alerts (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  alert INTEGER NOT NULL,
  raised_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, alert)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_origins (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  parent_uid TEXT,                 -- of the run it belongs to, which may come later or never
  spec TEXT,                       -- JSON, of its job there
  context TEXT,                    -- JSON of SubmitContext
  imported_at INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  experiment_id INTEGER NOT NULL REFERENCES experiments (id),
  job_id INTEGER REFERENCES jobs (id),
  parent_run_id INTEGER REFERENCES runs (id),
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'finished', 'failed', 'cancelled',
    'timed_out', 'lost')),
  seed INTEGER,
  note TEXT NOT NULL DEFAULT '',
  dataset_id INTEGER REFERENCES datasets (id),
  environment_id INTEGER REFERENCES environments (id),
  comparability_key TEXT,
  best_metric TEXT,                -- the checkpoint policy's
  keep_last INTEGER,               -- newest checkpoints kept; NULL keeps all
  progress TEXT,                   -- JSON of Progress
  cost TEXT,                       -- JSON of Cost, all attempts together
  failure_code TEXT,
  failure_message TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  deleted_at INTEGER
, whole_every INTEGER, best_epoch INTEGER, beside INTEGER) STRICT;

CREATE TABLE schedule_firings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule_id INTEGER NOT NULL REFERENCES schedules (id),
  due_at INTEGER NOT NULL,         -- of the cron expression, without jitter
  decided_at INTEGER NOT NULL,     -- by the clock
  outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'skipped', 'refused')),
  manual INTEGER NOT NULL DEFAULT 0 CHECK (manual IN (0, 1)),
  reason TEXT,
  job_id INTEGER                   -- also when that job is gone
) STRICT;

CREATE TABLE schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  spec TEXT NOT NULL,              -- JSON, defaults filled in
  check_baseline TEXT,
  catch_up TEXT NOT NULL DEFAULT 'one' CHECK (catch_up IN ('one', 'none')),
  overlap TEXT NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'allow')),
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  context TEXT,                    -- JSON of SubmitContext
  created_at INTEGER NOT NULL,
  last_fired_at INTEGER,           -- the due time it stands for, not the clock's
  next_at INTEGER,
  deleted_at INTEGER
, jitter_seconds INTEGER NOT NULL DEFAULT 0
  CHECK (jitter_seconds BETWEEN 0 AND 86400), problem TEXT) STRICT;

CREATE TABLE series (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  metric_id INTEGER NOT NULL REFERENCES metrics (id),
  attempt INTEGER NOT NULL,        -- number of the attempt that wrote it; 0 without one
  UNIQUE (metric_id, attempt)
) STRICT;

CREATE TABLE series_blocks (
  series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
  first_step INTEGER NOT NULL,
  last_step INTEGER NOT NULL,      -- it stands for all points of the series from first_step to here
  count INTEGER NOT NULL,
  points BLOB NOT NULL,            -- first, last, least, greatest and first NaN, each once, in order:
                                   -- step, time, value, epoch (8 bytes each, little-endian)
  PRIMARY KEY (series_id, first_step)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER artifact_chunks_added AFTER INSERT ON artifact_chunks BEGIN
  UPDATE chunks SET reference_count = reference_count + 1 WHERE id = NEW.chunk_id;
END;

CREATE TRIGGER artifact_chunks_removed AFTER DELETE ON artifact_chunks BEGIN
  UPDATE chunks SET reference_count = reference_count - 1 WHERE id = OLD.chunk_id;
END;

CREATE TRIGGER checkpoint_chunks_added AFTER INSERT ON checkpoint_chunks BEGIN
  UPDATE chunks SET reference_count = reference_count + 1 WHERE id = NEW.chunk_id;
END;

CREATE TRIGGER checkpoint_chunks_removed AFTER DELETE ON checkpoint_chunks BEGIN
  UPDATE chunks SET reference_count = reference_count - 1 WHERE id = OLD.chunk_id;
END;

CREATE TRIGGER chunk_bases_added AFTER INSERT ON chunks WHEN NEW.base_chunk_id IS NOT NULL BEGIN
  UPDATE chunks SET reference_count = reference_count + 1 WHERE id = NEW.base_chunk_id;
END;

CREATE TRIGGER chunk_bases_removed AFTER DELETE ON chunks WHEN OLD.base_chunk_id IS NOT NULL BEGIN
  UPDATE chunks SET reference_count = reference_count - 1 WHERE id = OLD.base_chunk_id;
END;

CREATE VIEW metric_history AS
  SELECT m.run_id, k.name AS key, p.step, p.epoch, r.created_at + p.time AS time, p.value, s.attempt
  FROM metric_points p
  JOIN series s ON s.id = p.series_id
  JOIN metrics m ON m.id = s.metric_id
  JOIN metric_keys k ON k.id = m.key_id
  JOIN runs r ON r.id = m.run_id;
