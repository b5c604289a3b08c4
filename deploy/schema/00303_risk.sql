-- +goose Up

-- What may go wrong with the retirement, how likely it is and how much it would harm, and what is done about it.
CREATE TABLE risk (
  id         text PRIMARY KEY,
  title      text NOT NULL CHECK (title <> ''),
  class      text NOT NULL CHECK (class IN ('technical', 'business', 'legal', 'public')),
  likelihood integer NOT NULL CHECK (likelihood BETWEEN 1 AND 5),
  impact     integer NOT NULL CHECK (impact BETWEEN 1 AND 5),
  plan       text NOT NULL CHECK (plan <> ''),
  sign       text NOT NULL,                     -- what would tell us that it happens
  owner      text NOT NULL REFERENCES identity,
  review_on  date NOT NULL,
  state      text NOT NULL CHECK (state IN ('open', 'closed')),
  evidence   text NOT NULL DEFAULT '',          -- why it is closed
  proof      text NOT NULL DEFAULT '',          -- the link or record that shows it
  version    integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  CONSTRAINT risk_closed_proved CHECK (state = 'open' OR evidence <> '' AND proof <> '')
);
CREATE INDEX risk_owner ON risk (owner, review_on) WHERE state = 'open';
COMMENT ON TABLE risk IS 'What may go wrong with the retirement, and what is done about it.';

-- What happened to a risk: each field that changed, with its value before and after. Rows are only added.
CREATE TABLE risk_entry (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  risk_id text NOT NULL REFERENCES risk,
  act     text NOT NULL CHECK (act IN ('created', 'changed', 'closed', 'reopened')),
  text    text NOT NULL,
  changes jsonb NOT NULL,
  by      text NOT NULL REFERENCES identity,
  at      timestamptz NOT NULL,
  CONSTRAINT risk_entry_why CHECK (act IN ('created', 'changed') OR text <> '')
);
CREATE INDEX risk_entry_risk ON risk_entry (risk_id, id);
COMMENT ON TABLE risk_entry IS 'What happened to a risk. Rows are only added.';

-- Colleagues' words are theirs alone.
ALTER TABLE risk ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk FORCE ROW LEVEL SECURITY;
CREATE POLICY risk_scope ON risk USING (offramp_sees(''));
ALTER TABLE risk_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY risk_entry_scope ON risk_entry USING (offramp_sees(''));

-- +goose Down
SELECT 'forward only';
