-- +goose Up

-- That a colleague has read the briefing and will say it so. The hash is of what they read: other words ask for another row. Rows are
-- only added. What they read was approved, in notice_approval under :briefing, which is the key of no notice.
CREATE TABLE notice_briefing_read (
  identity_id text NOT NULL REFERENCES identity,
  hash        text NOT NULL,
  locale      text NOT NULL,                    -- in which they read it
  at          timestamptz NOT NULL,
  PRIMARY KEY (identity_id, hash)
);
ALTER TABLE notice_briefing_read ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_briefing_read FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_briefing_read_scope ON notice_briefing_read USING (offramp_sees(''));

-- Nobody says it for another one, and nobody of words that were not approved.
-- +goose StatementBegin
CREATE FUNCTION notice_briefing_reader() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.notice_approval a WHERE a.notice = ':briefing' AND a.hash = NEW.hash) THEN
    RAISE EXCEPTION 'briefing: these words were not approved' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_briefing_approved';
  END IF;
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE')
     AND public.staff_role(NEW.identity_id, ARRAY['support', 'finance_clerk', 'finance_approver', 'finance_releaser', 'programme_manager',
                                                  'auditor', 'operator']) = '' THEN
    RAISE EXCEPTION 'briefing: whoever has read it says so' USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_briefing_self';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notice_briefing_reader BEFORE INSERT ON notice_briefing_read FOR EACH ROW EXECUTE FUNCTION notice_briefing_reader();

-- That notices need not wait for the briefing with these words, with why. One programme manager asks, another one confirms.
CREATE TABLE notice_briefing_waiver (
  hash         text PRIMARY KEY,
  reason       text NOT NULL CHECK (reason <> ''),
  asked_by     text NOT NULL,
  asked_at     timestamptz NOT NULL,
  confirmed_by text NOT NULL DEFAULT '',        -- empty: it counts for nothing yet
  confirmed_at timestamptz,
  CONSTRAINT notice_briefing_two_people CHECK (confirmed_by <> asked_by)
);
ALTER TABLE notice_briefing_waiver ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_briefing_waiver FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_briefing_waiver_scope ON notice_briefing_waiver USING (offramp_sees(''));

-- An email that asks a colleague to read the briefing. At most one a day and person.
--   asked --a worker takes it--> sending --> accepted | refused | deferred | unknown
--   asked --read meanwhile, or nobody's task any more--> dropped
CREATE TABLE notice_briefing_reminder (
  id          text PRIMARY KEY,
  identity_id text NOT NULL REFERENCES identity,
  hash        text NOT NULL,
  day         date NOT NULL,                    -- where the programme is
  asked_by    text NOT NULL,
  asked_at    timestamptz NOT NULL,
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sending', 'accepted', 'refused', 'deferred', 'unknown', 'dropped')),
  detail      text NOT NULL DEFAULT '',         -- code and enhanced code, never an address
  ended_at    timestamptz,
  CONSTRAINT notice_briefing_reminder_daily UNIQUE (identity_id, day)
);
CREATE INDEX notice_briefing_reminder_waits ON notice_briefing_reminder (asked_at) WHERE state IN ('asked', 'sending');
ALTER TABLE notice_briefing_reminder ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_briefing_reminder FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_briefing_reminder_scope ON notice_briefing_reminder USING (offramp_sees(''));

-- As before, for the briefing's waiver as well: its second person is who confirms.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION notice_eyes() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
DECLARE
  web boolean := pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE');
  asked text[] := ARRAY['programme_manager'];
  before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
  after jsonb := to_jsonb(NEW);
  second text;
BEGIN
  second := CASE WHEN TG_TABLE_NAME IN ('notice_waiver', 'notice_briefing_waiver') THEN 'confirmed_by'
                 WHEN TG_TABLE_NAME = 'service_end' THEN 'declared_by' ELSE 'ended_by' END;
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
CREATE TRIGGER notice_eyes BEFORE INSERT OR UPDATE ON notice_briefing_waiver FOR EACH ROW EXECUTE FUNCTION notice_eyes();

-- +goose Down
SELECT 'forward only';
