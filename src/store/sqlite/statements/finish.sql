-- finish: taking jobs. Ending them is job.sql, because rescue and close end them the same way.

-- name: paused
SELECT paused FROM queues WHERE queue = ?1

-- name: head
SELECT ready_at_ms FROM jobs INDEXED BY jobs_ready
WHERE state = 'ready' AND alone = 0 AND lane = ?1 ORDER BY place LIMIT 1

-- name: ready
SELECT lane, sequence, fence, task, payload, attempt + 1, crashes, misses, options, tags,
       created_at_ms, own_id, alone, large_payload, expires_at_ms, ready_at_ms
FROM jobs INDEXED BY jobs_ready
WHERE state = 'ready' AND alone = 0 AND lane = ?1 ORDER BY place LIMIT ?2

-- name: any_suspect
SELECT 1 FROM jobs INDEXED BY jobs_suspect WHERE state = 'ready' AND alone = 1 LIMIT 1

-- name: suspect
SELECT lane, sequence, fence, task, payload, attempt + 1, crashes, misses, options, tags,
       created_at_ms, own_id, alone, large_payload, expires_at_ms, ready_at_ms
FROM jobs INDEXED BY jobs_suspect
WHERE state = 'ready' AND alone = 1 AND lane = ?1
  AND NOT EXISTS (SELECT 1 FROM queues WHERE queue = ?2 AND paused = 1)
ORDER BY place LIMIT 1

-- name: tell_suspect
UPDATE meta SET value = ?1 WHERE key = 'suspect_session'
  AND value NOT IN (SELECT session FROM sessions WHERE retired = 0)

-- name: untell_suspect
UPDATE meta SET value = 0 WHERE key = 'suspect_session' AND (value = ?1 OR ?2)

-- name: take
-- With its start the job's expiry is met.
UPDATE jobs SET state = 'running', session = ?3, fence = ?4, attempt = attempt + 1,
  started_at_ms = ?5, worker = ?6, place = NULL, ready_at_ms = NULL, progress = NULL,
  progress_message = NULL, expires_at_ms = NULL
WHERE lane = ?1 AND sequence = ?2
