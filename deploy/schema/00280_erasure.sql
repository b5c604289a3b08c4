-- +goose Up

-- Erasing a customer. Who may ask, in which order it goes and what is left of it are the database's to say: every delete runs in
-- erasure_step, for an order that two people gave and that is kept outside this database.
--
-- asked --another manager--> agreed --planned--> done        (erasure_run)
--   +--> withdrawn
-- ordered --kept outside--> kept --> running --listed again, nothing found--> complete     (erasure_order)
--                                      |  ^
--                                      v  |
--                                   incomplete: something is left; it goes on

-- What is done with each table: deploy/schema/erasure.go says so, schema up writes it here. Nobody else does. No row-level security:
-- names of our own tables.
CREATE TABLE erasure_rule (
  name     text PRIMARY KEY,
  action   text NOT NULL CHECK (action IN ('delete', 'blank', 'keep')),
  position integer NOT NULL,      -- what refers to others goes first
  filter   text NOT NULL,         -- over its rows t, with $1 for the customer
  blanks   text NOT NULL,         -- of blank: the assignments
  rest     text NOT NULL,         -- of blank: the rows that are not blank yet
  bars     boolean NOT NULL,      -- a row for somebody who is erased is refused
  years    integer NOT NULL,      -- of keep and blank: how long the rest of it stays
  ground   text NOT NULL          -- message key: why it stays; empty: nothing does
);

-- Says that a customer's data is not to be erased: a dispute, an order of a court. An erasure that has begun waits, too.
CREATE TABLE erasure_hold (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  reason      text NOT NULL CHECK (reason <> ''),
  set_by      text NOT NULL REFERENCES identity,
  set_at      timestamptz NOT NULL,
  ended_by    text REFERENCES identity,
  ended_at    timestamptz,
  ended_for   text NOT NULL DEFAULT '',
  CONSTRAINT erasure_hold_ended CHECK ((ended_by IS NULL) = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_for = ''))
);
CREATE UNIQUE INDEX erasure_hold_one ON erasure_hold (customer_id) WHERE ended_at IS NULL;
ALTER TABLE erasure_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY erasure_hold_scope ON erasure_hold USING (offramp_sees('')); -- staff's, never shown to the customer

