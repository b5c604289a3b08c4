-- +goose Up

CREATE SEQUENCE refund_number;
GRANT USAGE ON SEQUENCE refund_number TO offramp_app;

-- What an approval stands for. Whoever approves approves this; what differs from it was not approved.
CREATE FUNCTION refund_content(amount bigint, currency text, method text, replacement text, account text, quote text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN encode(sha256(convert_to(amount::text || '|' || currency || '|' || method || '|' || replacement || '|' || account || '|' || quote, 'UTF8')), 'hex');

-- submitted -> reviewed -> (second ->) approved -> batched -> released -> paid | returned | unknown; migration/refund/doc.go
-- draws the rest, refund_guard holds to it.
CREATE TABLE refund (
  id                 text PRIMARY KEY,
  number             bigint NOT NULL UNIQUE DEFAULT nextval('refund_number'),
  ref                text NOT NULL UNIQUE CHECK (ref ~ '^RF-[0-9]{4}-[0-9]{6,}$'),
  customer_id        text NOT NULL REFERENCES customer,
  tier               text NOT NULL,              -- of the customer, when it was submitted
  name_key           text NOT NULL COLLATE "C",  -- of the customer then, in small letters, to be found by its beginning
  state              text NOT NULL CHECK (state IN ('submitted', 'questioned', 'objected', 'reviewed', 'second', 'approved', 'batched',
                       'released', 'unknown', 'paid', 'credited', 'waived', 'returned', 'declined', 'closed', 'withdrawn')),
  method             text NOT NULL CHECK (method IN ('original', 'bank', 'credit', 'waive')),
  currency           text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount             bigint NOT NULL CHECK (amount > 0), -- minor units
  extra              bigint NOT NULL DEFAULT 0 CHECK (extra BETWEEN 0 AND amount), -- of it: goodwill and bonus
  settled            bigint NOT NULL DEFAULT 0 CHECK (settled BETWEEN 0 AND amount), -- of it: paid for certain
  quote              text NOT NULL,              -- JSON, frozen: text, since its bytes count
  quote_digest       text NOT NULL CHECK (length(quote_digest) = 64),
  policy_version     text NOT NULL,
  replacement        text NOT NULL DEFAULT '',   -- of credit
  account            text NOT NULL DEFAULT '',   -- of bank: sealed
  account_kind       text NOT NULL DEFAULT '',
  account_last4      text NOT NULL DEFAULT '' CHECK (length(account_last4) <= 4),
  content            text NOT NULL GENERATED ALWAYS AS (refund_content(amount, currency, method, replacement, account, quote_digest)) STORED,
  version            integer NOT NULL DEFAULT 1,
  round              integer NOT NULL DEFAULT 1, -- of review and approval
  second_needed      boolean NOT NULL DEFAULT false,
  requested_by       text NOT NULL,              -- contact id
  requested_at       timestamptz NOT NULL,
  reviewed_by        text,                       -- identity ids
  reviewed_at        timestamptz,
  approved_by        text,
  approved_at        timestamptz,
  second_approved_by text,
  second_approved_at timestamptz,
  approved_content   text,                       -- what was approved
  released_by        text,
  released_at        timestamptz,
  settled_at         timestamptz,
  question           text NOT NULL DEFAULT '',
  answer             text NOT NULL DEFAULT '',
  reason             text NOT NULL DEFAULT '',
  reason_text        text NOT NULL DEFAULT '',
  object_until       timestamptz,
  objection          text NOT NULL DEFAULT '',
  failure            text NOT NULL DEFAULT '',
  batch_id           text,
  updated_at         timestamptz NOT NULL,
  UNIQUE (customer_id, id),
  CONSTRAINT refund_account CHECK ((method = 'bank') = (account <> '') AND (account <> '') = (account_kind <> '')),
  CONSTRAINT refund_replacement CHECK (method = 'credit' OR replacement = ''),
  CONSTRAINT refund_is_reviewed CHECK (state NOT IN ('reviewed', 'second', 'approved', 'batched', 'released', 'unknown', 'paid', 'credited', 'waived')
    OR reviewed_by IS NOT NULL),
  CONSTRAINT refund_is_approved CHECK (state NOT IN ('approved', 'batched', 'released', 'unknown', 'paid', 'credited', 'waived')
    OR (approved_by IS NOT NULL AND approved_content IS NOT DISTINCT FROM content AND (NOT second_needed OR second_approved_by IS NOT NULL))),
  CONSTRAINT refund_is_seconded CHECK (state <> 'second' OR (approved_by IS NOT NULL AND second_needed AND second_approved_by IS NULL)),
  CONSTRAINT refund_is_released CHECK (state NOT IN ('released', 'unknown', 'paid', 'credited') OR released_by IS NOT NULL),
  CONSTRAINT refund_is_paid_whole CHECK (state NOT IN ('paid', 'credited') OR settled = amount),
  CONSTRAINT refund_decline CHECK (state NOT IN ('declined', 'closed') OR reason <> ''),
  -- Who asked, reviewed, approved, approved again and released are five people.
  CONSTRAINT refund_four_eyes CHECK (
    requested_by <> reviewed_by AND requested_by <> approved_by AND requested_by <> second_approved_by AND requested_by <> released_by
    AND reviewed_by <> approved_by AND reviewed_by <> second_approved_by AND reviewed_by <> released_by
    AND approved_by <> second_approved_by AND approved_by <> released_by AND second_approved_by <> released_by)
);
CREATE INDEX refund_customer ON refund (customer_id, number DESC);
-- One of these for each order of the queue: with the four columns before it fixed, a page is the head of an index.
CREATE INDEX refund_queue ON refund (state, tier, method, currency, requested_at, number);
CREATE INDEX refund_queue_state ON refund (state, requested_at, number);
CREATE INDEX refund_name ON refund (name_key);
CREATE INDEX refund_queue_amount ON refund (state, tier, method, currency, amount, number);
CREATE INDEX refund_objectable ON refund (object_until) WHERE state = 'declined';
CREATE INDEX refund_batch ON refund (batch_id) WHERE batch_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON refund TO offramp_app;
ALTER TABLE refund ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_scope ON refund USING (offramp_sees(customer_id));

-- Who decided what in which round. Nobody appears twice in one round, and nothing is taken back.
CREATE TABLE refund_decision (
  refund_id   text NOT NULL REFERENCES refund,
  customer_id text NOT NULL,
  round       integer NOT NULL,
  duty        text NOT NULL CHECK (duty IN ('request', 'review', 'approve', 'second', 'release')),
  person      text NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (refund_id, round, duty),
  CONSTRAINT refund_decision_once UNIQUE (refund_id, round, person)
);
GRANT SELECT, INSERT ON refund_decision TO offramp_app;
ALTER TABLE refund_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_decision FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_decision_scope ON refund_decision USING (offramp_sees(customer_id));

-- What happened, append-only.
CREATE TABLE refund_event (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  refund_id   text NOT NULL REFERENCES refund,
  customer_id text NOT NULL,
  version     integer NOT NULL,
  kind        text NOT NULL,
  actor       text NOT NULL,
  actor_kind  text NOT NULL CHECK (actor_kind IN ('customer', 'staff', 'system', 'operator')),
  from_state  text NOT NULL,
  to_state    text NOT NULL,
  text        text NOT NULL DEFAULT '',
  at          timestamptz NOT NULL
);
CREATE INDEX refund_event_refund ON refund_event (refund_id, id);
GRANT SELECT, INSERT ON refund_event TO offramp_app;
ALTER TABLE refund_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_event FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_event_scope ON refund_event USING (offramp_sees(customer_id));

-- The payments that a refund gives back.
CREATE TABLE refund_payment (
  refund_id        text NOT NULL REFERENCES refund,
  customer_id      text NOT NULL REFERENCES customer,
  payment_ref      text NOT NULL,
  amount           bigint NOT NULL CHECK (amount > 0),
  paid             bigint NOT NULL,                  -- by the customer: price less discount, with tax
  provider         text NOT NULL DEFAULT '',
  provider_payment text NOT NULL DEFAULT '',
  live             boolean NOT NULL DEFAULT true,    -- false: the refund was withdrawn
  settled          boolean NOT NULL DEFAULT false,   -- this part was paid for certain
  PRIMARY KEY (refund_id, payment_ref),
  CONSTRAINT refund_payment_within CHECK (amount <= paid)
);
-- One live refund per payment.
CREATE UNIQUE INDEX refund_payment_once ON refund_payment (customer_id, payment_ref) WHERE live;
GRANT SELECT, INSERT ON refund_payment TO offramp_app;
GRANT UPDATE (live, settled) ON refund_payment TO offramp_app;
ALTER TABLE refund_payment ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_payment FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_payment_scope ON refund_payment USING (offramp_sees(customer_id));

-- A request that is being filled in.
CREATE TABLE refund_draft (
  customer_id   text NOT NULL REFERENCES customer,
  currency      text NOT NULL,
  method        text NOT NULL DEFAULT '',
  replacement   text NOT NULL DEFAULT '',
  account       text NOT NULL DEFAULT '',  -- sealed
  account_kind  text NOT NULL DEFAULT '',
  account_last4 text NOT NULL DEFAULT '' CHECK (length(account_last4) <= 4),
  quote         text NOT NULL DEFAULT '',  -- the last one that was shown
  quote_digest  text NOT NULL DEFAULT '',
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (customer_id, currency)
);
CREATE INDEX refund_draft_old ON refund_draft (updated_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON refund_draft TO offramp_app;
ALTER TABLE refund_draft ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_draft FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_draft_scope ON refund_draft USING (offramp_sees(customer_id));

-- How much stands where, kept by deltas: each statement that moves refunds adds its differences, a job folds them together.
-- The reader adds up. Staff and jobs only.
CREATE TABLE refund_total (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  state    text NOT NULL,
  tier     text NOT NULL,
  method   text NOT NULL,
  currency text NOT NULL,
  count    bigint NOT NULL,
  amount   bigint NOT NULL
);
ALTER TABLE refund_total ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_total FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_total_scope ON refund_total USING (offramp_sees(''));
CREATE POLICY refund_total_count ON refund_total FOR INSERT WITH CHECK (current_setting('offramp.scope', true) IS NOT NULL);
GRANT SELECT, INSERT, DELETE ON refund_total TO offramp_app;

-- +goose StatementBegin
CREATE FUNCTION refund_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO refund_total (state, tier, method, currency, count, amount)
    SELECT state, tier, method, currency, count(*), sum(amount) FROM added GROUP BY 1, 2, 3, 4;
  ELSE
    INSERT INTO refund_total (state, tier, method, currency, count, amount)
    SELECT state, tier, method, currency, sum(n), sum(n * amount)
      FROM (SELECT state, tier, method, currency, amount, 1 AS n FROM added
            UNION ALL SELECT state, tier, method, currency, amount, -1 FROM removed) d
     GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 OR sum(n * amount) <> 0;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_count_insert AFTER INSERT ON refund REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_count();
CREATE TRIGGER refund_count_update AFTER UPDATE ON refund REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_count();

-- Where a refund may go from where.
-- +goose StatementBegin
CREATE FUNCTION refund_may(was text, becomes text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN becomes = ANY (CASE was
  WHEN 'submitted'  THEN ARRAY['questioned', 'reviewed', 'declined', 'withdrawn']
  WHEN 'questioned' THEN ARRAY['submitted', 'declined', 'withdrawn']
  WHEN 'objected'   THEN ARRAY['questioned', 'reviewed', 'declined', 'withdrawn']
  WHEN 'reviewed'   THEN ARRAY['submitted', 'questioned', 'second', 'approved', 'waived', 'declined', 'withdrawn']
  WHEN 'second'     THEN ARRAY['submitted', 'questioned', 'approved', 'declined', 'withdrawn']
  WHEN 'approved'   THEN ARRAY['submitted', 'questioned', 'batched', 'declined']
  WHEN 'batched'    THEN ARRAY['submitted', 'questioned', 'approved', 'released', 'credited', 'declined']
  WHEN 'released'   THEN ARRAY['unknown', 'paid', 'returned']
  WHEN 'unknown'    THEN ARRAY['released', 'paid', 'returned']
  WHEN 'paid'       THEN ARRAY['returned']
  WHEN 'returned'   THEN ARRAY['submitted', 'released', 'paid']
  WHEN 'declined'   THEN ARRAY['objected', 'closed']
  ELSE ARRAY[]::text[] END);
-- +goose StatementEnd

-- Staff do not decide upon refunds of a customer for whom they sign in, too: the same address is the same person here.
CREATE FUNCTION refund_concerns(customer text, staff text) RETURNS boolean LANGUAGE sql STABLE
  RETURN EXISTS (SELECT FROM identity i JOIN contact k ON lower(k.email) = lower(i.email)
    WHERE i.id = staff AND i.realm = 'staff' AND i.email <> '' AND k.customer_id = customer);

-- Notes a decision; the unique index refuses who has decided in this round.
-- +goose StatementBegin
CREATE FUNCTION refund_decide(r refund, duty text, person text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF duty <> 'request' AND refund_concerns(r.customer_id, person) THEN
    RAISE EXCEPTION 'refund %: % belongs to the customer', r.ref, person USING ERRCODE = '23514', CONSTRAINT = 'refund_four_eyes';
  END IF;
  INSERT INTO refund_decision (refund_id, customer_id, round, duty, person, at) VALUES (r.id, r.customer_id, r.round, duty, person, r.updated_at);
END $$;

CREATE FUNCTION refund_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> 'submitted' OR NEW.version <> 1 OR NEW.round <> 1 OR NEW.settled <> 0
     OR num_nonnulls(NEW.reviewed_by, NEW.approved_by, NEW.second_approved_by, NEW.released_by, NEW.approved_content) > 0 THEN
    RAISE EXCEPTION 'refund %: a refund begins as submitted', NEW.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_begins';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION refund_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE edited boolean := (NEW.amount, NEW.extra, NEW.currency, NEW.method, NEW.replacement, NEW.account, NEW.quote, NEW.quote_digest)
  IS DISTINCT FROM (OLD.amount, OLD.extra, OLD.currency, OLD.method, OLD.replacement, OLD.account, OLD.quote, OLD.quote_digest);
BEGIN
  IF (NEW.id, NEW.number, NEW.ref, NEW.customer_id, NEW.requested_by, NEW.requested_at, NEW.tier)
     IS DISTINCT FROM (OLD.id, OLD.number, OLD.ref, OLD.customer_id, OLD.requested_by, OLD.requested_at, OLD.tier) THEN
    RAISE EXCEPTION 'refund %: what was submitted stays', OLD.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
  END IF;
  NEW.version := OLD.version + 1;
  NEW.round := OLD.round;
  IF edited AND OLD.state IN ('released', 'unknown', 'paid', 'credited', 'waived', 'closed', 'withdrawn') THEN
    RAISE EXCEPTION 'refund %: % and cannot be edited', OLD.ref, OLD.state USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
  END IF;
  IF edited AND OLD.state IN ('reviewed', 'second', 'approved', 'batched') THEN
    NEW.state := 'submitted'; -- the approval was for something else
    INSERT INTO refund_event (refund_id, customer_id, version, kind, actor, actor_kind, from_state, to_state, at)
    VALUES (OLD.id, OLD.customer_id, NEW.version, 'voided', 'system', 'system', OLD.state, 'submitted', clock_timestamp());
  END IF;
  IF NEW.state <> OLD.state AND NOT refund_may(OLD.state, NEW.state) THEN
    RAISE EXCEPTION 'refund %: from % to %', OLD.ref, OLD.state, NEW.state USING ERRCODE = '23514', CONSTRAINT = 'refund_order';
  END IF;
  IF OLD.second_needed AND NOT NEW.second_needed AND OLD.state NOT IN ('submitted', 'objected', 'questioned', 'returned') THEN
    RAISE EXCEPTION 'refund %: the second approver stays', OLD.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
  END IF;
  IF NEW.state <> 'batched' AND OLD.state = 'batched' AND NEW.state NOT IN ('released', 'credited') THEN
    NEW.batch_id := NULL;
  END IF;
  IF NEW.state IN ('submitted', 'questioned', 'objected') THEN
    IF num_nonnulls(OLD.reviewed_by, OLD.approved_by, OLD.released_by) > 0 THEN
      NEW.round := OLD.round + 1;
    END IF;
    NEW.reviewed_by := NULL; NEW.reviewed_at := NULL; NEW.approved_by := NULL; NEW.approved_at := NULL;
    NEW.second_approved_by := NULL; NEW.second_approved_at := NULL; NEW.approved_content := NULL;
    NEW.released_by := NULL; NEW.released_at := NULL; NEW.batch_id := NULL;
    IF NEW.round > OLD.round THEN
      PERFORM refund_decide(NEW, 'request', NEW.requested_by);
    END IF;
  ELSE
    IF (OLD.reviewed_by IS NOT NULL AND NEW.reviewed_by IS DISTINCT FROM OLD.reviewed_by)
       OR (OLD.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by)
       OR (OLD.second_approved_by IS NOT NULL AND NEW.second_approved_by IS DISTINCT FROM OLD.second_approved_by)
       OR (OLD.approved_content IS NOT NULL AND NEW.approved_content IS DISTINCT FROM OLD.approved_content) THEN
      RAISE EXCEPTION 'refund %: a decision stays', OLD.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
    END IF;
    IF OLD.reviewed_by IS NULL AND NEW.reviewed_by IS NOT NULL THEN PERFORM refund_decide(NEW, 'review', NEW.reviewed_by); END IF;
    IF OLD.approved_by IS NULL AND NEW.approved_by IS NOT NULL THEN PERFORM refund_decide(NEW, 'approve', NEW.approved_by); END IF;
    IF OLD.second_approved_by IS NULL AND NEW.second_approved_by IS NOT NULL THEN PERFORM refund_decide(NEW, 'second', NEW.second_approved_by); END IF;
    IF OLD.released_by IS NULL AND NEW.released_by IS NOT NULL THEN PERFORM refund_decide(NEW, 'release', NEW.released_by); END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION refund_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM refund_decide(NEW, 'request', NEW.requested_by);
  ELSIF NEW.state = 'withdrawn' THEN
    UPDATE refund_payment SET live = false WHERE refund_id = NEW.id AND live;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_born BEFORE INSERT ON refund FOR EACH ROW EXECUTE FUNCTION refund_born();
CREATE TRIGGER refund_guard BEFORE UPDATE ON refund FOR EACH ROW EXECUTE FUNCTION refund_guard();
CREATE TRIGGER refund_after_insert AFTER INSERT ON refund FOR EACH ROW EXECUTE FUNCTION refund_after();
CREATE TRIGGER refund_after_update AFTER UPDATE OF state ON refund FOR EACH ROW WHEN (NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn') EXECUTE FUNCTION refund_after();

-- A payment is never given back beyond what was paid, counting what was given back elsewhere. Refunds of one payment come
-- one after the other.
-- +goose StatementBegin
CREATE FUNCTION refund_payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before bigint; ours bigint; cap bigint;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.live AND NOT OLD.live OR OLD.live AND NOT NEW.live AND NOT EXISTS (SELECT FROM refund WHERE id = NEW.refund_id AND state = 'withdrawn') THEN
      RAISE EXCEPTION 'payment %: the refund of it stays', NEW.payment_ref USING ERRCODE = '23514', CONSTRAINT = 'refund_payment_stays';
    END IF;
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('offramp refund of ' || NEW.customer_id || ' ' || NEW.payment_ref, 0));
  SELECT p.refunded + p.credited, p.gross + p.tax - p.discount INTO before, cap
    FROM payment p WHERE p.customer_id = NEW.customer_id AND p.ref = NEW.payment_ref;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'payment %: not known', NEW.payment_ref USING ERRCODE = '23503', CONSTRAINT = 'refund_payment_known';
  END IF;
  SELECT coalesce(sum(o.amount), 0) INTO ours FROM refund_payment o WHERE o.customer_id = NEW.customer_id AND o.payment_ref = NEW.payment_ref AND o.live;
  IF NEW.paid > cap OR before + ours + NEW.amount > NEW.paid THEN
    RAISE EXCEPTION 'payment %: % given back before, % asked for, % paid', NEW.payment_ref, before + ours, NEW.amount, NEW.paid
      USING ERRCODE = '23514', CONSTRAINT = 'refund_payment_within';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_payment_guard BEFORE INSERT OR UPDATE ON refund_payment FOR EACH ROW EXECUTE FUNCTION refund_payment_guard();

-- +goose Down
SELECT 'forward only';
