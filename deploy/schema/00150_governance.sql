-- +goose Up

-- A plan that a company runs a retirement by: phases with gates, and a checklist. It keeps the template's text as it was.
CREATE TABLE governance_plan (
  id         text PRIMARY KEY,
  template   text NOT NULL,
  source     text NOT NULL,                     -- the template, as it was when the plan was started
  leads      boolean NOT NULL,                  -- its gates block acts
  state      text NOT NULL CHECK (state IN ('running', 'ended')),
  started_by text NOT NULL REFERENCES identity,
  started_at timestamptz NOT NULL,
  ended_by   text REFERENCES identity,
  ended_at   timestamptz,
  CONSTRAINT governance_plan_ended CHECK ((state = 'ended') = (ended_at IS NOT NULL AND ended_by IS NOT NULL))
);
CREATE UNIQUE INDEX governance_one_leads ON governance_plan (leads) WHERE state = 'running' AND leads;
CREATE UNIQUE INDEX governance_one_of_a_kind ON governance_plan (template) WHERE state = 'running';

-- The acts that wait for a gate, beside the template's text: the database judges them without reading YAML.
CREATE TABLE governance_phase (
  plan_id  text NOT NULL REFERENCES governance_plan,
  key      text NOT NULL,
  position integer NOT NULL,
  blocks   text[] NOT NULL,
  PRIMARY KEY (plan_id, key),
  UNIQUE (plan_id, position)
);

-- Every day that was ever planned for a phase, or came true. Rows are only added.
CREATE TABLE governance_day (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan_id text NOT NULL,
  phase   text NOT NULL,
  edge    text NOT NULL CHECK (edge IN ('from', 'to')),
  kind    text NOT NULL CHECK (kind IN ('planned', 'replanned', 'actual')),
  day     date NOT NULL,
  reason  text NOT NULL DEFAULT '',
  by      text NOT NULL REFERENCES identity,
  at      timestamptz NOT NULL,
  FOREIGN KEY (plan_id, phase) REFERENCES governance_phase,
  CONSTRAINT governance_replanned_why CHECK (kind <> 'replanned' OR reason <> '')
);
CREATE INDEX governance_day_phase ON governance_day (plan_id, phase, id);

-- Gates that were opened, with what was seen then. A gate is open while its row is not shut and no waiver under it has ended.
CREATE TABLE governance_gate (
  id        text PRIMARY KEY,
  plan_id   text NOT NULL,
  phase     text NOT NULL,
  seen      jsonb NOT NULL,                     -- the facts at that instant
  until     timestamptz,                        -- when the first of the waivers that it stands on ends
  opened_by text NOT NULL REFERENCES identity,
  opened_at timestamptz NOT NULL,
  shut_by   text REFERENCES identity,
  shut_at   timestamptz,
  reason    text NOT NULL DEFAULT '',           -- why it was shut again
  FOREIGN KEY (plan_id, phase) REFERENCES governance_phase,
  CONSTRAINT governance_shut_why CHECK ((shut_at IS NULL) = (shut_by IS NULL) AND (shut_at IS NULL OR reason <> ''))
);
CREATE UNIQUE INDEX governance_gate_once ON governance_gate (plan_id, phase) WHERE shut_at IS NULL;

CREATE TABLE governance_item (
  id         text PRIMARY KEY,
  plan_id    text NOT NULL,
  key        text NOT NULL,
  phase      text NOT NULL,
  position   integer NOT NULL,
  name       jsonb NOT NULL,                    -- by language
  why        jsonb NOT NULL,
  department text NOT NULL,
  high       boolean NOT NULL,
  must       boolean NOT NULL,
  milestone  text NOT NULL,                     -- due: days from it
  days       integer NOT NULL,
  due_day    date,                              -- a day of its own instead
  after      text[] NOT NULL,                   -- keys of items that come first
  evidence   text NOT NULL,
  fact       text NOT NULL,                     -- the rule that ticks it; empty: a person does
  owner      text REFERENCES identity,
  state      text NOT NULL CHECK (state IN ('open', 'done')),
  note       text NOT NULL DEFAULT '',
  link       text NOT NULL DEFAULT '',
  ended_by   text REFERENCES identity,          -- NULL with state done: the fact
  ended_at   timestamptz,
  version    integer NOT NULL DEFAULT 1,
  UNIQUE (plan_id, key),
  FOREIGN KEY (plan_id, phase) REFERENCES governance_phase,
  CONSTRAINT governance_item_ended CHECK ((state = 'done') = (ended_at IS NOT NULL)),
  CONSTRAINT governance_item_proved CHECK (state = 'open' OR evidence = '' OR evidence = 'note' AND note <> '' OR evidence = 'link' AND link <> ''),
  CONSTRAINT governance_item_by CHECK (state = 'open' OR (ended_by IS NULL) = (fact <> ''))
);
CREATE INDEX governance_item_owner ON governance_item (owner) WHERE state = 'open';

