-- Points are kept by series: what one attempt wrote of a metric. A point's row no longer carries its
-- attempt, so a million points take 27 MB instead of 30, and what one attempt wrote lies together.

DROP VIEW metric_history;
ALTER TABLE metric_points RENAME TO metric_points_1;

CREATE TABLE series (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  metric_id INTEGER NOT NULL REFERENCES metrics (id),
  attempt INTEGER NOT NULL,        -- number of the attempt that wrote it; 0 without one
  UNIQUE (metric_id, attempt)
) STRICT;

-- Of each step of a metric the points of the newest attempt that wrote it count.
CREATE TABLE metric_points (
  series_id INTEGER NOT NULL REFERENCES series (id),
  step INTEGER NOT NULL,
  time INTEGER NOT NULL,           -- microseconds since the run's created_at
  value ANY NOT NULL,              -- a REAL, or the text 'NaN'
  epoch INTEGER,
  PRIMARY KEY (series_id, step, time, value)
) STRICT, WITHOUT ROWID;

-- Extremes of stretches of long series, for plots. Derived from the points: where a stretch has no
-- row its points are read, so rows may be deleted at any time.
CREATE TABLE series_blocks (
  series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
  first_step INTEGER NOT NULL,
  last_step INTEGER NOT NULL,      -- it stands for all points of the series from first_step to here
  count INTEGER NOT NULL,
  points BLOB NOT NULL,            -- first, last, least, greatest and first NaN, each once, in order:
                                   -- step, time, value, epoch (8 bytes each, little-endian)
  PRIMARY KEY (series_id, first_step)
) STRICT, WITHOUT ROWID;

INSERT INTO series (metric_id, attempt)
  SELECT DISTINCT metric_id, attempt FROM metric_points_1 ORDER BY metric_id, attempt;
INSERT INTO metric_points (series_id, step, time, value, epoch)
  SELECT s.id, p.step, p.time, p.value, p.epoch
  FROM series s JOIN metric_points_1 p ON p.metric_id = s.metric_id AND p.attempt = s.attempt
  ORDER BY s.id, p.step, p.time, p.value;
DROP TABLE metric_points_1;

-- For any SQLite tool: every point with its run, key and absolute time.
CREATE VIEW metric_history AS
  SELECT m.run_id, k.name AS key, p.step, p.epoch, r.created_at + p.time AS time, p.value, s.attempt
  FROM metric_points p
  JOIN series s ON s.id = p.series_id
  JOIN metrics m ON m.id = s.metric_id
  JOIN metric_keys k ON k.id = m.key_id
  JOIN runs r ON r.id = m.run_id;
