-- +goose Up

-- Whether this installation is a demonstration, where one person may play several. The owner alone says so: the schema command
-- does, with OFFRAMP_DEMO_SELF_APPROVAL=yes. No row-level security: one word, nobody's data.
CREATE TABLE installation (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  demonstration boolean NOT NULL DEFAULT false
);
INSERT INTO installation DEFAULT VALUES;

-- Where a version comes from the database itself says, by the role that wrote it: a name at the command line is nobody's proof of
-- who they are. Such a version needs two programme managers in the console. Empty: an older release wrote it.
ALTER TABLE programme_version
  ADD COLUMN origin text NOT NULL DEFAULT '' CHECK (origin IN ('', 'command', 'console')),
  ADD COLUMN first_approved_by text REFERENCES identity,
  ADD COLUMN first_approved_at timestamptz,
  ADD CONSTRAINT programme_first_is_another CHECK (first_approved_by <> proposed_by AND first_approved_by <> approved_by),
  ADD CONSTRAINT programme_first_is_dated CHECK ((first_approved_by IS NULL) = (first_approved_at IS NULL));

-- +goose StatementBegin
CREATE FUNCTION programme_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  demonstration boolean := coalesce((SELECT i.demonstration FROM installation i), false);
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'proposed' OR num_nonnulls(NEW.approved_by, NEW.first_approved_by) > 0 THEN
      RAISE EXCEPTION 'programme version %: a version begins as proposed', NEW.version USING ERRCODE = '23514', CONSTRAINT = 'programme_begins';
    END IF;
    NEW.origin := CASE WHEN pg_has_role(current_user, 'offramp_app', 'USAGE') THEN ''
                       WHEN pg_has_role(current_user, 'offramp_serve', 'USAGE') THEN 'console' ELSE 'command' END;
    IF NEW.origin = 'console' AND staff_role(NEW.proposed_by, ARRAY['programme_manager']) = '' THEN
      RAISE EXCEPTION 'programme version %: % may not propose', NEW.version, NEW.proposed_by USING ERRCODE = '23514', CONSTRAINT = 'programme_role';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.version, NEW.source, NEW.digest, NEW.proposed_by, NEW.proposed_at, NEW.origin)
     IS DISTINCT FROM (OLD.version, OLD.source, OLD.digest, OLD.proposed_by, OLD.proposed_at, OLD.origin)
     OR OLD.first_approved_by IS NOT NULL AND NEW.first_approved_by IS DISTINCT FROM OLD.first_approved_by
     OR OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by THEN
    RAISE EXCEPTION 'programme version %: what was proposed and decided stays', OLD.version USING ERRCODE = '23514', CONSTRAINT = 'programme_stays';
  END IF;
  IF OLD.origin = '' OR demonstration THEN
    RETURN NEW;
  END IF;
  IF NEW.first_approved_by IS DISTINCT FROM OLD.first_approved_by AND staff_role(NEW.first_approved_by, ARRAY['programme_manager']) = ''
     OR NEW.approved_by IS DISTINCT FROM OLD.approved_by AND staff_role(NEW.approved_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'programme version %: only a programme manager approves', OLD.version USING ERRCODE = '23514', CONSTRAINT = 'programme_role';
  END IF;
  IF NEW.approved_by IS DISTINCT FROM OLD.approved_by AND OLD.origin = 'command' AND OLD.first_approved_by IS NULL THEN
    RAISE EXCEPTION 'programme version %: it comes from the command line and needs two', OLD.version USING ERRCODE = '23514', CONSTRAINT = 'programme_two';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER programme_guard BEFORE INSERT OR UPDATE ON programme_version FOR EACH ROW EXECUTE FUNCTION programme_guard();

-- +goose Down
SELECT 'forward only';
