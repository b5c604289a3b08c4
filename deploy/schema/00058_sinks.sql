-- +goose Up

-- The sinks that a version of the programme names. What decides whither an event goes is this table and nothing that a process
-- remembers. It is written with the version; a worker adds what a binary before this one left out. Only ever added to. No
-- row-level security: names of our own systems.
CREATE TABLE programme_sinks (
  version integer PRIMARY KEY REFERENCES programme_version,
  names   text[] NOT NULL
);

-- By which version of the programme an event was spread, so that it can be held against its deliveries later. NULL: it waits, or a
-- binary before this one spread it.
ALTER TABLE outbox_event ADD COLUMN spread_by integer;

-- How a sink answers: its last tries, newest first, and since when none succeeds.
ALTER TABLE sink
  ADD COLUMN tried_at      timestamptz,
  ADD COLUMN delivered_at  timestamptz,
  ADD COLUMN failing_since timestamptz,
  ADD COLUMN answers       jsonb NOT NULL DEFAULT '[]';

-- Which workers can serve a sink, by their own word of a moment ago. No row-level security: names of our own systems.
CREATE TABLE sink_worker (
  sink    text NOT NULL,
  worker  text NOT NULL,
  want    text NOT NULL CHECK (want IN ('', 'address', 'secret', 'valid_secret')), -- what it lacks; '': nothing
  seen_at timestamptz NOT NULL,                                                    -- by the database's own clock
  PRIMARY KEY (sink, worker)
);

-- Dead letters are few, and looked for often.
CREATE INDEX outbox_delivery_parked ON outbox_delivery (sink, done_at) WHERE state = 'parked';

-- +goose Down
SELECT 'forward only';
