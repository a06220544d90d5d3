-- Runs of flows: comparing and changing their fields and lists.

-- name: field
SELECT value FROM run_fields WHERE run = ?1 AND field = ?2

-- name: set
INSERT INTO run_fields (run, field, value) VALUES (?1, ?2, ?3)
ON CONFLICT (run, field) DO UPDATE SET value = ?3

-- name: erase
DELETE FROM run_fields WHERE run = ?1 AND field = ?2

-- name: erase_list
DELETE FROM run_values WHERE run = ?1 AND list = ?2

-- name: append
INSERT INTO run_values (run, list, place, value)
VALUES (?1, ?2, (SELECT ifnull(max(place), 0) + 1 FROM run_values WHERE run = ?1 AND list = ?2), ?3)

-- name: mark
INSERT INTO runs (run, created_at_ms, keep_until_ms) VALUES (?1, ?2, ?3)
ON CONFLICT (run) DO UPDATE SET keep_until_ms = ?3

-- name: page
SELECT number, run,
       ifnull((SELECT value FROM run_fields f WHERE f.run = runs.run AND field = 'state'), ''),
       ifnull((SELECT value FROM run_fields f WHERE f.run = runs.run AND field = 'flow'), '')
FROM runs WHERE number < ?1 ORDER BY number DESC LIMIT ?2

-- name: fields
SELECT field, value FROM run_fields
WHERE run = ?1 AND field >= ?2 AND field < ?3 ORDER BY field LIMIT ?4

-- name: values
SELECT place, value FROM run_values WHERE run = ?1 AND list = ?2 AND place > ?3
ORDER BY place LIMIT ?4

-- name: outlived
SELECT run FROM runs INDEXED BY runs_ended
WHERE keep_until_ms IS NOT NULL AND keep_until_ms <= ?1 ORDER BY keep_until_ms LIMIT 1

-- name: forget_fields
DELETE FROM run_fields WHERE run = ?1 AND field IN (
  SELECT field FROM run_fields WHERE run = ?1 LIMIT ?2)

-- name: forget_values
DELETE FROM run_values WHERE run = ?1 AND (list, place) IN (
  SELECT list, place FROM run_values WHERE run = ?1 LIMIT ?2)

-- name: forget
DELETE FROM runs WHERE run = ?1
