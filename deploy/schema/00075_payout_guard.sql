-- +goose Up

-- Who decides is a person who has signed in, in a role that the decision asks for. The role of that instant stands beside.
ALTER TABLE refund_decision ADD COLUMN role text NOT NULL DEFAULT '';
ALTER TABLE batch ADD COLUMN created_role text NOT NULL DEFAULT '', ADD COLUMN released_role text NOT NULL DEFAULT '';
-- Who declined it last: the second look, after an objection, is another person's. Older releases do not say.
ALTER TABLE refund ADD COLUMN declined_by text;
-- What was decided before names people, too; it is not held to it here, since they may have been deleted.
ALTER TABLE refund
  ADD CONSTRAINT refund_reviewer FOREIGN KEY (reviewed_by) REFERENCES identity NOT VALID,
  ADD CONSTRAINT refund_approver FOREIGN KEY (approved_by) REFERENCES identity NOT VALID,
  ADD CONSTRAINT refund_second_approver FOREIGN KEY (second_approved_by) REFERENCES identity NOT VALID,
  ADD CONSTRAINT refund_releaser FOREIGN KEY (released_by) REFERENCES identity NOT VALID,
  ADD CONSTRAINT refund_decliner FOREIGN KEY (declined_by) REFERENCES identity NOT VALID;
ALTER TABLE batch
  ADD CONSTRAINT batch_creator FOREIGN KEY (created_by) REFERENCES identity NOT VALID,
  ADD CONSTRAINT batch_releaser FOREIGN KEY (released_by) REFERENCES identity NOT VALID;

-- The first of some roles that a person has at this instant; empty: none of them, or no active member of staff.
CREATE FUNCTION staff_role(person text, wanted text[]) RETURNS text LANGUAGE sql STABLE
  RETURN coalesce((SELECT w.role FROM unnest(wanted) WITH ORDINALITY w (role, n) JOIN identity i ON w.role = ANY (i.roles)
    WHERE i.id = person AND i.realm = 'staff' AND i.state = 'active' ORDER BY w.n LIMIT 1), '');

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refund_decide(r refund, duty text, person text) RETURNS void LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE role text := '';
BEGIN
  IF duty <> 'request' THEN
    IF refund_concerns(r.customer_id, person) OR duty = 'review' AND person = r.declined_by THEN
      RAISE EXCEPTION 'refund %: % belongs to the customer, or has declined it', r.ref, person USING ERRCODE = '23514', CONSTRAINT = 'refund_four_eyes';
    END IF;
    role := staff_role(person, ARRAY[CASE duty WHEN 'review' THEN 'finance_clerk' WHEN 'release' THEN 'finance_releaser' ELSE 'finance_approver' END]);
    IF role = '' THEN
      RAISE EXCEPTION 'refund %: % may not %', r.ref, person, duty USING ERRCODE = '23514', CONSTRAINT = 'refund_role';
    END IF;
  END IF;
  INSERT INTO refund_decision (refund_id, customer_id, round, duty, person, at, role) VALUES (r.id, r.customer_id, r.round, duty, person, r.updated_at, role);
END $$;

-- A refusal names who refuses, and a second one is another person's.
CREATE FUNCTION refund_decline_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.state = 'declined' AND OLD.state <> 'declined' THEN
    IF NEW.declined_by IS NOT NULL AND OLD.objection <> '' AND NEW.declined_by = OLD.declined_by THEN
      RAISE EXCEPTION 'refund %: % has declined it before', OLD.ref, NEW.declined_by USING ERRCODE = '23514', CONSTRAINT = 'refund_four_eyes';
    END IF;
    IF NEW.declined_by IS NOT NULL AND staff_role(NEW.declined_by, ARRAY['finance_clerk', 'finance_approver', 'finance_releaser']) = '' THEN
      RAISE EXCEPTION 'refund %: % may not decline', OLD.ref, NEW.declined_by USING ERRCODE = '23514', CONSTRAINT = 'refund_role';
    END IF;
  ELSIF NEW.declined_by IS DISTINCT FROM OLD.declined_by THEN
    RAISE EXCEPTION 'refund %: who declined it stays', OLD.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
  END IF;
  RETURN NEW;
END $$;

