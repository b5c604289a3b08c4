-- +goose Up

-- Each wish to shut somebody out, or to let them in again: of a member of staff by two programme managers in the console, of a
-- customer's person by one, and of either by the operator's command. What was decided stays.
CREATE TABLE person_change (
  id          text PRIMARY KEY,
  identity_id text REFERENCES identity,          -- a member of staff, or
  customer_id text,                              -- a customer's contact
  contact_id  text,
  act         text NOT NULL CHECK (act IN ('disable', 'enable')),
  state       text NOT NULL CHECK (state IN ('proposed', 'done', 'withdrawn')),
  origin      text NOT NULL CHECK (origin IN ('console', 'command')),
  reason      text NOT NULL CHECK (reason <> ''),
  proposed_by text REFERENCES identity,          -- in the console
  operator    text NOT NULL DEFAULT '',          -- at the command line
  proposed_at timestamptz NOT NULL,
  decided_by  text REFERENCES identity,          -- who confirmed it or took it back
  decided_at  timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id),
  CONSTRAINT person_change_of_one CHECK ((identity_id IS NULL) = (contact_id IS NOT NULL) AND (customer_id IS NULL) = (contact_id IS NULL)),
  CONSTRAINT person_change_names CHECK ((origin = 'console') = (proposed_by IS NOT NULL) AND (origin = 'command') = (operator <> '')),
  CONSTRAINT person_change_dated CHECK ((state = 'proposed') = (decided_at IS NULL)),
  CONSTRAINT person_change_not_self CHECK (proposed_by <> identity_id AND decided_by <> identity_id),
  CONSTRAINT person_change_two CHECK (state <> 'done' OR origin = 'command' OR identity_id IS NULL OR decided_by IS NOT NULL AND decided_by <> proposed_by)
);
CREATE UNIQUE INDEX person_change_waits ON person_change (identity_id) WHERE state = 'proposed';
CREATE INDEX person_change_identity ON person_change (identity_id, proposed_at) WHERE identity_id IS NOT NULL;
CREATE INDEX person_change_contact ON person_change (contact_id, proposed_at) WHERE contact_id IS NOT NULL;
ALTER TABLE person_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_change FORCE ROW LEVEL SECURITY;
CREATE POLICY person_change_scope ON person_change USING (offramp_sees('')); -- staff's and the system's, never a customer's

-- +goose StatementBegin
-- A programme manager proposes and another one confirms, each as they are at that instant. The web side's changes are the
-- console's: it does not pass for the command line.
CREATE FUNCTION person_change_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
     OR NEW.state = 'done' AND staff_role(OLD.proposed_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'person change %: % may not', OLD.id, NEW.decided_by USING ERRCODE = '23514', CONSTRAINT = 'person_change_role';
  END IF;
  RETURN NEW;
END $$;

-- The one way by which a person is shut out or let in. What was given to them ends with them: sessions, tokens of scripts, calendars,
-- invitations that they sent or could take, links that confirm an address, hand-overs, copies to a bucket that they named. It does
-- not come back when they are let in again.
CREATE FUNCTION person_change_done() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  wanted text := CASE NEW.act WHEN 'disable' THEN 'disabled' ELSE 'active' END;
  changed integer;
BEGIN
  IF NEW.identity_id IS NOT NULL THEN
    UPDATE identity SET state = wanted WHERE id = NEW.identity_id AND realm = 'staff' AND state <> wanted;
  ELSE
    UPDATE contact SET state = wanted, updated_at = NEW.decided_at
     WHERE customer_id = NEW.customer_id AND id = NEW.contact_id AND joined_to IS NULL AND state <> wanted;
  END IF;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed <> 1 THEN
    RAISE EXCEPTION 'person change %: they are % already, or nobody', NEW.id, wanted USING ERRCODE = '23514', CONSTRAINT = 'person_change_state';
  END IF;
  UPDATE person_change SET state = 'withdrawn', decided_at = NEW.decided_at WHERE identity_id = NEW.identity_id AND state = 'proposed' AND id <> NEW.id;
  IF NEW.act = 'enable' THEN
    RETURN NULL;
  END IF;
  UPDATE session s SET ended_at = NEW.decided_at, id_token = '' FROM identity i
   WHERE i.id = s.identity_id AND s.ended_at IS NULL AND (i.id = NEW.identity_id OR i.customer_id = NEW.customer_id AND i.contact_id = NEW.contact_id);
  UPDATE invitation SET expires_at = NEW.decided_at
   WHERE used_at IS NULL AND expires_at > NEW.decided_at AND (created_by IN (NEW.identity_id, NEW.contact_id) OR contact_id = NEW.contact_id);
  IF NEW.contact_id IS NULL THEN
    RETURN NULL;
  END IF;
  UPDATE export_token SET revoked_at = NEW.decided_at WHERE contact_id = NEW.contact_id AND revoked_at IS NULL;
  DELETE FROM calendar_feed WHERE contact_id = NEW.contact_id;
  UPDATE address_confirmation SET expires_at = NEW.decided_at WHERE contact_id = NEW.contact_id AND used_at IS NULL AND expires_at > NEW.decided_at;
  UPDATE hand_over SET until = NEW.decided_at WHERE agreed_by = NEW.contact_id AND redeemed_at IS NULL AND until > NEW.decided_at;
  UPDATE export_delivery SET state = 'cancelled', finished_at = NEW.decided_at, secret = NULL
   WHERE customer_id = NEW.customer_id AND requested_by = NEW.contact_id AND finished_at IS NULL;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER person_change_guard BEFORE INSERT OR UPDATE ON person_change FOR EACH ROW EXECUTE FUNCTION person_change_guard();
CREATE TRIGGER person_change_done AFTER INSERT OR UPDATE ON person_change FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION person_change_done();

-- A contact is shut out and let in by such a change, and becomes a memory when it is joined to another. Nothing else sets it.
-- +goose StatementBegin
CREATE FUNCTION contact_state_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.joined_to IS NULL AND (pg_has_role(current_user, 'offramp_serve', 'USAGE') OR pg_has_role(current_user, 'offramp_work', 'USAGE'))
     AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE') THEN
    RAISE EXCEPTION 'contact %: nobody is shut out or let in in passing', NEW.id USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER contact_state_guard BEFORE UPDATE ON contact FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION contact_state_guard();

-- +goose Down
SELECT 'forward only';
