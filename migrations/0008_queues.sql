-- What decides when a job starts: its queue, the jobs it waits for, the pause before a retry, and what
-- it needs of the machine. Each is a column of its own, so that what may start is found by an index
-- however many jobs wait.
CREATE TABLE queues (
  name TEXT PRIMARY KEY,
  slots INTEGER,                   -- jobs of it that run at once; NULL: as many as the daemon runs
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO queues (name, created_at) VALUES ('default', 0);

ALTER TABLE jobs ADD COLUMN queue TEXT NOT NULL DEFAULT 'default';
-- Resources that it needs as JSON, '' for none: jobs of one text wait for the same.
ALTER TABLE jobs ADD COLUMN resources TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN after_failed TEXT NOT NULL DEFAULT 'cancel';
-- Its rows in job_dependencies.
ALTER TABLE jobs ADD COLUMN waits_for INTEGER NOT NULL DEFAULT 0;
-- A retry does not start before; NULL once that time is over.
ALTER TABLE jobs ADD COLUMN not_before INTEGER;
ALTER TABLE jobs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
-- Who or what holds it, and why.
ALTER TABLE jobs ADD COLUMN held_by TEXT;
ALTER TABLE jobs ADD COLUMN hold_reason TEXT;
-- The job that this one is another try of.
ALTER TABLE jobs ADD COLUMN retry_of INTEGER REFERENCES jobs (id);

CREATE INDEX jobs_ready ON jobs (queue, resources, priority DESC, id)
  WHERE state = 'queued' AND waits_for = 0 AND not_before IS NULL;
CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before IS NOT NULL;
CREATE INDEX jobs_by_retry ON jobs (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX jobs_exclusive ON jobs (priority DESC, id) WHERE state = 'queued' AND exclusive = 1;
CREATE INDEX jobs_open ON jobs (queue, state) WHERE state IN ('held', 'queued', 'starting', 'running');

-- What jobs still wait for: a row goes when the job that is waited for is over.
CREATE TABLE job_dependencies (
  after_id INTEGER NOT NULL REFERENCES jobs (id),
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  PRIMARY KEY (after_id, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_dependencies_by_job ON job_dependencies (job_id);
-- Jobs that are over while not all that wait for them have been told yet.
CREATE TABLE job_settlements (job_id INTEGER PRIMARY KEY REFERENCES jobs (id)) STRICT;

-- What the attempt was handed out, as JSON: {"gpu": [0, 1]}.
ALTER TABLE attempts ADD COLUMN resources TEXT;
-- The limit that it went over: it is being ended for that, whatever its worker says then.
ALTER TABLE attempts ADD COLUMN limit_code TEXT;
ALTER TABLE attempts ADD COLUMN limit_message TEXT;
ALTER TABLE attempts ADD COLUMN limit_at INTEGER;
-- When it last gave output, a metric or progress, as far as the daemon has looked.
ALTER TABLE attempts ADD COLUMN active_at INTEGER;

-- Whether other jobs ran at the same time; NULL: not known.
ALTER TABLE runs ADD COLUMN beside INTEGER;
