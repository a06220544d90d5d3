-- The numbering of lanes.

-- name: since
SELECT lane, queue, pool, priority FROM lanes WHERE lane > ?1 ORDER BY lane

-- name: add
INSERT INTO lanes (queue, pool, priority) VALUES (?1, ?2, ?3)
