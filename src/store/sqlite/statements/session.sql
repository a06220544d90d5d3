-- open, extend, held, note, close.

-- name: row
SELECT nonce, call, slot, worker, retired, told FROM sessions WHERE session = ?1

-- name: numbered
UPDATE sessions SET call = ?2 WHERE session = ?1

-- name: slots
SELECT slot FROM sessions ORDER BY slot

-- name: open
INSERT INTO sessions (session, nonce, slot, worker, host, pid, queues, pools, tasks, concurrency,
                      opened_at_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)

-- name: count_held
SELECT count(*) FROM jobs WHERE state = 'running' AND session = ?1

-- name: told
SELECT lane, sequence FROM jobs WHERE cancel = 1 AND session = ?1

-- name: any_ready
SELECT 1 FROM jobs INDEXED BY jobs_ready WHERE state = 'ready' AND alone = 0 LIMIT 1

-- name: peers
SELECT session, slot, retired FROM sessions ORDER BY session

-- name: take_upkeep
UPDATE meta SET value = ?1 WHERE key = 'upkeep'
  AND value NOT IN (SELECT session FROM sessions WHERE retired = 0)

-- name: held
SELECT lane, sequence, fence, task, payload, attempt, crashes, misses, options, tags, created_at_ms,
       own_id, alone
FROM jobs WHERE state = 'running' AND session = ?1 ORDER BY fence, lane, sequence

-- name: some_held
SELECT lane, sequence FROM jobs WHERE state = 'running' AND session = ?1 LIMIT ?2

-- name: progress
UPDATE jobs SET progress = ?3, progress_message = nullif(?4, '') WHERE lane = ?1 AND sequence = ?2

-- name: log
INSERT INTO logs (lane, sequence, fence, number, at_ms, attempt, text)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING

-- name: logged
UPDATE jobs SET log_bytes = log_bytes + ?3 WHERE lane = ?1 AND sequence = ?2

-- name: trim_log
-- The oldest lines go, until what is left fits. log_bytes goes on counting all that was written.
DELETE FROM logs WHERE lane = ?1 AND sequence = ?2 AND (fence, number) IN (
  SELECT fence, number FROM (
    SELECT fence, number,
           sum(length(CAST(text AS BLOB))) OVER (ORDER BY fence DESC, number DESC) AS kept
    FROM logs WHERE lane = ?1 AND sequence = ?2) WHERE kept > ?3)

-- name: delete
DELETE FROM sessions WHERE session = ?1
