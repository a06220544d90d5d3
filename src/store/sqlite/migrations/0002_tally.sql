-- Layout 2. What a worker has counted travels with its beats: JSON, or empty.
ALTER TABLE sessions ADD COLUMN tally TEXT NOT NULL DEFAULT '';
