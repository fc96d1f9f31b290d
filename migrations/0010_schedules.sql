-- Schedules in full: jitter, what is wrong with one that cannot fire, and what became of each firing.
ALTER TABLE schedules ADD COLUMN jitter_seconds INTEGER NOT NULL DEFAULT 0
  CHECK (jitter_seconds BETWEEN 0 AND 86400);
ALTER TABLE schedules ADD COLUMN problem TEXT;

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
CREATE INDEX schedule_firings_by_due ON schedule_firings (schedule_id, due_at);
CREATE INDEX schedule_firings_by_id ON schedule_firings (schedule_id, id);

-- The diary has told it so far.
INSERT INTO schedule_firings (schedule_id, due_at, decided_at, outcome, reason, job_id)
SELECT data ->> 'schedule', data ->> 'due', time,
  CASE WHEN kind = 'schedule_fired' THEN 'fired'
    WHEN data ->> 'reason' IS NULL THEN 'skipped' ELSE 'refused' END,
  data ->> 'reason', job_id
FROM events
WHERE kind IN ('schedule_fired', 'schedule_skipped') AND json_valid(data)
  AND typeof(data ->> 'due') = 'integer'
  AND data ->> 'schedule' IN (SELECT id FROM schedules)
ORDER BY id;
