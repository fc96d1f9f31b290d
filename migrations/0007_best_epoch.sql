-- What a new checkpoint is compared with, so that keeping it takes as long as it did at the start of
-- the training: the epoch that was the best when the one before came (NULL: not known), and where the
-- whole states are.
ALTER TABLE runs ADD COLUMN best_epoch INTEGER;
CREATE INDEX checkpoints_whole ON checkpoints (run_id, epoch, attempt) WHERE kind = 'checkpoint';
