-- open, extend, held, close.

-- name: row
SELECT nonce, call, slot, worker, retired, told, certificate FROM sessions WHERE session = ?1

-- name: numbered
UPDATE sessions SET call = ?2 WHERE session = ?1

-- name: slots
SELECT slot FROM sessions ORDER BY slot

-- name: open
INSERT INTO sessions (session, nonce, slot, worker, host, pid, queues, pools, tasks, concurrency,
                      opened_at_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)

-- name: tally
UPDATE sessions SET tally = ?2 WHERE session = ?1

-- name: count_held
SELECT count(*) FROM jobs WHERE state = 'running' AND session = ?1

-- name: told
SELECT lane, sequence FROM jobs WHERE cancel = 1 AND session = ?1

-- name: any_ready
SELECT 1 FROM sessions AS s JOIN lanes AS l ON
  instr(char(10) || s.queues || char(10), char(10) || l.queue || char(10)) > 0
  AND iif(s.pools = '', l.pool = '',
          instr(char(10) || s.pools || char(10), char(10) || l.pool || char(10)) > 0)
WHERE s.session = ?1
  AND NOT EXISTS (SELECT 1 FROM queues AS q WHERE q.queue = l.queue AND q.paused = 1)
  AND (EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_ready
               WHERE state = 'ready' AND alone = 0 AND lane = l.lane)
    OR EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_suspect
               WHERE state = 'ready' AND alone = 1 AND lane = l.lane))
LIMIT 1

-- name: peers
SELECT session, slot, retired FROM sessions ORDER BY session

-- name: take_upkeep
UPDATE meta SET value = ?1 WHERE key = 'upkeep'
  AND value NOT IN (SELECT session FROM sessions WHERE retired = 0)

-- name: held
SELECT lane, sequence, fence, task, payload, attempt, crashes, misses, options, tags, created_at_ms,
       own_id, alone, large_payload
FROM jobs WHERE state = 'running' AND session = ?1 ORDER BY fence, lane, sequence

-- name: some_held
SELECT lane, sequence FROM jobs WHERE state = 'running' AND session = ?1 LIMIT ?2

-- name: delete
DELETE FROM sessions WHERE session = ?1
