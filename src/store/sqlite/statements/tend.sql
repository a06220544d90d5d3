-- promote and rescue. Every statement is bounded by a LIMIT.

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
UPDATE sessions SET retired = 1, certificate = ?2 WHERE session = ?1
