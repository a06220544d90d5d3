-- Counters and facts of the namespace.

-- name: read
SELECT value FROM meta WHERE key = ?1

-- name: write
INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2

-- name: next_fence
UPDATE meta SET value = value + 1 WHERE key = 'fence' RETURNING value

-- name: next_again
UPDATE meta SET value = value + 1 WHERE key = 'again' RETURNING value

-- name: take_sequences
UPDATE meta SET value = value + ?1 WHERE key = 'sequence' RETURNING value

-- name: add
UPDATE meta SET value = value + ?2 WHERE key = ?1

-- name: gap
INSERT INTO gaps (first, last) VALUES (?1, ?2)

-- name: in_gap
SELECT 1 FROM gaps WHERE first <= ?1 AND last >= ?1

-- name: count
INSERT INTO counts (queue, state, jobs, bytes) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (queue, state) DO UPDATE SET jobs = jobs + ?3, bytes = bytes + ?4
