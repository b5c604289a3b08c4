-- +goose Up

-- How often somebody may ask, on every replica together: one row for each person or address and kind of request. until is when
-- their bucket is full again (the "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). Unlogged: after a
-- crash everybody starts with a full bucket. No row-level security: keys are ids and addresses, asked for before anybody's scope is known.
CREATE UNLOGGED TABLE rate_limit (
  key   text PRIMARY KEY CHECK (length(key) <= 200),
  until timestamptz NOT NULL
);
CREATE INDEX rate_limit_until ON rate_limit (until);
GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limit TO offramp_app;

-- +goose Down
SELECT 'forward only';
