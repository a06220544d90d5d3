-- note: progress and log lines of running jobs.

-- name: progress
UPDATE jobs SET progress = ?3, progress_message = nullif(?4, '') WHERE lane = ?1 AND sequence = ?2

-- name: log
INSERT INTO logs (lane, sequence, fence, number, at_ms, attempt, text)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING

-- name: logged
UPDATE jobs SET log_bytes = log_bytes + ?3 WHERE lane = ?1 AND sequence = ?2

-- name: trim_log
-- The oldest lines go, until what is left fits with its line ends. log_bytes goes on counting all
-- that was written.
DELETE FROM logs WHERE lane = ?1 AND sequence = ?2 AND (fence, number) IN (
  SELECT fence, number FROM (
    SELECT fence, number,
           sum(length(CAST(text AS BLOB)) + 1) OVER (ORDER BY fence DESC, number DESC) AS kept
    FROM logs WHERE lane = ?1 AND sequence = ?2) WHERE kept > ?3)
