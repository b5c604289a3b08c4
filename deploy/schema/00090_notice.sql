-- +goose Up

-- What rules of audiences need beside SQL's own functions. A text that is no whole number gives NULL: the rule has no result.
CREATE FUNCTION offramp_whole(value text) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT CASE WHEN value ~ '^[+-]?[0-9]{1,18}$' THEN value::bigint END $$;
CREATE FUNCTION offramp_ends_with(value text, part text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT right(value, length(part)) = part $$;

-- Approvals of a notice's content by its hash. Any edit makes another hash, which nobody has approved.
CREATE TABLE notice_approval (
  notice      text NOT NULL,
  hash        text NOT NULL,                    -- SHA-256 of what is said, to whom and when, hex
  content     text NOT NULL,                    -- what was approved, as JSON: a later approval shows the difference
  drafted_by  text NOT NULL,                    -- who proposed the programme version that brought it
  approved_by text NOT NULL,
  approved_at timestamptz NOT NULL,
  PRIMARY KEY (notice, hash),
  CONSTRAINT notice_four_eyes CHECK (approved_by <> drafted_by)
);

-- How the sending of each notice is controlled.
CREATE TABLE notice_control (
  notice     text PRIMARY KEY,
  paused     boolean NOT NULL DEFAULT false,
  reason     text NOT NULL DEFAULT '',          -- why it stands still: words of a person, or 'bounces'
  rate       integer NOT NULL DEFAULT 0 CHECK (rate BETWEEN 0 AND 1000000), -- mails in a minute; 0: the plan's
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL
);

-- One row for each customer, notice and due day, whatever happens: planned once, told once.
--   planned --handed over on a channel--> sent --every channel failed--> failed
--   planned --step done, or not meant any more--> dropped;  planned --a later stage is due--> superseded
CREATE TABLE notice_message (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  notice      text NOT NULL,
  stage       integer NOT NULL,                 -- days from the milestone; 0 for a fixed day
  due_day     date NOT NULL,                    -- where the customer is
  due_at      timestamptz NOT NULL,
  hash        text NOT NULL,                    -- of the content that was approved when it was planned
  state       text NOT NULL CHECK (state IN ('planned', 'sent', 'failed', 'dropped', 'superseded')),
  channel     text NOT NULL DEFAULT '',         -- the latest one that was tried
  next_at     timestamptz NOT NULL,             -- when the sender looks at it again
  leased_until timestamptz,
  reason      text NOT NULL DEFAULT '',         -- why it was dropped, or failed
  planned_at  timestamptz NOT NULL,
  sent_at     timestamptz,
  UNIQUE (customer_id, notice, due_day),
  UNIQUE (customer_id, id)
);
CREATE INDEX notice_message_due ON notice_message (next_at) WHERE state = 'planned';
CREATE INDEX notice_message_notice ON notice_message (notice, state);
ALTER TABLE notice_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_message FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_message_scope ON notice_message USING (offramp_sees(customer_id));

-- One row for each contact and channel that a message was handed to. States only move forward.
--   sending --server took it--> accepted --bounced--> bounced
--   sending --server refused it for good--> refused;  sending --no answer after the last byte, or the process died--> unknown
--   deferred --tried again--> sending
CREATE TABLE notice_delivery (
  message_id  text NOT NULL,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  channel     text NOT NULL CHECK (channel IN ('email', 'sms')),
  mail_id     text NOT NULL,                    -- Message-ID without its domain; several messages of one digest share it
  state       text NOT NULL CHECK (state IN ('sending', 'deferred', 'accepted', 'refused', 'bounced', 'unknown', 'complained')),
  attempts    integer NOT NULL DEFAULT 1,
  detail      text NOT NULL DEFAULT '',         -- code and enhanced code, never an address
  subject     text NOT NULL DEFAULT '',
  body_hash   text NOT NULL DEFAULT '',         -- SHA-256 of subject and both parts, as the preview shows it
  locale      text NOT NULL DEFAULT '',
  body        text NOT NULL DEFAULT '',         -- what was said, for the customer's inbox
  days        jsonb NOT NULL DEFAULT '{}',      -- milestone -> the day that was told
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  PRIMARY KEY (message_id, contact_id, channel),
  FOREIGN KEY (customer_id, message_id) REFERENCES notice_message (customer_id, id),
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX notice_delivery_customer ON notice_delivery (customer_id, started_at DESC);
CREATE INDEX notice_delivery_mail ON notice_delivery (mail_id);
CREATE INDEX notice_delivery_started ON notice_delivery (started_at);
CREATE INDEX notice_delivery_sending ON notice_delivery (started_at) WHERE state = 'sending';
ALTER TABLE notice_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_delivery_scope ON notice_delivery USING (offramp_sees(customer_id));

-- States only move forward, whoever writes them and in whatever order news comes.
CREATE FUNCTION notice_rank(state text) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp
  AS $$ SELECT CASE state WHEN 'deferred' THEN 0 WHEN 'sending' THEN 1 WHEN 'unknown' THEN 2 WHEN 'accepted' THEN 3
               WHEN 'refused' THEN 4 WHEN 'bounced' THEN 4 WHEN 'complained' THEN 5 END $$;
-- +goose StatementBegin
CREATE FUNCTION notice_forward() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF OLD.state = 'sending' AND NEW.state = 'deferred' THEN
    RETURN NEW;
  END IF;
  IF public.notice_rank(NEW.state) < public.notice_rank(OLD.state) THEN
    RAISE EXCEPTION 'notice delivery: % cannot become %', OLD.state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_moves_forward';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER notice_forward BEFORE UPDATE OF state ON notice_delivery FOR EACH ROW EXECUTE FUNCTION notice_forward();

-- What only a person can do: a talk with a customer of a core tier, or with one whom no channel reached.
CREATE TABLE notice_call (
  id          text PRIMARY KEY,
  message_id  text NOT NULL UNIQUE,
  customer_id text NOT NULL,
  notice      text NOT NULL,
  due_day     date NOT NULL,
  owner       text NOT NULL DEFAULT '',         -- identity id; empty: nobody has taken it
  state       text NOT NULL CHECK (state IN ('open', 'done', 'waived')),
  outcome     text NOT NULL DEFAULT '',         -- reached, no_answer, wrong_number or other
  note        text NOT NULL DEFAULT '',
  opened_at   timestamptz NOT NULL,
  asked_by    text NOT NULL DEFAULT '',         -- who asked for the waiver
  ended_by    text NOT NULL DEFAULT '',
  ended_at    timestamptz,
  FOREIGN KEY (customer_id, message_id) REFERENCES notice_message (customer_id, id),
  CONSTRAINT notice_call_ended CHECK ((state = 'open') = (ended_at IS NULL)),
  CONSTRAINT notice_waiver_four_eyes CHECK (state <> 'waived' OR (asked_by <> '' AND note <> '' AND asked_by <> ended_by))
);
CREATE INDEX notice_call_open ON notice_call (due_day) WHERE state = 'open';
ALTER TABLE notice_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_call FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_call_scope ON notice_call USING (offramp_sees(customer_id));

-- Addresses that nothing is sent to any more, with why. Our own fault never brings one here.
CREATE TABLE notice_suppression (
  contact_id  text PRIMARY KEY,
  customer_id text NOT NULL,
  cause       text NOT NULL CHECK (cause IN ('refused', 'bounced', 'complained')),
  evidence    text NOT NULL,
  mail_id     text NOT NULL DEFAULT '',
  at          timestamptz NOT NULL,
  lifted_by   text NOT NULL DEFAULT '',
  lifted_at   timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
ALTER TABLE notice_suppression ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_suppression FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_suppression_scope ON notice_suppression USING (offramp_sees(customer_id));

-- What a contact wants. Mandatory notices come all the same.
CREATE TABLE notice_preference (
  contact_id  text PRIMARY KEY,
  customer_id text NOT NULL,
  optional    boolean NOT NULL DEFAULT true,
  changed_at  timestamptz NOT NULL,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
ALTER TABLE notice_preference ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_preference FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_preference_scope ON notice_preference USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
