-- +goose Up

-- A session proves who acts: each transaction of the web side bears a value that only the browser's cookie gives, and the session has
-- its hash. Which entry of the audit log tells of the sign-in stands beside; a session that was put there without one proves nothing.
ALTER TABLE session
  ADD COLUMN proof    text,    -- SHA-256 of what the cookie proves with, hex; NULL: an older release made it
  ADD COLUMN recorded bigint;  -- the entry of the audit log; 0: an older release made it
SELECT set_config('offramp.scope', 'system', true);
UPDATE session SET recorded = 0;
CREATE UNIQUE INDEX session_proof ON session (proof);

-- From when on nobody acts without proof. An installation that is upgraded has a day for the replicas of the older release and for
-- the sessions that they have begun.
ALTER TABLE installation ADD COLUMN actors_from timestamptz NOT NULL DEFAULT 'epoch';
UPDATE installation SET actors_from = clock_timestamp() + interval '1 day' WHERE EXISTS (SELECT FROM audit_head WHERE seq > 0);

-- +goose StatementBegin
CREATE FUNCTION session_begins() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE') THEN
    NEW.recorded := NULL;
  END IF;
  RETURN NEW;
END $$;

-- Who an entry names, and what the database adds to it by itself, under "recorded" in the detail, which the chain covers: when it
-- was written by the server's own clock, by which role, and in which session. Nobody sets these.
--   The web side writes for staff in the session that proves them, who have a role; for a contact of the customer; and for what
--   it does by itself. A worker writes for itself and for the operator. The two in one are not bound: they are for installations
--   that have not parted them.
CREATE FUNCTION audit_actor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  undivided boolean := pg_has_role(current_user, 'offramp_app', 'USAGE');
  web boolean := NOT undivided AND pg_has_role(current_user, 'offramp_serve', 'USAGE');
  work boolean := NOT undivided AND NOT web AND pg_has_role(current_user, 'offramp_work', 'USAGE');
  mine xid := pg_current_xact_id()::xid;
  shown text := nullif(current_setting('offramp.proof', true), '');
  session_id text;
  person identity;
  may boolean := true;
