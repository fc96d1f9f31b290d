-- What a run that came in by a portable archive was where it was made: here it has no job that would
-- know its spec.
CREATE TABLE run_origins (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  parent_uid TEXT,                 -- of the run it belongs to, which may come later or never
  spec TEXT,                       -- JSON, of its job there
  context TEXT,                    -- JSON of SubmitContext
  imported_at INTEGER NOT NULL
) STRICT;
CREATE INDEX run_origins_by_parent ON run_origins (parent_uid) WHERE parent_uid IS NOT NULL;
