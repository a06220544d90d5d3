-- Payloads and results beside their jobs.

-- name: write
INSERT INTO large_texts (place, text) VALUES (?1, ?2)
ON CONFLICT (place) DO UPDATE SET text = ?2

-- name: read
SELECT text FROM large_texts WHERE place = ?1

-- name: remove
DELETE FROM large_texts WHERE place = ?1
