-- Runs that are being removed for good, in small steps. While a run stands here, what it owns may be
-- gone in part: it cannot be brought back, and its own row goes last, together with this one.
CREATE TABLE purges (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  asked_at INTEGER NOT NULL
) STRICT;

-- Removing a run looks for what refers to it.
CREATE INDEX check_runs_by_run ON check_runs (run_id);
CREATE INDEX baseline_runs_by_run ON baseline_runs (run_id);
CREATE INDEX jobs_by_parent ON jobs (parent_job_id) WHERE parent_job_id IS NOT NULL;
