-- +goose Up

-- When the next request to a source of the retired product's data may be made, by all workers together. No row-level security:
-- it holds nobody's data. Not logged: after a crash, a source is asked a moment too early at worst.
CREATE UNLOGGED TABLE source_pace (
  source  text PRIMARY KEY,                -- key of the programme file
  next_at timestamptz NOT NULL             -- by the database's clock
);
GRANT SELECT, INSERT, UPDATE ON source_pace TO offramp_app;

-- +goose Down
SELECT 'forward only';
