-- Layout 5. What was known of a session's death when it was retired, for who gives
-- its jobs back.
ALTER TABLE sessions ADD COLUMN certificate TEXT NOT NULL DEFAULT '';