BEGIN
  IF jsonb_typeof(NEW.detail) <> 'object' THEN
    RAISE EXCEPTION 'audit: the detail is no object' USING ERRCODE = '23514', CONSTRAINT = 'audit_detail';
  END IF;
  IF shown IS NOT NULL THEN
    SELECT s.id, s.identity_id INTO session_id, person.id FROM session s
     WHERE s.proof = encode(sha256(convert_to(shown, 'UTF8')), 'hex') AND s.recorded IS NOT NULL AND (s.ended_at IS NULL OR s.xmin = mine);
    SELECT * INTO person FROM identity i WHERE i.id = person.id;
    IF NEW.actor IS DISTINCT FROM coalesce(person.contact_id, person.id) THEN
      session_id := NULL; -- what the product does by itself meanwhile is not the person's act
    END IF;
  END IF;
  NEW.detail := NEW.detail || jsonb_build_object('recorded', jsonb_strip_nulls(jsonb_build_object(
    'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'by', session_user, 'session', session_id)));
  IF NEW.act IN ('session.begin', 'session.refuse') THEN
    may := NEW.act = 'session.refuse' AND NEW.actor_kind IN ('staff', 'customer') -- of somebody whom the provider named: there is no session
      OR EXISTS (SELECT FROM session s JOIN identity i ON i.id = s.identity_id WHERE 'session ' || s.id = NEW.object AND s.xmin = mine
        AND s.recorded IS NULL AND NEW.actor_kind = i.realm AND NEW.actor = coalesce(i.contact_id, i.id));
  ELSIF NEW.actor_kind = 'staff' THEN
    may := session_id IS NOT NULL AND person.realm = 'staff' AND (person.state = 'active' AND cardinality(person.roles) > 0 OR starts_with(NEW.act, 'session.'));
  ELSIF NEW.actor_kind = 'customer' THEN
    may := EXISTS (SELECT FROM contact c WHERE c.customer_id = NEW.customer_id AND c.id = NEW.actor)
      AND (session_id IS NOT NULL OR NEW.customer_id = current_setting('offramp.customer', true) OR NEW.act IN ('identity.link', 'contact.join'));
  ELSE
    may := NEW.actor_kind = 'system' AND (NEW.actor IN ('portal', 'provider', 'notices', 'system') OR starts_with(NEW.actor, 'replacement '));
  END IF;
  IF work THEN
    may := NEW.actor_kind IN ('system', 'operator');
  END IF;
  IF NOT may AND (web OR work) AND clock_timestamp() >= (SELECT actors_from FROM installation) THEN
    RAISE EXCEPTION 'audit: % does nothing as % %', current_user, NEW.actor_kind, NEW.actor USING ERRCODE = '23514', CONSTRAINT = 'audit_actor';
  END IF;
  RETURN NEW;
END $$;

-- Whether the web side acts in a session of a person. Others are not asked.
CREATE FUNCTION staff_acts(person text) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN pg_has_role(current_user, 'offramp_app', 'USAGE') OR NOT pg_has_role(current_user, 'offramp_serve', 'USAGE')
    OR clock_timestamp() < (SELECT actors_from FROM installation)
    OR EXISTS (SELECT FROM session s WHERE s.identity_id = person AND s.recorded IS NOT NULL AND s.ended_at IS NULL
      AND s.proof = encode(sha256(convert_to(nullif(current_setting('offramp.proof', true), ''), 'UTF8')), 'hex'));
END $$;

-- The entry of a sign-in makes its session one that proves.
CREATE FUNCTION audit_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE session s SET recorded = NEW.seq FROM identity i
   WHERE 'session ' || s.id = NEW.object AND s.recorded IS NULL AND i.id = s.identity_id AND NEW.actor = coalesce(i.contact_id, i.id);
  RETURN NULL;
END $$;
-- +goose StatementEnd

-- Every guard asks by this function whether a person may: on the web side only who acts may. What was a person's role alone, whoever
-- acts, has another name.
CREATE FUNCTION staff_has(person text, wanted text[]) RETURNS text LANGUAGE sql STABLE
  RETURN coalesce((SELECT w.role FROM unnest(wanted) WITH ORDINALITY w (role, n) JOIN identity i ON w.role = ANY (i.roles)
    WHERE i.id = person AND i.realm = 'staff' AND i.state = 'active' ORDER BY w.n LIMIT 1), '');
CREATE OR REPLACE FUNCTION staff_role(person text, wanted text[]) RETURNS text LANGUAGE sql STABLE
  RETURN CASE WHEN staff_acts(person) THEN staff_has(person, wanted) ELSE '' END;
-- Whoever proposed a change of a person still has the role when another one confirms it; the other one acts.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION person_change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE web boolean := pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE');
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.origin = 'command' THEN
      IF web THEN
        RAISE EXCEPTION 'the web side is no command line' USING ERRCODE = '42501';
      END IF;
      RETURN NEW;
    END IF;
    IF NEW.identity_id IS NOT NULL AND NEW.state <> 'proposed' THEN
      RAISE EXCEPTION 'person change %: it takes two', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'person_change_two';
    END IF;
    IF staff_role(NEW.proposed_by, ARRAY['programme_manager']) = '' THEN
      RAISE EXCEPTION 'person change %: % may not', NEW.id, NEW.proposed_by USING ERRCODE = '23514', CONSTRAINT = 'person_change_role';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'proposed' OR (NEW.id, NEW.act, NEW.origin, NEW.reason, NEW.operator, NEW.proposed_at) IS DISTINCT FROM
       (OLD.id, OLD.act, OLD.origin, OLD.reason, OLD.operator, OLD.proposed_at)
     OR (NEW.identity_id, NEW.customer_id, NEW.contact_id, NEW.proposed_by) IS DISTINCT FROM (OLD.identity_id, OLD.customer_id, OLD.contact_id, OLD.proposed_by) THEN
    RAISE EXCEPTION 'person change %: what was proposed and decided stays', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'person_change_stays';
  END IF;
  IF (web OR NEW.decided_by IS NOT NULL OR NEW.state = 'done') AND staff_role(NEW.decided_by, ARRAY['programme_manager']) = ''
     OR NEW.state = 'done' AND staff_has(OLD.proposed_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'person change %: % may not', OLD.id, NEW.decided_by USING ERRCODE = '23514', CONSTRAINT = 'person_change_role';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_by_manager() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  person text := CASE TG_TABLE_NAME WHEN 'governance_gate' THEN to_jsonb(NEW) ->> 'opened_by' ELSE to_jsonb(NEW) ->> 'agreed_by' END;
BEGIN
  IF person IS NOT NULL AND staff_role(person, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION '% is no programme manager', person USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_manager';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER session_begins BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION session_begins();
CREATE TRIGGER audit_actor BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_actor(); -- before audit_chain, by its name
CREATE TRIGGER audit_session AFTER INSERT ON audit FOR EACH ROW WHEN (NEW.act = 'session.begin') EXECUTE FUNCTION audit_session();

-- +goose Down
SELECT 'forward only';