-- A batch is made by a clerk or an approver and released by a releaser, each at that instant.
CREATE OR REPLACE FUNCTION batch_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'created' THEN
      RAISE EXCEPTION 'batch % is made as %', NEW.ref, NEW.state USING ERRCODE = '23514', CONSTRAINT = 'batch_begins';
    END IF;
    NEW.created_role := staff_role(NEW.created_by, ARRAY['finance_clerk', 'finance_approver']);
    NEW.released_role := '';
    IF NEW.created_role = '' THEN
      RAISE EXCEPTION 'batch %: % may not make one', NEW.ref, NEW.created_by USING ERRCODE = '23514', CONSTRAINT = 'refund_role';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'created' THEN
    RAISE EXCEPTION 'batch % is %', OLD.ref, OLD.state USING ERRCODE = '23514', CONSTRAINT = 'batch_stays';
  END IF;
  NEW.created_role := OLD.created_role;
  NEW.released_role := '';
  IF NEW.state = 'released' THEN
    NEW.released_role := staff_role(NEW.released_by, ARRAY['finance_releaser']);
    IF NEW.released_role = '' THEN
      RAISE EXCEPTION 'batch %: % may not release it', NEW.ref, NEW.released_by USING ERRCODE = '23514', CONSTRAINT = 'refund_role';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- Whether an attempt at paying may be made now: it belongs to a refund whose money may leave, pays what is left of it or one of
-- its parts, and follows from a batch that another person released than made it. A worker asks once more before it calls.
CREATE FUNCTION payout_allowed(a payout_attempt) RETURNS boolean LANGUAGE sql STABLE
  RETURN EXISTS (
    SELECT FROM refund r JOIN batch b ON b.id = r.batch_id JOIN batch_item i ON i.batch_id = b.id AND i.refund_id = r.id
     WHERE r.id = a.refund_id AND r.state IN ('released', 'unknown', 'returned') AND i.content = r.content AND i.dropped = ''
       AND b.state = 'released' AND b.released_by = r.released_by AND b.created_by <> b.released_by
       AND a.customer_id = r.customer_id AND a.currency = r.currency AND a.amount <= r.amount - r.settled
       AND CASE r.method
         WHEN 'bank' THEN a.channel = 'bank' AND a.payment_ref = '' AND a.amount = i.amount AND a.key = i.end_to_end
         WHEN 'original' THEN a.channel <> 'bank' AND EXISTS (SELECT FROM refund_payment p
           WHERE p.refund_id = r.id AND p.payment_ref = a.payment_ref AND p.amount = a.amount AND p.provider = a.channel
             AND p.provider_payment = a.provider_payment AND p.live AND NOT p.settled)
         ELSE false END);

CREATE FUNCTION payout_attempt_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE begins text := CASE NEW.channel WHEN 'bank' THEN 'accepted' ELSE 'planned' END;
BEGIN
  IF NEW.state <> begins OR NOT payout_allowed(NEW) THEN
    RAISE EXCEPTION 'attempt % at refund %: it is not what was released', NEW.number, NEW.refund_id USING ERRCODE = '23514', CONSTRAINT = 'payout_attempt_released';
  END IF;
  RETURN NULL;
END $$;

-- A refund gives back what its parts come to; a credit, a bonus on top of them, less what the customer agreed to lose of it.
CREATE FUNCTION refund_adds_up() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE r refund; parts bigint;
BEGIN
  SELECT * INTO r FROM refund WHERE id = CASE TG_TABLE_NAME WHEN 'refund' THEN to_jsonb(NEW)->>'id' ELSE to_jsonb(NEW)->>'refund_id' END;
  SELECT coalesce(sum(amount), 0) INTO parts FROM refund_payment WHERE refund_id = r.id;
  IF r.id IS NULL OR r.amount <> parts AND NOT (r.method = 'credit' AND r.amount <= parts + r.extra
     AND r.amount + (r.rest_rule = 'lost')::integer * r.credit_rest >= parts) THEN
    RAISE EXCEPTION 'refund %: % and its parts %', coalesce(r.ref, '?'), r.amount, parts USING ERRCODE = '23514', CONSTRAINT = 'refund_adds_up';
  END IF;
  RETURN NULL;
END $$;

-- What was paid comes from an import that is under way, and from nowhere else.
CREATE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM entitlement_import WHERE id = NEW.import_id AND finished_at IS NULL) THEN
    RAISE EXCEPTION 'payment %: % is no import under way', NEW.ref, NEW.import_id USING ERRCODE = '23514', CONSTRAINT = 'payment_imported';
  END IF;
  RETURN NEW;
END $$;

