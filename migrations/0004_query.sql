-- Indexes for finding and ordering runs. A walk along metrics_by_last hands out the runs in order
-- without touching the table.
DROP INDEX IF EXISTS metrics_by_last;
CREATE INDEX metrics_by_last ON metrics (key_id, last, run_id);

-- A param may have 6,000 characters and a tag 8,000. Those up to 40 are found, and looked through,
-- in the index alone; of longer ones the first 40 lead to the row.
CREATE INDEX params_by_value ON params (key, value) WHERE length(value) <= 40;
CREATE INDEX params_by_start ON params (key, substr(value, 1, 40)) WHERE length(value) > 40;
CREATE INDEX params_by_number ON params (key, number) WHERE number IS NOT NULL;
CREATE INDEX tags_by_value ON tags (key, value) WHERE length(value) <= 40;
CREATE INDEX tags_by_start ON tags (key, substr(value, 1, 40)) WHERE length(value) > 40;

CREATE INDEX runs_by_status ON runs (status);
CREATE INDEX runs_by_start ON runs (started_at);
