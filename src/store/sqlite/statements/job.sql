-- One job: reading what a decision needs, and the moves that rules::Transition can ask for.

-- name: row
SELECT state, attempt, crashes, misses, session, fence, cancel, created_at_ms, task, unique_key,
       own_id, options,
       coalesce(large_payload, length(CAST(payload AS BLOB)), 0),
       coalesce(large_result, length(CAST(result AS BLOB)), 0)
         + ifnull(length(CAST(error AS BLOB)), 0),
       log_bytes, large_payload IS NOT NULL, large_result IS NOT NULL
FROM jobs WHERE lane = ?1 AND sequence = ?2

-- name: succeed
UPDATE jobs SET state = 'succeeded', attempt = ?3, finished_at_ms = ?4, keep_until_ms = ?5,
  result = ?6, large_result = ?7, payload = NULL, large_payload = NULL, tags = NULL, error = NULL,
  session = NULL, cancel = 0, misses = 0, alone = 0
WHERE lane = ?1 AND sequence = ?2

-- name: succeed_full
UPDATE jobs SET state = 'succeeded', attempt = ?3, finished_at_ms = ?4, keep_until_ms = ?5,
  result = ?6, large_result = ?7, error = NULL, session = NULL, cancel = 0, misses = 0,
  alone = 0
WHERE lane = ?1 AND sequence = ?2

-- name: end
UPDATE jobs SET state = ?3, attempt = ?4, crashes = ?5, finished_at_ms = ?6, keep_until_ms = ?7,
  error = ?8, session = NULL, cancel = 0, place = NULL, ready_at_ms = NULL, due_at_ms = NULL,
  alone = 0
WHERE lane = ?1 AND sequence = ?2

-- name: schedule
UPDATE jobs SET state = 'scheduled', attempt = ?3, misses = ?4, due_at_ms = ?5,
  error = nullif(?6, ''), session = NULL, cancel = 0
WHERE lane = ?1 AND sequence = ?2

-- name: ready
UPDATE jobs SET state = 'ready', attempt = ?3, crashes = ?4, misses = ?5, place = ?6, alone = ?7,
  ready_at_ms = ?8, error = nullif(?9, ''), session = NULL, cancel = 0, due_at_ms = NULL,
  finished_at_ms = NULL, keep_until_ms = NULL
WHERE lane = ?1 AND sequence = ?2

-- name: free_unique
DELETE FROM uniques
WHERE key = ?1 AND lane = ?2 AND sequence = ?3 AND ifnull(until_ms, 0) <= ?4