-- What is let pass though it does not hold: asked for by one person with a reason and an end, agreed to by another.
CREATE TABLE governance_waiver (
  id        text PRIMARY KEY,
  plan_id   text NOT NULL REFERENCES governance_plan,
  subject   text NOT NULL,                      -- item:KEY or fact:PHASE/KEY
  reason    text NOT NULL CHECK (reason <> ''),
  until     timestamptz NOT NULL,
  asked_by  text NOT NULL REFERENCES identity,
  asked_at  timestamptz NOT NULL,
  agreed_by text REFERENCES identity,
  agreed_at timestamptz,
  ended_by  text REFERENCES identity,           -- refused, withdrawn or taken back
  ended_at  timestamptz,
  CONSTRAINT governance_waiver_four_eyes CHECK (agreed_by IS NULL OR agreed_by <> asked_by),
  CONSTRAINT governance_waiver_agreed CHECK ((agreed_by IS NULL) = (agreed_at IS NULL)),
  CONSTRAINT governance_waiver_ended CHECK ((ended_by IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX governance_waiver_once ON governance_waiver (plan_id, subject) WHERE ended_at IS NULL;

-- What happened to an item and what was said about it. Rows are only added.
CREATE TABLE governance_entry (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  item_id text NOT NULL REFERENCES governance_item,
  act     text NOT NULL CHECK (act IN ('comment', 'assigned', 'due', 'done', 'reopened', 'waived', 'agreed', 'taken_back')),
  text    text NOT NULL,
  by      text REFERENCES identity,             -- NULL: the fact
  at      timestamptz NOT NULL
);
CREATE INDEX governance_entry_item ON governance_entry (item_id, id);

-- What colleagues write is theirs alone. The plan, its phases and gates hold nobody's words, and governance_allows reads them
-- whoever asks.
ALTER TABLE governance_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_day FORCE ROW LEVEL SECURITY;
CREATE POLICY governance_day_scope ON governance_day USING (offramp_sees(''));
ALTER TABLE governance_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_item FORCE ROW LEVEL SECURITY;
CREATE POLICY governance_item_scope ON governance_item USING (offramp_sees(''));
ALTER TABLE governance_waiver ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_waiver FORCE ROW LEVEL SECURITY;
CREATE POLICY governance_waiver_scope ON governance_waiver USING (offramp_sees(''));
ALTER TABLE governance_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE governance_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY governance_entry_scope ON governance_entry USING (offramp_sees(''));

-- Whether an act may happen at an instant: no plan leads, or each gate that blocks it is open.
CREATE FUNCTION governance_allows(act text, at timestamptz) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
  AS $$
    SELECT NOT EXISTS (
      SELECT FROM public.governance_plan p JOIN public.governance_phase f ON f.plan_id = p.id
       WHERE p.state = 'running' AND p.leads AND act = ANY(f.blocks)
         AND NOT EXISTS (SELECT FROM public.governance_gate g
                          WHERE g.plan_id = p.id AND g.phase = f.key AND g.shut_at IS NULL AND (g.until IS NULL OR g.until >= at)))
  $$;

-- A waiver's second person, and whoever opens a gate, is a programme manager at that instant.
-- +goose StatementBegin
CREATE FUNCTION governance_by_manager() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
DECLARE
  person text := CASE TG_TABLE_NAME WHEN 'governance_gate' THEN to_jsonb(NEW) ->> 'opened_by' ELSE to_jsonb(NEW) ->> 'agreed_by' END;
BEGIN
  IF person IS NOT NULL AND NOT EXISTS (
    SELECT FROM public.identity i WHERE i.id = person AND i.realm = 'staff' AND i.state = 'active' AND 'programme_manager' = ANY(i.roles)) THEN
    RAISE EXCEPTION '% is no programme manager', person USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_manager';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER governance_gate_by_manager BEFORE INSERT ON governance_gate FOR EACH ROW EXECUTE FUNCTION governance_by_manager();
CREATE TRIGGER governance_waiver_by_manager BEFORE INSERT OR UPDATE OF agreed_by ON governance_waiver
  FOR EACH ROW EXECUTE FUNCTION governance_by_manager();

-- The service's end waits for the gate before it.
-- +goose StatementBegin
CREATE FUNCTION service_end_gate() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF NEW.withdrawn_by = '' AND NOT public.governance_allows('service_end', coalesce(NEW.declared_at, NEW.asked_at)) THEN
    RAISE EXCEPTION 'service end: the gate before it is shut' USING ERRCODE = 'check_violation', CONSTRAINT = 'service_end_gate';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER service_end_gate BEFORE INSERT OR UPDATE ON service_end FOR EACH ROW EXECUTE FUNCTION service_end_gate();

-- +goose Down
SELECT 'forward only';
