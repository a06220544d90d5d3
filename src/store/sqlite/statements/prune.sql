-- prune. Every statement is bounded by a LIMIT.

-- name: next
SELECT min(at) FROM (
  SELECT min(keep_until_ms) AS at FROM jobs INDEXED BY jobs_ended
  WHERE finished_at_ms IS NOT NULL AND state = 'succeeded'
  UNION ALL
  SELECT min(keep_until_ms) FROM jobs INDEXED BY jobs_ended
  WHERE finished_at_ms IS NOT NULL AND state = 'failed'
  UNION ALL
  SELECT min(keep_until_ms) FROM jobs INDEXED BY jobs_ended
  WHERE finished_at_ms IS NOT NULL AND state = 'cancelled'
  UNION ALL
  SELECT min(keep_until_ms) FROM runs INDEXED BY runs_ended WHERE keep_until_ms IS NOT NULL)

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

-- name: void_holds
-- A hold that is over, of a job that is over: nothing needs the key any more.
DELETE FROM uniques WHERE key IN (
  SELECT key FROM uniques INDEXED BY uniques_held WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.lane = uniques.lane
    AND jobs.sequence = uniques.sequence AND finished_at_ms IS NULL)

-- name: old_holds
-- A hold that is over, of a job that lives: the key goes with the job.
UPDATE uniques SET until_ms = NULL WHERE key IN (
  SELECT key FROM uniques INDEXED BY uniques_held WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)
  AND EXISTS (SELECT 1 FROM jobs WHERE jobs.lane = uniques.lane
    AND jobs.sequence = uniques.sequence AND finished_at_ms IS NULL)

-- name: old_events
-- Only the oldest are looked at: no step may read all of them. The newest stays whatever its age:
-- entry numbers must not begin again.
DELETE FROM events WHERE entry IN (
  SELECT entry FROM (SELECT entry, at_ms FROM events ORDER BY entry LIMIT ?3)
  WHERE entry < (SELECT max(entry) FROM events)
    AND (at_ms <= ?1 OR entry <= (SELECT max(entry) FROM events) - ?2))
