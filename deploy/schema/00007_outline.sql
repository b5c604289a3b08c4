-- +goose Up

-- What a customer's data comes to: sizes and choices for the form of a new export, looked up by a worker. It may be out of date
-- and is thrown away at will; no export depends on it.
CREATE TABLE export_outline (
  customer_id text PRIMARY KEY REFERENCES customer,
  asked_at    timestamptz NOT NULL,           -- somebody wanted it
  made_at     timestamptz,                    -- data is of then
  version     integer NOT NULL DEFAULT 0,     -- of the programme that data answers
  failed      boolean NOT NULL DEFAULT false, -- the latest try gave nothing
  data        jsonb,
  CONSTRAINT export_outline_is_dated CHECK ((data IS NULL) = (made_at IS NULL))
);
GRANT SELECT, INSERT, UPDATE ON export_outline TO offramp_app;
ALTER TABLE export_outline ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_outline FORCE ROW LEVEL SECURITY;
CREATE POLICY export_outline_scope ON export_outline USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
