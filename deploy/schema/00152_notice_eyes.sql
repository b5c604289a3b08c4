-- +goose Up

-- Two people, each as they are at that instant, whatever the web side writes: a waiver begins as asked for, one that counts stays, and
-- so does a service end that was declared. Their names are those of staff with a role for it, and not any text.
-- +goose StatementBegin
CREATE FUNCTION notice_eyes() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
DECLARE
  web boolean := pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE');
  asked text[] := ARRAY['programme_manager'];
  before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
  after jsonb := to_jsonb(NEW);
  second text;
BEGIN
  second := CASE TG_TABLE_NAME WHEN 'notice_waiver' THEN 'confirmed_by' WHEN 'service_end' THEN 'declared_by' ELSE 'ended_by' END;
  IF TG_TABLE_NAME = 'notice_call' THEN
    asked := ARRAY['support', 'programme_manager'];
    IF before ->> 'state' = 'waived' AND before IS DISTINCT FROM after THEN
      RAISE EXCEPTION '%: what two people decided stays', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_decided';
    END IF;
    IF after ->> 'state' <> 'waived' THEN
      second := NULL; -- whoever rang ends a call alone
    END IF;
  ELSIF coalesce(before ->> second, '') <> '' AND before IS DISTINCT FROM after THEN
    RAISE EXCEPTION '%: what two people decided stays', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_decided';
  END IF;
  IF TG_OP = 'INSERT' AND second IS NOT NULL AND coalesce(after ->> second, '') <> '' THEN
    RAISE EXCEPTION '%: it begins as asked for', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_begins';
  END IF;
  IF NOT web THEN
    RETURN NEW;
  END IF;
  IF after ->> 'asked_by' NOT IN ('', coalesce(before ->> 'asked_by', '')) AND public.staff_role(after ->> 'asked_by', asked) = ''
     OR second IS NOT NULL AND coalesce(after ->> second, '') <> '' AND public.staff_role(after ->> second, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION '%: whoever decides is staff with a role for it', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notice_eyes BEFORE INSERT OR UPDATE ON notice_waiver FOR EACH ROW EXECUTE FUNCTION notice_eyes();
CREATE TRIGGER notice_eyes BEFORE INSERT OR UPDATE ON service_end FOR EACH ROW EXECUTE FUNCTION notice_eyes();
CREATE TRIGGER notice_eyes BEFORE INSERT OR UPDATE ON notice_call FOR EACH ROW EXECUTE FUNCTION notice_eyes();

-- +goose Down
SELECT 'forward only';
