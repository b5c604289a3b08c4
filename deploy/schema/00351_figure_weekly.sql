-- +goose Up

-- The report of a week that is over, as it was drafted, for each department and language. A programme manager sends it, or drops it.
--   draft --sent by a programme manager--> sent;  draft --dropped by one--> dropped
CREATE TABLE figure_weekly (
  week       date PRIMARY KEY CHECK (extract(isodow FROM week) = 1), -- its Monday
  content    jsonb NOT NULL,                                         -- department -> language -> CommonMark
  made_at    timestamptz NOT NULL,
  state      text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'sent', 'dropped')),
  note       text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),  -- what the manager says besides
  decided_by text REFERENCES identity,
  decided_at timestamptz,
  CONSTRAINT figure_weekly_decided CHECK ((state = 'draft') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL))
);
ALTER TABLE figure_weekly ENABLE ROW LEVEL SECURITY;
ALTER TABLE figure_weekly FORCE ROW LEVEL SECURITY;
CREATE POLICY figure_weekly_scope ON figure_weekly USING (offramp_sees(''));

-- +goose StatementBegin
CREATE FUNCTION figure_weekly_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.state <> 'draft' OR NEW.content <> OLD.content OR NEW.week <> OLD.week THEN
    RAISE EXCEPTION 'weekly report %: it stands as it was decided', OLD.week USING ERRCODE = '23514', CONSTRAINT = 'figure_weekly_stays';
  END IF;
  IF public.staff_role(NEW.decided_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'weekly report %: % may not decide', OLD.week, NEW.decided_by USING ERRCODE = '23514', CONSTRAINT = 'figure_weekly_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER figure_weekly_guard BEFORE UPDATE ON figure_weekly FOR EACH ROW EXECUTE FUNCTION figure_weekly_guard();

-- +goose Down
SELECT 'forward only';
