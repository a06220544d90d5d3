-- Layout 1. docs/sqlite.md explains every table; the CHECKs repeat src/rules/job_state.cc.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) WITHOUT ROWID, STRICT;

-- A lane is queue + pool + priority; '' is no pool. Numbers are for ever.
CREATE TABLE lanes (
  lane     INTEGER PRIMARY KEY CHECK (lane BETWEEN 1 AND 1048575),
  queue    TEXT NOT NULL,
  pool     TEXT NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 10),
  UNIQUE (queue, pool, priority)
) STRICT;

-- Sequences that were skipped after a boot, because the last commits before it may be forgotten.
CREATE TABLE gaps (
  first INTEGER NOT NULL PRIMARY KEY,
  last  INTEGER NOT NULL CHECK (last >= first)
) WITHOUT ROWID, STRICT;

CREATE TABLE jobs (
  lane             INTEGER NOT NULL,
  sequence         INTEGER NOT NULL CHECK (sequence BETWEEN 1 AND 99999999999999),
  state            TEXT NOT NULL CHECK (state IN ('waiting', 'scheduled', 'ready', 'running',
                                                  'succeeded', 'failed', 'cancelled')),
  task             TEXT NOT NULL,
  payload          TEXT,
  place            INTEGER,
  alone            INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
  attempt          INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  crashes          INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
  misses           INTEGER NOT NULL DEFAULT 0 CHECK (misses >= 0),
  session          INTEGER,
  fence            INTEGER,
  cancel           INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
  created_at_ms    INTEGER NOT NULL,
  ready_at_ms      INTEGER,
  due_at_ms        INTEGER,
  expires_at_ms    INTEGER,
  started_at_ms    INTEGER,
  finished_at_ms   INTEGER,
  keep_until_ms    INTEGER,
  worker           TEXT,
  result           TEXT,
  error            TEXT,
  progress         REAL,
  progress_message TEXT,
  options          TEXT,
  tags             TEXT,
  own_id           TEXT,
  unique_key       TEXT,
  log_bytes        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, sequence),
  CHECK ((state = 'running') = (session IS NOT NULL)),
  CHECK (state <> 'running' OR fence IS NOT NULL),
  CHECK (cancel = 0 OR state = 'running'),
  CHECK ((state = 'ready') = (place IS NOT NULL)),
  CHECK ((state = 'ready') = (ready_at_ms IS NOT NULL)),
  CHECK ((state = 'scheduled') = (due_at_ms IS NOT NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at_ms IS NOT NULL)),
  CHECK ((finished_at_ms IS NULL) = (keep_until_ms IS NULL)),
  CHECK ((state = 'succeeded') = (result IS NOT NULL)),
  CHECK (state = 'succeeded' OR payload IS NOT NULL)
) WITHOUT ROWID, STRICT;

CREATE INDEX jobs_ready ON jobs (lane, place) WHERE state = 'ready' AND alone = 0;
CREATE INDEX jobs_suspect ON jobs (lane, place) WHERE state = 'ready' AND alone = 1;
CREATE INDEX jobs_running ON jobs (session) WHERE state = 'running';
CREATE INDEX jobs_told ON jobs (session) WHERE cancel = 1;
CREATE INDEX jobs_due ON jobs (due_at_ms) WHERE state = 'scheduled';
CREATE INDEX jobs_expiring ON jobs (expires_at_ms)
  WHERE expires_at_ms IS NOT NULL AND state IN ('waiting', 'scheduled', 'ready');
CREATE INDEX jobs_ended ON jobs (state, keep_until_ms) WHERE finished_at_ms IS NOT NULL;

-- A move that the table of src/rules/job_state.cc does not have is refused here too.
CREATE TRIGGER jobs_move BEFORE UPDATE OF state ON jobs
WHEN NOT (
  (OLD.state = NEW.state) OR
  (OLD.state = 'ready' AND NEW.state IN ('running', 'cancelled')) OR
  (OLD.state = 'running' AND NEW.state IN ('succeeded', 'failed', 'scheduled', 'ready',
                                           'cancelled')) OR
  (OLD.state = 'scheduled' AND NEW.state IN ('ready', 'cancelled')) OR
  (OLD.state = 'waiting' AND NEW.state IN ('ready', 'cancelled')) OR
  (OLD.state IN ('failed', 'cancelled') AND NEW.state = 'ready'))
BEGIN
  SELECT RAISE(ABORT, 'illegal move of a job');
END;

-- Lines are numbered within the reservation that wrote them.
CREATE TABLE logs (
  lane     INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  fence    INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL,
  attempt  INTEGER NOT NULL,
  text     TEXT NOT NULL,
  PRIMARY KEY (lane, sequence, fence, number)
) WITHOUT ROWID, STRICT;

-- A caller's own id. The row goes with its job.
CREATE TABLE aliases (
  own_id   TEXT PRIMARY KEY,
  lane     INTEGER NOT NULL,
  sequence INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- A unique key names its holder and is void when the holder's state no longer justifies it.
CREATE TABLE uniques (
  key      TEXT PRIMARY KEY,
  lane     INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  until_ms INTEGER
) WITHOUT ROWID, STRICT;

CREATE INDEX uniques_held ON uniques (until_ms) WHERE until_ms IS NOT NULL;

CREATE TABLE idempotency (
  key      TEXT PRIMARY KEY,
  digest   TEXT NOT NULL,
  lane     INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  at_ms    INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX idempotency_age ON idempotency (at_ms);

-- The last call of every producer and operator, with its answer.
CREATE TABLE producers (
  nonce TEXT PRIMARY KEY,
  call  INTEGER NOT NULL,
  reply TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX producers_age ON producers (at_ms);

CREATE TABLE sessions (
  session      INTEGER PRIMARY KEY,
  nonce        TEXT NOT NULL,
  slot         INTEGER NOT NULL UNIQUE CHECK (slot BETWEEN 0 AND 65535),
  call         INTEGER NOT NULL DEFAULT 0,
  retired      INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
  told         INTEGER NOT NULL DEFAULT 0 CHECK (told BETWEEN 0 AND 2),
  worker       TEXT NOT NULL,
  host         TEXT NOT NULL,
  pid          INTEGER NOT NULL,
  queues       TEXT NOT NULL,
  pools        TEXT NOT NULL,
  tasks        TEXT NOT NULL,
  concurrency  INTEGER NOT NULL,
  opened_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE queues (
  queue     TEXT PRIMARY KEY,
  paused    INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  draining  INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
  submitted INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID, STRICT;

-- Kept counters: jobs of a queue in a state, and the bytes that ended jobs take.
CREATE TABLE counts (
  queue TEXT NOT NULL,
  state TEXT NOT NULL,
  jobs  INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, state)
) WITHOUT ROWID, STRICT;

-- One entry for each atomic step that changed something; `body` is one line an event.
CREATE TABLE events (
  entry INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  body  TEXT NOT NULL
) STRICT;
