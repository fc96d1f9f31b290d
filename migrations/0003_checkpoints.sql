-- Checkpoints and snapshots: what is kept whole, how far a chunk's differences reach, and what every
-- epoch's state was, kept or not.

-- Epochs whose whole state stays although it is neither the newest nor the best: the multiples of
-- this. NULL: none.
ALTER TABLE runs ADD COLUMN whole_every INTEGER;

-- How many differences lead from a chunk to one that is stored whole.
ALTER TABLE chunks ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;

CREATE TABLE epoch_hashes (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  sha256 TEXT NOT NULL,            -- of the whole state as a safetensors file
  PRIMARY KEY (run_id, epoch)
) STRICT, WITHOUT ROWID;
