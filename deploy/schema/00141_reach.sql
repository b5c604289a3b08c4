-- +goose Up

-- A call that reached nobody stays open; so often was it tried. A person may open one for a customer who was sent nothing.
ALTER TABLE notice_call ADD COLUMN attempts integer NOT NULL DEFAULT 0;
ALTER TABLE notice_call ALTER COLUMN message_id DROP NOT NULL;

-- That a customer need not be reached before the service ends, with why. One person asks, another confirms.
CREATE TABLE notice_waiver (
  customer_id  text PRIMARY KEY REFERENCES customer,
  reason       text NOT NULL CHECK (reason <> ''),
  asked_by     text NOT NULL,
  asked_at     timestamptz NOT NULL,
  confirmed_by text NOT NULL DEFAULT '',        -- empty: it counts for nothing yet
  confirmed_at timestamptz,
  CONSTRAINT notice_waiver_two_people CHECK (confirmed_by <> asked_by)
);
ALTER TABLE notice_waiver ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_waiver FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_waiver_scope ON notice_waiver USING (offramp_sees(customer_id));

-- Who was neither reached nor waived: nobody of theirs signed in since they were told first, and nobody spoke with them.
CREATE VIEW notice_unreached WITH (security_invoker = true) AS
  SELECT c.id AS customer_id, c.ref, c.name, c.tier, f.told_at
    FROM customer c
    LEFT JOIN (SELECT m.customer_id, min(m.due_at) AS told_at FROM notice_message m WHERE m.state = 'sent' GROUP BY m.customer_id) f
           ON f.customer_id = c.id
   WHERE c.state = 'active'
     AND NOT EXISTS (SELECT FROM notice_call k WHERE k.customer_id = c.id AND k.outcome = 'reached')
     AND NOT EXISTS (SELECT FROM identity i WHERE i.customer_id = c.id AND i.signed_in_at >= f.told_at)
     AND NOT EXISTS (SELECT FROM notice_waiver w WHERE w.customer_id = c.id AND w.confirmed_by <> '');

-- That the product's service has ended. One person asks, another declares; neither while a customer is neither reached nor waived.
CREATE TABLE service_end (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version      integer NOT NULL REFERENCES programme_version,
  asked_by     text NOT NULL,
  asked_at     timestamptz NOT NULL,
  declared_by  text NOT NULL DEFAULT '',        -- empty: it waits for a second person
  declared_at  timestamptz,
  withdrawn_by text NOT NULL DEFAULT '',
  withdrawn_at timestamptz,
  CONSTRAINT service_end_two_people CHECK (declared_by <> asked_by),
  CONSTRAINT service_end_stays CHECK (declared_by = '' OR withdrawn_by = '')
);
CREATE UNIQUE INDEX service_end_one ON service_end ((true)) WHERE withdrawn_by = '';
-- +goose StatementBegin
CREATE FUNCTION service_end_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
DECLARE
  n bigint;
BEGIN
  IF NEW.withdrawn_by <> '' THEN
    RETURN NEW;
  END IF;
  IF NOT coalesce(public.offramp_sees(''), false) THEN
    RAISE EXCEPTION 'service end: whoever declares it has to see every customer' USING ERRCODE = 'check_violation', CONSTRAINT = 'service_end_scope';
  END IF;
  SELECT count(*) INTO n FROM public.notice_unreached;
  IF n > 0 THEN
    RAISE EXCEPTION 'service end: % customers are neither reached nor waived', n
      USING ERRCODE = 'check_violation', CONSTRAINT = 'service_end_reached';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER service_end_guard BEFORE INSERT OR UPDATE ON service_end FOR EACH ROW EXECUTE FUNCTION service_end_guard();

-- +goose Down
SELECT 'forward only';
