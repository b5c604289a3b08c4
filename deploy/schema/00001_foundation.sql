-- +goose Up

-- The application signs in as a member of this role: it owns nothing, runs no DDL, and row-level security applies to it.
-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'offramp_app') THEN
    CREATE ROLE offramp_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- another schema run in the same cluster was faster
END $$;
-- +goose StatementEnd

GRANT USAGE ON SCHEMA public TO offramp_app;
GRANT SELECT ON goose_db_version TO offramp_app;

-- What the current transaction may see. A scope is set by set_config(..., true) and ends with the transaction:
--   offramp.customer  the one customer whose rows are in reach
--   offramp.scope     'staff' or 'system' for the explicit wider scopes
--   offramp.token     the hash of a secret that its bearer has shown (session, calendar feed)
-- Without a scope nothing matches.
CREATE FUNCTION offramp_sees(customer text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN customer = nullif(current_setting('offramp.customer', true), '')
      OR coalesce(current_setting('offramp.scope', true), '') IN ('staff', 'system');

CREATE FUNCTION offramp_holds(hash text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN hash = nullif(current_setting('offramp.token', true), '');

-- Programme versions. No row-level security: the text is the same for every customer and holds nobody's data.
CREATE TABLE programme_version (
  version      integer PRIMARY KEY CHECK (version > 0),
  state        text NOT NULL CHECK (state IN ('proposed', 'active', 'superseded', 'withdrawn')),
  source       text NOT NULL,
  digest       text NOT NULL,
  proposed_by  text NOT NULL,
  proposed_at  timestamptz NOT NULL,
  approved_by  text,
  approved_at  timestamptz,
  CONSTRAINT programme_four_eyes CHECK (approved_by <> proposed_by),
  CONSTRAINT programme_active_is_approved CHECK (state NOT IN ('active', 'superseded') OR (approved_by IS NOT NULL AND approved_at IS NOT NULL))
);
CREATE UNIQUE INDEX programme_one_active ON programme_version ((true)) WHERE state = 'active';
CREATE UNIQUE INDEX programme_one_proposed ON programme_version ((true)) WHERE state = 'proposed';
GRANT SELECT, INSERT ON programme_version TO offramp_app;
GRANT UPDATE (state, approved_by, approved_at) ON programme_version TO offramp_app;

CREATE TABLE customer (
  id          text PRIMARY KEY,
  ref         text NOT NULL UNIQUE,
  name        text NOT NULL,
  tier        text NOT NULL,
  locale      text NOT NULL,
  zone        text NOT NULL,
  state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  attributes  jsonb NOT NULL DEFAULT '{}',
  imported_at timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON customer TO offramp_app;
ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer FORCE ROW LEVEL SECURITY;
CREATE POLICY customer_scope ON customer USING (offramp_sees(id));

CREATE TABLE contact (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  email       text NOT NULL,
  name        text NOT NULL,
  role        text NOT NULL CHECK (role IN ('owner', 'member')),
  locale      text NOT NULL DEFAULT '',
  zone        text NOT NULL DEFAULT '',
  state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  imported_at timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  UNIQUE (customer_id, id)
);
CREATE UNIQUE INDEX contact_email ON contact (customer_id, lower(email));
GRANT SELECT, INSERT, UPDATE ON contact TO offramp_app;
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact FORCE ROW LEVEL SECURITY;
CREATE POLICY contact_scope ON contact USING (offramp_sees(customer_id));

-- A later last day for one customer.
CREATE TABLE extension (
  customer_id text NOT NULL REFERENCES customer,
  milestone   text NOT NULL,
  day         date NOT NULL,
  reason      text NOT NULL DEFAULT '',
  granted_by  text NOT NULL,
  granted_at  timestamptz NOT NULL,
  PRIMARY KEY (customer_id, milestone)
);
GRANT SELECT, INSERT, UPDATE ON extension TO offramp_app;
ALTER TABLE extension ENABLE ROW LEVEL SECURITY;
ALTER TABLE extension FORCE ROW LEVEL SECURITY;
CREATE POLICY extension_scope ON extension USING (offramp_sees(customer_id));

-- The journey: append-only events and the folded row that every surface reads.
CREATE TABLE journey_event (
  customer_id text NOT NULL REFERENCES customer,
  version     integer NOT NULL CHECK (version > 0),
  kind        text NOT NULL,
  actor       text NOT NULL,
  at          timestamptz NOT NULL,
  data        jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (customer_id, version)
);
GRANT SELECT, INSERT ON journey_event TO offramp_app;
ALTER TABLE journey_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey_event FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_event_scope ON journey_event USING (offramp_sees(customer_id));

CREATE DOMAIN step_status AS text
  CHECK (VALUE IN ('not_started', 'in_progress', 'action_needed', 'problem', 'completed', 'cannot_start', 'not_needed'));

CREATE TABLE journey (
  customer_id text PRIMARY KEY REFERENCES customer,
  version     integer NOT NULL,
  dates       step_status NOT NULL,
  export      step_status NOT NULL,
  choose      step_status NOT NULL,
  settle      step_status NOT NULL,
  confirm     step_status NOT NULL,
  detail      jsonb NOT NULL DEFAULT '{}', -- what the plan page shows of each step
  progress    jsonb,                       -- of the running export; not an event, so it moves no version
  updated_at  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON journey TO offramp_app;
ALTER TABLE journey ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_scope ON journey USING (offramp_sees(customer_id));

-- For reports and other systems: one row a customer, under the reader's own scope.
CREATE VIEW customer_status WITH (security_invoker = true) AS
SELECT c.id AS customer_id, c.ref AS customer_ref, c.name, c.tier, c.locale, c.zone, c.state,
       j.version, j.dates AS step_dates, j.export AS step_export, j.choose AS step_choose,
       j.settle AS step_settle, j.confirm AS step_confirm, j.updated_at
  FROM customer c JOIN journey j ON j.customer_id = c.id;
GRANT SELECT ON customer_status TO offramp_app;

-- +goose Down
SELECT 'forward only';
