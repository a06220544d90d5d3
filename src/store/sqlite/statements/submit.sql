-- submit: new jobs, and the keys by which an old one is known again.

-- name: queue
SELECT draining FROM queues WHERE queue = ?1

-- name: count
INSERT INTO queues (queue, submitted) VALUES (?1, ?2)
ON CONFLICT (queue) DO UPDATE SET submitted = submitted + ?2

-- name: job
INSERT INTO jobs (lane, sequence, state, task, payload, place, created_at_ms, ready_at_ms,
                  due_at_ms, expires_at_ms, options, tags, own_id, unique_key, large_payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)

-- name: alias
SELECT lane, sequence FROM aliases WHERE own_id = ?1

-- name: add_alias
INSERT INTO aliases (own_id, lane, sequence) VALUES (?1, ?2, ?3)

-- name: unique
SELECT lane, sequence, until_ms FROM uniques WHERE key = ?1

-- name: add_unique
INSERT INTO uniques (key, lane, sequence, until_ms) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (key) DO UPDATE SET lane = ?2, sequence = ?3, until_ms = ?4

-- name: idempotent
SELECT lane, sequence, digest FROM idempotency WHERE key = ?1 AND at_ms > ?2

-- name: add_idempotent
INSERT INTO idempotency (key, digest, lane, sequence, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (key) DO UPDATE SET digest = ?2, lane = ?3, sequence = ?4, at_ms = ?5