-- A customer's own wish, confirmed by a fresh sign-in. The law's days run from asked_at.
CREATE TABLE erasure_request (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  asked_by    text NOT NULL,      -- contact id
  asked_at    timestamptz NOT NULL,
  due_at      timestamptz NOT NULL,
  state       text NOT NULL CHECK (state IN ('open', 'withdrawn', 'done')),
  ended_at    timestamptz,
  CONSTRAINT erasure_request_ended CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX erasure_request_open ON erasure_request (customer_id) WHERE state = 'open';
CREATE INDEX erasure_request_due ON erasure_request (due_at, id) WHERE state = 'open';
ALTER TABLE erasure_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_request FORCE ROW LEVEL SECURITY;
CREATE POLICY erasure_request_scope ON erasure_request USING (offramp_sees(customer_id));

-- What one programme manager asks for and another one agrees to: one customer, or all who are due.
CREATE TABLE erasure_run (
  id          text PRIMARY KEY,
  customer_id text,               -- NULL: all who are due
  request_id  text,               -- of the customer, where they wished it
  asked_by    text NOT NULL REFERENCES identity,
  asked_at    timestamptz NOT NULL,
  agreed_by   text REFERENCES identity,
  agreed_at   timestamptz,
  state       text NOT NULL CHECK (state IN ('asked', 'agreed', 'planned', 'withdrawn')),
  planned     integer NOT NULL DEFAULT 0,
  cursor      text NOT NULL DEFAULT '',  -- the last customer that was looked at
  CONSTRAINT erasure_two_people CHECK (agreed_by IS NULL OR agreed_by <> asked_by),
  CONSTRAINT erasure_run_agreed CHECK ((agreed_by IS NULL) = (agreed_at IS NULL) AND (agreed_by IS NULL OR state <> 'asked')
    AND (state NOT IN ('agreed', 'planned') OR agreed_by IS NOT NULL))
);
CREATE UNIQUE INDEX erasure_run_one ON erasure_run ((coalesce(customer_id, ''))) WHERE state IN ('asked', 'agreed');
CREATE INDEX erasure_run_order ON erasure_run (asked_at DESC, id);
ALTER TABLE erasure_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_run FORCE ROW LEVEL SECURITY;
CREATE POLICY erasure_run_scope ON erasure_run USING (offramp_sees(''));

-- The ledger: one order for each customer, numbered and chained. entry is what is kept outside, too, byte for byte. None of it says who
-- the customer was: the id is random, and the reference can be computed again only by whoever has erasure_key and knows the number.
CREATE TABLE erasure_order (
  id           text PRIMARY KEY,
  customer_id  text NOT NULL UNIQUE,       -- of nobody, where a backup from before they came was restored
  run_id       text REFERENCES erasure_run,   -- NULL: replayed from the ledger
  origin       text NOT NULL CHECK (origin IN ('run', 'replay')),
  reference    text NOT NULL UNIQUE CHECK (length(reference) = 64),
  seq          bigint NOT NULL UNIQUE,
  entry        text NOT NULL,
  digest       text NOT NULL CHECK (length(digest) = 64), -- SHA-256 of entry, which has the one before
  state        text NOT NULL CHECK (state IN ('ordered', 'kept', 'running', 'incomplete', 'complete')),
  ordered_at   timestamptz NOT NULL,
  kept_at      timestamptz,
  completed_at timestamptz,
  keep_until   timestamptz,                   -- of what stays for the law
  gone_at      timestamptz,                   -- when that went
  next_at      timestamptz NOT NULL,          -- not tried before
  passes       integer NOT NULL DEFAULT 0,
  problem      text NOT NULL DEFAULT '',      -- message key of what keeps it from being complete
  report       jsonb NOT NULL DEFAULT '{}',   -- counts, summed over all tries
  certificate  text NOT NULL DEFAULT '',      -- a JWS
  CONSTRAINT erasure_order_complete CHECK ((state = 'complete') = (completed_at IS NOT NULL) AND (state <> 'complete' OR certificate <> '')),
  CONSTRAINT erasure_order_kept CHECK (state = 'ordered' OR kept_at IS NOT NULL),
  CONSTRAINT erasure_order_run CHECK ((origin = 'run') = (run_id IS NOT NULL))
);
CREATE INDEX erasure_order_open ON erasure_order (next_at, seq) WHERE state <> 'complete';
CREATE INDEX erasure_order_kept_for ON erasure_order (keep_until) WHERE gone_at IS NULL AND state = 'complete';
CREATE INDEX erasure_order_of_run ON erasure_order (run_id, seq);
ALTER TABLE erasure_order ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_order FORCE ROW LEVEL SECURITY;
CREATE POLICY erasure_order_scope ON erasure_order USING (offramp_sees(customer_id));

-- The key of references. Nobody but the schema's owner reads it, and erasure_reference alone uses it. Whoever destroys it
-- (DELETE FROM erasure_key) makes all references in ledger and certificates numbers of nobody. No row-level security: nobody may read it.
CREATE TABLE erasure_key (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  key       bytea NOT NULL CHECK (length(key) = 32)
);
INSERT INTO erasure_key (key) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- +goose StatementBegin
CREATE FUNCTION erasure_reference(ref text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT encode(sha256(k.key || sha256(k.key || convert_to(ref, 'UTF8'))), 'hex') FROM public.erasure_key k $$;

-- Whether the schema's owner erases just now: in erasure_step and nowhere else.
CREATE FUNCTION erasure_runs() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT coalesce(current_setting('offramp.erases', true), '') = 'yes'
    AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.erasure_order'::regclass) $$;

-- What stands against erasing a customer: message keys, empty when nothing does. The deadline is the programme's, which the
-- application knows. Like all of these functions that look behind row-level security it leaves the scope as it was.
CREATE FUNCTION erasure_obstacles(customer text, at timestamptz) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  against text[];
BEGIN
  PERFORM set_config('offramp.scope', 'system', true);
  against := (SELECT array_remove(ARRAY[
    CASE WHEN NOT public.governance_allows('erasure', at) THEN 'erasure.not_gate' END,
    CASE WHEN EXISTS (SELECT FROM public.erasure_hold h WHERE h.customer_id = customer AND h.ended_at IS NULL) THEN 'erasure.not_hold' END,
    CASE WHEN EXISTS (SELECT FROM public.export e WHERE e.customer_id = customer AND e.state IN ('queued', 'running'))
           OR EXISTS (SELECT FROM public.export_delivery d WHERE d.customer_id = customer AND d.finished_at IS NULL) THEN 'erasure.not_export' END,
    CASE WHEN EXISTS (SELECT FROM public.refund r WHERE r.customer_id = customer
           AND (r.state NOT IN ('paid', 'credited', 'waived', 'declined', 'closed', 'withdrawn')
                OR r.state = 'paid' AND r.settled_at > at - interval '14 days')) -- the bank may still give it back
           OR EXISTS (SELECT FROM public.refund_task k JOIN public.refund r ON r.id = k.refund_id WHERE r.customer_id = customer AND k.done_at IS NULL)
         THEN 'erasure.not_refund' END,
    CASE WHEN EXISTS (SELECT FROM public.help_request q WHERE q.customer_id = customer AND q.state = 'open') THEN 'erasure.not_help' END], NULL));
  PERFORM set_config('offramp.scope', scope, true);
  RETURN against;
END $$;

-- Whether a customer's erasure was ordered. The lock comes first: whoever got it before the order has committed when the order goes on,
-- and whoever gets it after sees the order.
CREATE FUNCTION erasure_ordered(customer text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  ordered boolean;
BEGIN
  PERFORM set_config('offramp.scope', 'system', true);
  PERFORM FROM public.customer c WHERE c.id = customer FOR KEY SHARE;
  ordered := EXISTS (SELECT FROM public.erasure_order o WHERE o.customer_id = customer);
  PERFORM set_config('offramp.scope', scope, true);
  RETURN ordered;
END $$;

-- Whether a customer of that number was erased.
CREATE FUNCTION erasure_known(ref text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  known boolean;
BEGIN
  PERFORM set_config('offramp.scope', 'system', true);
  known := EXISTS (SELECT FROM public.erasure_order o WHERE o.reference = public.erasure_reference(ref));
  PERFORM set_config('offramp.scope', scope, true);
  RETURN known;
END $$;

-- An order comes from a run that two people gave, while nothing stands against it; or from the ledger, by the schema's owner.
CREATE FUNCTION erasure_order_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  owner text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.erasure_order'::regclass);
  against text[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.id, NEW.customer_id, NEW.run_id, NEW.origin, NEW.reference, NEW.seq, NEW.entry, NEW.digest, NEW.ordered_at) IS DISTINCT FROM
       (OLD.id, OLD.customer_id, OLD.run_id, OLD.origin, OLD.reference, OLD.seq, OLD.entry, OLD.digest, OLD.ordered_at)
       OR OLD.state = 'complete' AND (NEW.state, NEW.completed_at, NEW.certificate) IS DISTINCT FROM (OLD.state, OLD.completed_at, OLD.certificate)
       OR NEW.state = 'ordered' AND OLD.state <> 'ordered' THEN
      RAISE EXCEPTION 'erasure %: the ledger stays', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'erasure_order_stays';
    END IF;
    IF NEW.state = 'complete' AND OLD.state <> 'complete'
       AND EXISTS (SELECT FROM public.erasure_counts(NEW.customer_id) c WHERE c.action <> 'keep' AND c.n > 0) THEN
      RAISE EXCEPTION 'erasure %: rows are left', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'erasure_order_left';
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.origin = 'replay' THEN
    IF NOT pg_has_role(current_user, owner, 'USAGE') THEN
      RAISE EXCEPTION 'erasure %: the schema''s owner alone replays', NEW.id USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM public.erasure_run r WHERE r.id = NEW.run_id AND r.state = 'agreed' AND coalesce(r.customer_id, NEW.customer_id) = NEW.customer_id) THEN
    RAISE EXCEPTION 'erasure %: two people have not agreed', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'erasure_order_two';
  END IF;
  PERFORM FROM public.customer c WHERE c.id = NEW.customer_id FOR UPDATE; -- whoever writes for them now has committed
  against := public.erasure_obstacles(NEW.customer_id, NEW.ordered_at);
  IF cardinality(against) > 0 THEN
    RAISE EXCEPTION 'erasure %: %', NEW.id, against[1] USING ERRCODE = '23514', CONSTRAINT = 'erasure_order_obstacle', DETAIL = against[1];
  END IF;
  IF NEW.state <> 'ordered' THEN
    RAISE EXCEPTION 'erasure %: it begins as ordered', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'erasure_order_begins';
  END IF;
  RETURN NEW;
END $$;

-- Two programme managers, each as they are at that instant.
CREATE FUNCTION erasure_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
  after jsonb := to_jsonb(NEW);
  acts text;
BEGIN
  FOREACH acts IN ARRAY ARRAY['asked_by', 'agreed_by', 'set_by', 'ended_by'] LOOP
    IF after ->> acts IS DISTINCT FROM before ->> acts AND after ->> acts IS NOT NULL
       AND public.staff_role(after ->> acts, ARRAY['programme_manager']) = '' THEN
      RAISE EXCEPTION '%: % is no programme manager', TG_TABLE_NAME, after ->> acts USING ERRCODE = '23514', CONSTRAINT = 'erasure_role';
    END IF;
  END LOOP;
  IF TG_OP = 'INSERT' AND (after ->> 'agreed_by' IS NOT NULL OR after ->> 'ended_by' IS NOT NULL) THEN
    RAISE EXCEPTION '%: it begins as asked for', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'erasure_begins';
  END IF;
  IF before ->> 'agreed_by' IS NOT NULL AND (after - ARRAY['state', 'planned', 'cursor']) IS DISTINCT FROM (before - ARRAY['state', 'planned', 'cursor'])
     OR before ->> 'ended_by' IS NOT NULL AND after IS DISTINCT FROM before THEN
    RAISE EXCEPTION '%: what was decided stays', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'erasure_decided';
  END IF;
  RETURN NEW;
END $$;

-- How many rows of each table are a customer's: with delete and blank what is still to go, with keep what stays.
CREATE FUNCTION erasure_counts(customer text) RETURNS TABLE (name text, action text, n bigint, years integer, ground text) LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  r erasure_rule;
BEGIN
  PERFORM set_config('offramp.scope', 'system', true);
  FOR r IN SELECT * FROM public.erasure_rule ORDER BY erasure_rule.position LOOP
    name := r.name; action := r.action; years := r.years; ground := r.ground;
    EXECUTE format('SELECT count(*) FROM public.%I t WHERE (%s)', r.name, r.filter) || CASE r.action WHEN 'blank' THEN ' AND (' || r.rest || ')' ELSE '' END
      INTO n USING customer;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('offramp.scope', scope, true);
END $$;

-- How many rows stay without what says who it was.
CREATE FUNCTION erasure_stays(customer text) RETURNS TABLE (name text, action text, n bigint, years integer, ground text) LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  r erasure_rule;
BEGIN
  PERFORM set_config('offramp.scope', 'system', true);
  FOR r IN SELECT * FROM public.erasure_rule WHERE erasure_rule.action = 'blank' ORDER BY erasure_rule.position LOOP
    name := r.name; action := r.action; years := r.years; ground := r.ground;
    EXECUTE format('SELECT count(*) FROM public.%I t WHERE (%s)', r.name, r.filter) INTO n USING customer;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('offramp.scope', scope, true);
END $$;

-- Deletes or blanks a customer's rows of one table, and says how many. It does nothing while a hold stands.
CREATE FUNCTION erasure_step(order_id text, of_table text) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  scope text := coalesce(current_setting('offramp.scope', true), '');
  o erasure_order;
  r erasure_rule;
  n bigint := 0;
BEGIN
  PERFORM set_config('offramp.scope', 'system', true), set_config('offramp.erases', 'yes', true);
  SELECT * INTO o FROM public.erasure_order WHERE id = order_id FOR UPDATE;
  SELECT * INTO r FROM public.erasure_rule WHERE erasure_rule.name = of_table;
  IF o.id IS NULL OR r.name IS NULL OR NOT (o.state IN ('kept', 'running', 'incomplete')
     OR o.state = 'complete' AND r.action IN ('keep', 'blank') AND o.keep_until < clock_timestamp()) THEN
    RAISE EXCEPTION 'erasure %: nothing of % may go now', order_id, of_table USING ERRCODE = '42501';
  END IF;
  IF o.origin = 'run' AND EXISTS (SELECT FROM public.erasure_hold h WHERE h.customer_id = o.customer_id AND h.ended_at IS NULL) THEN
    RAISE EXCEPTION 'erasure %: a hold stands', order_id USING ERRCODE = '23514', CONSTRAINT = 'erasure_held', DETAIL = 'erasure.not_hold';
  END IF;
  IF r.action = 'delete' OR o.state = 'complete' AND r.name <> 'audit' THEN -- the log's chain stays whole; it names nobody
    EXECUTE format('DELETE FROM public.%I t WHERE (%s)', r.name, r.filter) USING o.customer_id;
    GET DIAGNOSTICS n = ROW_COUNT;
  ELSIF r.action = 'blank' THEN
    EXECUTE format('UPDATE public.%I t SET %s WHERE (%s) AND (%s)', r.name, r.blanks, r.filter, r.rest) USING o.customer_id;
    GET DIAGNOSTICS n = ROW_COUNT;
  END IF;
  PERFORM set_config('offramp.scope', scope, true), set_config('offramp.erases', '', true);
  RETURN n;
END $$;

-- Nothing is written for somebody whose erasure was ordered. It runs once for all rows of a statement, since many are written by
-- the thousand.
CREATE FUNCTION erasure_bar() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE barred boolean;
BEGIN
  IF coalesce(current_setting('offramp.scope', true), '') = 'system' THEN
    PERFORM FROM public.customer c WHERE c.id IN (SELECT a.customer_id FROM added a) FOR KEY SHARE;
    barred := EXISTS (SELECT FROM public.erasure_order o WHERE o.customer_id IN (SELECT a.customer_id FROM added a));
  ELSE
    barred := EXISTS (SELECT FROM (SELECT DISTINCT a.customer_id FROM added a WHERE a.customer_id IS NOT NULL) a WHERE public.erasure_ordered(a.customer_id));
  END IF;
  IF barred THEN
    RAISE EXCEPTION '%: the customer is being erased', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'erasure_bar';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION erasure_job_bar() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF public.erasure_ordered(NEW.args ->> 'customer_id') THEN
    RAISE EXCEPTION 'job %: the customer is being erased', NEW.kind USING ERRCODE = '23514', CONSTRAINT = 'erasure_bar';
  END IF;
  RETURN NEW;
END $$;

-- Nobody who was erased comes back by an import, nor is let in again.
CREATE FUNCTION erasure_return() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND public.erasure_known(NEW.ref) OR TG_OP = 'UPDATE' AND NEW.state = 'active' AND public.erasure_ordered(NEW.id) THEN
    RAISE EXCEPTION 'customer: was erased' USING ERRCODE = '23514', CONSTRAINT = 'erasure_return';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION erasure_step, erasure_counts, erasure_stays, erasure_obstacles, erasure_reference, erasure_ordered, erasure_known FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erasure_step, erasure_reference TO offramp_work, offramp_app;
GRANT EXECUTE ON FUNCTION erasure_counts, erasure_stays, erasure_obstacles, erasure_ordered, erasure_known TO offramp_serve, offramp_work, offramp_app;

CREATE TRIGGER erasure_order_guard BEFORE INSERT OR UPDATE ON erasure_order FOR EACH ROW EXECUTE FUNCTION erasure_order_guard();
CREATE TRIGGER erasure_eyes BEFORE INSERT OR UPDATE ON erasure_run FOR EACH ROW EXECUTE FUNCTION erasure_eyes();
CREATE TRIGGER erasure_eyes BEFORE INSERT OR UPDATE ON erasure_hold FOR EACH ROW EXECUTE FUNCTION erasure_eyes();
CREATE TRIGGER erasure_return BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION erasure_return();

-- Guards that keep what was decided, which erasing goes past.
DROP TRIGGER refund_guard ON refund;
CREATE TRIGGER refund_guard BEFORE UPDATE ON refund FOR EACH ROW WHEN (NOT erasure_runs()) EXECUTE FUNCTION refund_guard();
DROP TRIGGER refund_document_guard ON refund_document;
CREATE TRIGGER refund_document_guard BEFORE UPDATE OR DELETE ON refund_document FOR EACH ROW WHEN (NOT erasure_runs())
  EXECUTE FUNCTION refund_document_guard();
DROP TRIGGER ledger_entry_stays ON ledger_entry;
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW WHEN (NOT erasure_runs()) EXECUTE FUNCTION ledger_stays();
DROP TRIGGER ledger_posting_stays ON ledger_posting;
CREATE TRIGGER ledger_posting_stays BEFORE UPDATE OR DELETE ON ledger_posting FOR EACH ROW WHEN (NOT erasure_runs()) EXECUTE FUNCTION ledger_stays();
CREATE POLICY offer_code_erase ON offer_code FOR DELETE USING (erasure_runs());

-- +goose Down
SELECT 'forward only';
