-- +goose Up

-- Who stands for what a notice says, beside its approver, is the database's to say. A version from the command line bears a name that
-- proves nothing: there the person who put it into effect stands for it. An approver is a programme manager at that instant.
-- +goose StatementBegin
CREATE FUNCTION notice_drafter() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  SELECT CASE v.origin WHEN 'command' THEN coalesce(v.approved_by, v.proposed_by) ELSE v.proposed_by END INTO NEW.drafted_by
    FROM public.programme_version v ORDER BY v.state = 'active' DESC, v.version DESC LIMIT 1;
  IF NEW.drafted_by IS NULL THEN
    RAISE EXCEPTION 'notice approval: there is no programme' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_no_programme';
  END IF;
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE')
     AND public.staff_role(NEW.approved_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'notice approval: % may not approve', NEW.approved_by USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notice_drafter BEFORE INSERT ON notice_approval FOR EACH ROW EXECUTE FUNCTION notice_drafter();

-- +goose Down
SELECT 'forward only';
