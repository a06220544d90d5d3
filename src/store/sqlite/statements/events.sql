-- The event stream.

-- name: append
INSERT INTO events (at_ms, body) VALUES (?1, ?2)
