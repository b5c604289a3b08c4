-- +goose Up

-- The workers that hold, or held, the lock that shows them alive. The web side cannot read another role's sessions, so that it
-- learns the workers' names here and, from pg_locks, whose lock is held. No row-level security: names of our own processes.
CREATE TABLE queue_worker (
  id    text PRIMARY KEY,
  since timestamptz NOT NULL           -- it took its lock, by the database's own clock
);

-- +goose Down
SELECT 'forward only';
