-- +goose Up

-- What became of each message, once more is known than the server's answer. delayed: whoever has it goes on trying. lapsed: nobody
-- has said for 72 hours what became of it. delivered: it lies in the mailbox, or on the phone.
--   accepted --report--> delayed | delivered | bounced | complained;  delayed, or a short message without a receipt --72 h--> lapsed
--   unknown, lapsed --a person has it sent again--> sending
ALTER TABLE notice_delivery DROP CONSTRAINT notice_delivery_state_check;
ALTER TABLE notice_delivery
  ADD CONSTRAINT notice_delivery_state_check CHECK (state IN
    ('sending', 'deferred', 'accepted', 'refused', 'bounced', 'unknown', 'complained', 'delayed', 'lapsed', 'delivered')),
  ADD COLUMN until    timestamptz,              -- of a delay: how long whoever has it goes on trying, as they said
  ADD COLUMN again_by text NOT NULL DEFAULT ''; -- who has it sent again though it may come twice; empty once it is under way
CREATE INDEX notice_delivery_delayed ON notice_delivery (started_at) WHERE state = 'delayed';
CREATE INDEX notice_delivery_again ON notice_delivery (message_id) WHERE again_by <> '';
CREATE INDEX notice_delivery_bounced ON notice_delivery (message_id) WHERE state = 'bounced';

CREATE OR REPLACE FUNCTION notice_rank(state text) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT CASE state WHEN 'deferred' THEN 0 WHEN 'sending' THEN 1 WHEN 'unknown' THEN 2 WHEN 'accepted' THEN 3 WHEN 'delayed' THEN 4
               WHEN 'lapsed' THEN 5 WHEN 'delivered' THEN 6 WHEN 'refused' THEN 7 WHEN 'bounced' THEN 7 WHEN 'complained' THEN 8 END $$;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION notice_forward() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF OLD.state = 'sending' AND NEW.state = 'deferred' OR OLD.state IN ('unknown', 'lapsed') AND NEW.state = 'sending' AND OLD.again_by <> '' THEN
    RETURN NEW;
  END IF;
  IF public.notice_rank(NEW.state) < public.notice_rank(OLD.state) THEN
    RAISE EXCEPTION 'notice delivery: % cannot become %', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_moves_forward';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd

-- Everything that was learnt of a delivery, from whomever, in the order in which it came. Only what proved which mail it is about.
CREATE TABLE notice_fact (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  mail_id     text NOT NULL,
  source      text NOT NULL CHECK (source IN ('dialogue', 'mailbox', 'listener', 'webhook', 'gateway')),
  kind        text NOT NULL CHECK (kind IN ('accepted', 'refused', 'deferred', 'bounced', 'delayed', 'delivered', 'complained')),
  blame       text NOT NULL DEFAULT '' CHECK (blame IN ('', 'address', 'mailbox', 'ours', 'unclear')), -- what a failure is about
  status      text NOT NULL DEFAULT '',         -- enhanced status code; empty: none was given
  detail      text NOT NULL DEFAULT '',         -- the other side's words, without addresses
  address     text NOT NULL,                    -- SHA-256 of the address as it was, hex: another address of the contact starts anew
  at          timestamptz NOT NULL,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX notice_fact_contact ON notice_fact (contact_id, at DESC);
CREATE INDEX notice_fact_mail ON notice_fact (mail_id);
ALTER TABLE notice_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_fact_scope ON notice_fact USING (offramp_sees(customer_id));

-- Mails that came in, by the SHA-256 of their bytes, so that each counts once. Kept for a month.
CREATE TABLE notice_report_seen (
  digest text PRIMARY KEY,
  at     timestamptz NOT NULL
);
CREATE INDEX notice_report_seen_at ON notice_report_seen (at);

-- How many mails came in, by day, way and what they were: a report that proves nothing leaves this and no more.
CREATE TABLE notice_report_count (
  day     date NOT NULL,
  source  text NOT NULL,
  outcome text NOT NULL,
  count   bigint NOT NULL,
  PRIMARY KEY (day, source, outcome)
);

-- How far the mailbox of reports was read.
CREATE TABLE notice_mailbox (
  name         text PRIMARY KEY,
  validity     bigint NOT NULL DEFAULT 0,       -- UIDVALIDITY of IMAP; another one begins anew
  uid          bigint NOT NULL DEFAULT 0,       -- of the last mail that was read
  leased_until timestamptz,                     -- one process reads at a time
  looked_at    timestamptz,
  problem      text NOT NULL DEFAULT ''         -- why the last look failed; empty: it did not
);

-- Whose address a suppression is about: another address of the contact is written to.
ALTER TABLE notice_suppression ADD COLUMN address text NOT NULL DEFAULT ''; -- SHA-256 in hex; empty: whatever the contact has

-- Mails that show whether a suppressed address takes mail again. asked --handed over--> sending --answer--> accepted (which lifts) |
-- refused | deferred | unknown
CREATE TABLE notice_probe (
  id          text PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  mail_id     text NOT NULL UNIQUE,
  state       text NOT NULL CHECK (state IN ('asked', 'sending', 'accepted', 'refused', 'deferred', 'unknown', 'bounced')),
  detail      text NOT NULL DEFAULT '',
  asked_by    text NOT NULL,
  asked_at    timestamptz NOT NULL,
  ended_at    timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE UNIQUE INDEX notice_probe_live ON notice_probe (contact_id) WHERE state IN ('asked', 'sending');
CREATE INDEX notice_probe_asked ON notice_probe (asked_at) WHERE state IN ('asked', 'sending');
ALTER TABLE notice_probe ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_probe FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_probe_scope ON notice_probe USING (offramp_sees(customer_id));

-- The SHA-256 of an address, by which facts and suppressions know it again.
CREATE FUNCTION notice_address(email text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT encode(sha256(convert_to(lower(email), 'UTF8')), 'hex') $$;

-- +goose Down
SELECT 'forward only';
