-- Layout 4. Runs of flows: fields and lists of text that the steps of a run compare and change.
CREATE TABLE runs (
  number        INTEGER PRIMARY KEY,
  run           TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL,
  keep_until_ms INTEGER
) STRICT;
CREATE INDEX runs_ended ON runs (keep_until_ms) WHERE keep_until_ms IS NOT NULL;

CREATE TABLE run_fields (
  run   TEXT NOT NULL,
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, field)
) WITHOUT ROWID, STRICT;

CREATE TABLE run_values (
  run   TEXT NOT NULL,
  list  TEXT NOT NULL,
  place INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, list, place)
) WITHOUT ROWID, STRICT;
