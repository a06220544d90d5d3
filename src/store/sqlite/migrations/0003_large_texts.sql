-- Layout 3. A large payload or result lies beside its job: to find a place among the rows of jobs,
-- SQLite compares keys, and reads whole rows to do so.

-- place: twice the job's sequence, and one more for a result.
CREATE TABLE large_texts (
  place INTEGER PRIMARY KEY,
  text  TEXT NOT NULL
) STRICT;

-- Its bytes when it lies there; the column of its name is empty then.
ALTER TABLE jobs ADD COLUMN large_payload INTEGER;
ALTER TABLE jobs ADD COLUMN large_result INTEGER;
