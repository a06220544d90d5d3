-- promote, rescue, prune. Every statement is bounded by a LIMIT.

-- name: next_due
SELECT min(at) FROM (
  SELECT min(due_at_ms) AS at FROM jobs INDEXED BY jobs_due WHERE state = 'scheduled'
  UNION ALL
  SELECT min(expires_at_ms) FROM jobs INDEXED BY jobs_expiring
  WHERE expires_at_ms IS NOT NULL AND state IN ('waiting', 'scheduled', 'ready'))

-- name: due
SELECT lane, sequence FROM jobs INDEXED BY jobs_due
WHERE state = 'scheduled' AND due_at_ms <= ?1 ORDER BY due_at_ms, sequence LIMIT ?2

-- name: expired
SELECT lane, sequence FROM jobs INDEXED BY jobs_expiring
WHERE expires_at_ms IS NOT NULL AND state IN ('waiting', 'scheduled', 'ready')
  AND expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2

-- name: retire
UPDATE sessions SET retired = 1 WHERE session = ?1

-- name: outlived
SELECT lane, sequence FROM jobs INDEXED BY jobs_ended
WHERE finished_at_ms IS NOT NULL AND state = ?1 AND keep_until_ms <= ?2
ORDER BY keep_until_ms LIMIT ?3

-- name: oldest
SELECT lane, sequence FROM jobs INDEXED BY jobs_ended
WHERE finished_at_ms IS NOT NULL AND state = ?1 ORDER BY keep_until_ms LIMIT ?2

-- name: ended_before
SELECT lane, sequence FROM jobs INDEXED BY jobs_ended
WHERE finished_at_ms IS NOT NULL AND state = ?1 AND finished_at_ms <= ?2 LIMIT ?3

-- name: kept
SELECT ifnull(sum(jobs), 0), ifnull(sum(bytes), 0) FROM counts WHERE state = ?1

-- name: old_producers
DELETE FROM producers WHERE nonce IN (
  SELECT nonce FROM producers INDEXED BY producers_age WHERE at_ms <= ?1 ORDER BY at_ms LIMIT ?2)

-- name: old_idempotency
DELETE FROM idempotency WHERE key IN (
  SELECT key FROM idempotency INDEXED BY idempotency_age WHERE at_ms <= ?1 ORDER BY at_ms LIMIT ?2)

-- name: old_events
-- The newest entry stays whatever its age: entry numbers must not begin again.
DELETE FROM events WHERE entry IN (
  SELECT entry FROM events
  WHERE entry < (SELECT max(entry) FROM events)
    AND (at_ms <= ?1 OR entry <= (SELECT max(entry) FROM events) - ?2)
  ORDER BY entry LIMIT ?3)
