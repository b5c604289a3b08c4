-- +goose Up

CREATE SEQUENCE help_number START 10001;
GRANT USAGE ON SEQUENCE help_number TO offramp_app;

-- open --> answered --> closed     (staff answer; the customer closes)
--   +-----------------> closed
CREATE TABLE help_request (
  id          text PRIMARY KEY,
  number      bigint NOT NULL UNIQUE DEFAULT nextval('help_number'),
  customer_id text NOT NULL REFERENCES customer,
  contact_id  text NOT NULL,
  export_id   text REFERENCES export,         -- NULL: not about an export
  reference   text NOT NULL DEFAULT '',       -- of the export, as people write it
  dataset     text NOT NULL DEFAULT '',       -- where something is missing; empty: not said
  expected    bigint,                         -- how many rows or files the customer had counted
  text        text NOT NULL DEFAULT '',
  state       text NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
  created_at  timestamptz NOT NULL,
  answer      text NOT NULL DEFAULT '',       -- the customer reads it
  answered_at timestamptz,
  answered_by text NOT NULL DEFAULT '',       -- identity id
  closed_at   timestamptz,
  CONSTRAINT help_says_something CHECK (dataset <> '' OR text <> ''),
  CONSTRAINT help_answer_is_signed CHECK (state <> 'answered' OR (answer <> '' AND answered_at IS NOT NULL AND answered_by <> ''))
);
-- The same thing said twice while it is open is one request.
CREATE UNIQUE INDEX help_said_once ON help_request (customer_id, coalesce(export_id, ''), dataset, coalesce(expected, -1), md5(text)) WHERE state = 'open';
CREATE INDEX help_customer ON help_request (customer_id, number DESC);
CREATE INDEX help_open ON help_request (number) WHERE state = 'open';
GRANT SELECT, INSERT, UPDATE ON help_request TO offramp_app;
ALTER TABLE help_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE help_request FORCE ROW LEVEL SECURITY;
CREATE POLICY help_request_scope ON help_request USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