-- Only a worker pays: the web side enqueues no payment, and makes no other job one.
CREATE FUNCTION offramp_pays() RETURNS boolean LANGUAGE sql STABLE
  RETURN pg_has_role(current_user, 'offramp_work', 'USAGE') OR pg_has_role(current_user, 'offramp_app', 'USAGE');

-- Only the web side decides: a worker moves what was decided.
CREATE FUNCTION refund_decider() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT (pg_has_role(current_user, 'offramp_serve', 'USAGE') OR pg_has_role(current_user, 'offramp_app', 'USAGE')) THEN
    RAISE EXCEPTION 'refund %: a worker decides nothing', OLD.ref USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION pay_job_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR (NEW.kind, NEW.args) IS DISTINCT FROM (OLD.kind, OLD.args)) AND NOT offramp_pays() THEN
    RAISE EXCEPTION 'only a worker enqueues payments' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;

-- What the provider says of a member of staff, taken over at each sign-in: the one way by which roles are given and taken. It is
-- on record in the same transaction whenever they change.
CREATE FUNCTION staff_signs_in(id text, issuer text, subject text, name text, email text, roles text[], at timestamptz) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was identity;
BEGIN
  SELECT * INTO was FROM identity i WHERE i.issuer = staff_signs_in.issuer AND i.subject = staff_signs_in.subject;
  IF was.id IS NULL THEN
    INSERT INTO identity (id, realm, issuer, subject, name, email, roles, state, created_at, signed_in_at)
    VALUES (staff_signs_in.id, 'staff', staff_signs_in.issuer, staff_signs_in.subject, staff_signs_in.name, staff_signs_in.email, staff_signs_in.roles, 'active', at, at);
  ELSIF was.realm <> 'staff' OR was.id <> staff_signs_in.id THEN
    RAISE EXCEPTION 'identity % is no member of staff of that name', was.id USING ERRCODE = '23514', CONSTRAINT = 'identity_stays';
  ELSE
    UPDATE identity i SET name = staff_signs_in.name, email = staff_signs_in.email, roles = staff_signs_in.roles, signed_in_at = at WHERE i.id = was.id;
  END IF;
  IF coalesce(was.roles, '{}') IS DISTINCT FROM staff_signs_in.roles THEN
    INSERT INTO audit (at, actor, actor_kind, act, object, detail)
    VALUES (staff_signs_in.at, staff_signs_in.id, 'staff', 'identity.roles', 'identity ' || staff_signs_in.id,
      jsonb_build_object('before', coalesce(was.roles, '{}'), 'after', staff_signs_in.roles));
  END IF;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION staff_signs_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION staff_signs_in TO offramp_serve, offramp_app;

CREATE TRIGGER refund_decider BEFORE UPDATE ON refund FOR EACH ROW
  WHEN (NEW.reviewed_by <> coalesce(OLD.reviewed_by, '') OR NEW.approved_by <> coalesce(OLD.approved_by, '')
    OR NEW.second_approved_by <> coalesce(OLD.second_approved_by, '') OR NEW.released_by <> coalesce(OLD.released_by, '')
    OR NEW.declined_by <> coalesce(OLD.declined_by, ''))
  EXECUTE FUNCTION refund_decider();
CREATE TRIGGER refund_decline_guard BEFORE UPDATE ON refund FOR EACH ROW WHEN (NEW.state = 'declined' OR NEW.declined_by IS DISTINCT FROM OLD.declined_by)
  EXECUTE FUNCTION refund_decline_guard();
CREATE TRIGGER batch_begin BEFORE INSERT ON batch FOR EACH ROW EXECUTE FUNCTION batch_guard();
CREATE CONSTRAINT TRIGGER payout_attempt_guard AFTER INSERT ON payout_attempt FOR EACH ROW EXECUTE FUNCTION payout_attempt_guard();
CREATE CONSTRAINT TRIGGER refund_adds_up AFTER INSERT OR UPDATE OF amount, method, extra ON refund DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refund_adds_up();
CREATE CONSTRAINT TRIGGER refund_payment_adds_up AFTER INSERT ON refund_payment DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refund_adds_up();
CREATE TRIGGER payment_guard BEFORE INSERT OR UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_guard();
-- The web side moves transfers only, by what the bank has told.
CREATE POLICY payout_attempt_transfers ON payout_attempt AS RESTRICTIVE FOR UPDATE USING (channel = 'bank' OR offramp_pays());

-- +goose Down
SELECT 'forward only';
