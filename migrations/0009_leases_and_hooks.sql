-- What watches runs: leases of runs without a job, alerts, and hooks on events.

-- A run without a job that is lost when nothing has been heard of it for so long. Gone with the run's
-- end.
CREATE TABLE leases (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  seconds INTEGER NOT NULL,
  last_write_at INTEGER NOT NULL,
  expires_at INTEGER               -- NULL: lapsed; the next write brings the run back
) STRICT;
CREATE INDEX leases_by_expiry ON leases (expires_at) WHERE expires_at IS NOT NULL;

-- The alerts that a run has raised, each once, by their place in the spec.
CREATE TABLE run_alerts (
  run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  alert INTEGER NOT NULL,
  raised_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, alert)
) STRICT, WITHOUT ROWID;

-- Why a job is being cancelled, if nobody asked for it by hand.
CREATE TABLE job_stops (
  job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

-- What is run or called when something happens. No secret is kept here, only the path of its file.
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
CREATE UNIQUE INDEX hooks_by_name ON hooks (name) WHERE deleted_at IS NULL;

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
CREATE INDEX hook_deliveries_waiting ON hook_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (hook_id, id);
