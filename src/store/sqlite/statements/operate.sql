-- cancel, retry, remove, configure; and the answers that are kept for repeated calls.

-- name: reply
SELECT call, reply FROM producers WHERE nonce = ?1

-- name: remember
INSERT INTO producers (nonce, call, reply, at_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (nonce) DO UPDATE SET call = ?2, reply = ?3, at_ms = ?4

-- name: tell
UPDATE jobs SET cancel = 1 WHERE lane = ?1 AND sequence = ?2 AND state = 'running'

-- name: restart
UPDATE jobs SET progress = NULL, progress_message = NULL, started_at_ms = NULL, worker = NULL,
  expires_at_ms = NULL
WHERE lane = ?1 AND sequence = ?2

-- name: rival
SELECT 1 FROM uniques JOIN jobs USING (lane, sequence)
WHERE key = ?1 AND NOT (lane = ?2 AND sequence = ?3) AND finished_at_ms IS NULL

-- name: regain_unique
-- A hold that still runs stays.
INSERT INTO uniques (key, lane, sequence) VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE SET lane = ?2, sequence = ?3

-- name: forget
DELETE FROM jobs WHERE lane = ?1 AND sequence = ?2

-- name: forget_logs
DELETE FROM logs WHERE lane = ?1 AND sequence = ?2

-- name: forget_alias
DELETE FROM aliases WHERE own_id = ?1

-- name: forget_unique
DELETE FROM uniques WHERE key = ?1 AND lane = ?2 AND sequence = ?3 AND ifnull(until_ms, 0) <= ?4

-- name: set_queue
INSERT INTO queues (queue, paused, draining) VALUES (?1, ifnull(?2, 0), ifnull(?3, 0))
ON CONFLICT (queue) DO UPDATE SET paused = ifnull(?2, paused), draining = ifnull(?3, draining)

-- name: tell_session
UPDATE sessions SET told = ?2 WHERE session = ?1 AND retired = 0
