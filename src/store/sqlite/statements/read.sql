-- find, list, count, events.

-- name: job
SELECT lane, sequence, state, task,
       iif(large_payload IS NULL, payload,
           (SELECT text FROM large_texts WHERE place = 2 * sequence)),
       attempt, crashes, created_at_ms, due_at_ms,
       expires_at_ms, started_at_ms, finished_at_ms, worker,
       iif(large_result IS NULL, result,
           (SELECT text FROM large_texts WHERE place = 2 * sequence + 1)),
       error,
       CASE state WHEN 'succeeded' THEN 1.0 ELSE progress END, progress_message, options, tags,
       own_id, unique_key
FROM jobs WHERE lane = ?1 AND sequence = ?2

-- name: below
SELECT sequence, state, task, ifnull(tags, '') FROM jobs
WHERE lane = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT 1

-- name: logs
SELECT fence, number, at_ms, attempt, text FROM logs
WHERE lane = ?1 AND sequence = ?2 AND (fence, number) > (?3, ?4) ORDER BY fence, number LIMIT ?5

-- name: queues
SELECT queue, paused, draining FROM queues

-- name: counts
SELECT queue, state, jobs FROM counts

-- name: submitted
SELECT ifnull(sum(submitted), 0) FROM queues WHERE ?1 = '' OR queue = ?1

-- name: sessions
SELECT session, slot, worker, host, pid, queues, pools, tasks, concurrency, opened_at_ms,
       tally
FROM sessions WHERE retired = 0 ORDER BY session

-- name: events
SELECT entry, at_ms, body FROM events WHERE entry > ?1 ORDER BY entry LIMIT ?2

-- name: newest_event
SELECT ifnull(max(entry), 0) FROM events

-- name: oldest_event
SELECT min(entry) FROM events
