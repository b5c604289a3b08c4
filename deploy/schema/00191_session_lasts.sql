-- +goose Up

-- A session whose time is over proves nothing, also before a worker has swept it. The time runs by the server's own clock from when the
-- session came, since the product's clock is what the application says. A session from before this change begins with it.
ALTER TABLE session ADD COLUMN began timestamptz NOT NULL DEFAULT clock_timestamp();

-- +goose StatementBegin
CREATE FUNCTION session_lasts(began timestamptz, created_at timestamptz, expires_at timestamptz) RETURNS boolean LANGUAGE sql STABLE
  SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT CASE WHEN isfinite(expires_at) AND isfinite(created_at) THEN clock_timestamp() < began + (expires_at - created_at) ELSE false END $$;

CREATE OR REPLACE FUNCTION session_begins() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE') THEN
    NEW.recorded := NULL;
    NEW.began := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION audit_actor() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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
     WHERE s.proof = encode(sha256(convert_to(shown, 'UTF8')), 'hex') AND s.recorded IS NOT NULL AND session_lasts(s.began, s.created_at, s.expires_at)
       AND (s.ended_at IS NULL OR s.xmin = mine);
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

CREATE OR REPLACE FUNCTION staff_acts(person text) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN pg_has_role(current_user, 'offramp_app', 'USAGE') OR NOT pg_has_role(current_user, 'offramp_serve', 'USAGE')
    OR clock_timestamp() < (SELECT actors_from FROM installation)
    OR EXISTS (SELECT FROM session s WHERE s.identity_id = person AND s.recorded IS NOT NULL AND s.ended_at IS NULL
      AND session_lasts(s.began, s.created_at, s.expires_at)
      AND s.proof = encode(sha256(convert_to(nullif(current_setting('offramp.proof', true), ''), 'UTF8')), 'hex'));
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'forward only';
