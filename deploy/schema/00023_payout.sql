-- +goose Up

-- One try at one payment: written with its key before the provider is called.
--   planned --call--> sent --> accepted --> succeeded --> failed (money came back)
--                      |  \--> failed (refused)
--                      +--> unknown --looked up--> any of these, or planned again where the provider knows nothing of it
CREATE TABLE payout_attempt (
  refund_id        text NOT NULL REFERENCES refund,
  number           integer NOT NULL,            -- within the refund
  customer_id      text NOT NULL REFERENCES customer,
  payment_ref      text NOT NULL DEFAULT '',    -- of original
  channel          text NOT NULL,               -- the provider's name, or bank
  provider_payment text NOT NULL DEFAULT '',
  amount           bigint NOT NULL CHECK (amount > 0),
  currency         text NOT NULL,
  key              text NOT NULL UNIQUE,        -- idempotency key; of bank: the payment's EndToEndId
  state            text NOT NULL CHECK (state IN ('planned', 'sent', 'accepted', 'succeeded', 'failed', 'unknown')),
  fence            integer NOT NULL DEFAULT 0,  -- a call's outcome is taken only from the latest claim
  leased_until     timestamptz,
  provider_refund  text NOT NULL DEFAULT '',
  failure          text NOT NULL DEFAULT '',
  code             text NOT NULL DEFAULT '',
  detail           text NOT NULL DEFAULT '',
  outcome_amount   bigint NOT NULL DEFAULT 0,
  outcome_at       timestamptz,                 -- by the provider's clock
  planned_at       timestamptz NOT NULL,
  called_at        timestamptz,
  settled_at       timestamptz,
  next_at          timestamptz,                 -- when it is looked up
  looked           integer NOT NULL DEFAULT 0,  -- how often it was looked up
  PRIMARY KEY (refund_id, number)
);
CREATE UNIQUE INDEX payout_attempt_one_live ON payout_attempt (refund_id, payment_ref) WHERE state <> 'failed';
CREATE INDEX payout_attempt_due ON payout_attempt (next_at) WHERE next_at IS NOT NULL;
GRANT SELECT, INSERT ON payout_attempt TO offramp_app;
GRANT UPDATE (state, fence, leased_until, provider_refund, failure, code, detail, outcome_amount, outcome_at, called_at, settled_at, next_at, looked) ON payout_attempt TO offramp_app;
ALTER TABLE payout_attempt ENABLE ROW LEVEL SECURITY;
ALTER TABLE payout_attempt FORCE ROW LEVEL SECURITY;
CREATE POLICY payout_attempt_scope ON payout_attempt USING (offramp_sees(customer_id));

-- What an attempt does to the ledger: planned, the money is on its way; arrived, it is paid; failed, it is owed again.
-- +goose StatementBegin
CREATE FUNCTION payout_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  kind text; debit text; credit text; entry bigint;
  was text := CASE WHEN TG_OP = 'INSERT' THEN '' WHEN OLD.state IN ('succeeded', 'failed') THEN OLD.state ELSE 'under way' END;
  becomes text := CASE WHEN NEW.state IN ('succeeded', 'failed') THEN NEW.state ELSE 'under way' END;
BEGIN
  IF was = becomes THEN
    RETURN NULL;
  END IF;
  CASE was || ' ' || becomes
    WHEN ' under way'          THEN kind := 'release'; debit := 'liability';  credit := 'in_transit';
    WHEN 'failed under way'    THEN kind := 'release'; debit := 'liability';  credit := 'in_transit';
    WHEN 'under way succeeded' THEN kind := 'pay';     debit := 'in_transit'; credit := 'paid';
    WHEN 'failed succeeded'    THEN kind := 'pay';     debit := 'liability';  credit := 'paid';
    WHEN 'under way failed'    THEN kind := 'return';  debit := 'in_transit'; credit := 'liability';
    WHEN 'succeeded failed'    THEN kind := 'reverse'; debit := 'reversal';   credit := 'liability';
    ELSE RAISE EXCEPTION 'attempt % of %: from % to %', NEW.number, NEW.refund_id, was, becomes USING ERRCODE = '23514', CONSTRAINT = 'payout_order';
  END CASE;
  INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at)
  SELECT NEW.refund_id, NEW.customer_id, r.tier, kind, 'a' || NEW.number, coalesce(NEW.settled_at, NEW.planned_at) FROM refund r WHERE r.id = NEW.refund_id
  RETURNING id INTO STRICT entry;
  INSERT INTO ledger_posting (entry_id, customer_id, account, currency, amount)
  VALUES (entry, NEW.customer_id, debit, NEW.currency, NEW.amount), (entry, NEW.customer_id, credit, NEW.currency, -NEW.amount);
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER payout_ledger AFTER INSERT OR UPDATE OF state ON payout_attempt FOR EACH ROW EXECUTE FUNCTION payout_ledger();

CREATE SEQUENCE batch_number;
GRANT USAGE ON SEQUENCE batch_number TO offramp_app;

-- created --> released | discarded. Staff and jobs only, as are the tables below.
CREATE TABLE batch (
  id          text PRIMARY KEY,
  ref         text NOT NULL UNIQUE,
  state       text NOT NULL CHECK (state IN ('created', 'released', 'discarded')),
  method      text NOT NULL CHECK (method IN ('original', 'bank', 'credit')),
  currency    text NOT NULL,
  count       integer NOT NULL CHECK (count > 0),
  control     bigint NOT NULL CHECK (control > 0),
  sha256      text NOT NULL,
  size        bigint NOT NULL DEFAULT 0,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  released_by text,
  released_at timestamptz,
  dropped     integer NOT NULL DEFAULT 0,
  CONSTRAINT batch_four_eyes CHECK (released_by <> created_by),
  CONSTRAINT batch_is_released CHECK ((state = 'released') = (released_by IS NOT NULL AND released_at IS NOT NULL))
);
CREATE INDEX batch_latest ON batch (created_at DESC);
GRANT SELECT, INSERT ON batch TO offramp_app;
GRANT UPDATE (state, count, control, sha256, size, released_by, released_at, dropped) ON batch TO offramp_app;
ALTER TABLE batch ENABLE ROW LEVEL SECURITY;
ALTER TABLE batch FORCE ROW LEVEL SECURITY;
CREATE POLICY batch_scope ON batch USING (offramp_sees(''));

-- +goose StatementBegin
CREATE FUNCTION batch_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'created' THEN
    RAISE EXCEPTION 'batch % is %', OLD.ref, OLD.state USING ERRCODE = '23514', CONSTRAINT = 'batch_stays';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER batch_guard BEFORE UPDATE ON batch FOR EACH ROW EXECUTE FUNCTION batch_guard();

-- The bytes of a bank file. Written with the batch, written anew at the release if something was dropped, read after it.
CREATE TABLE batch_file (
  batch_id text PRIMARY KEY REFERENCES batch,
  bytes    bytea NOT NULL
);
GRANT SELECT, INSERT ON batch_file TO offramp_app;
GRANT UPDATE (bytes) ON batch_file TO offramp_app;
ALTER TABLE batch_file ENABLE ROW LEVEL SECURITY;
ALTER TABLE batch_file FORCE ROW LEVEL SECURITY;
CREATE POLICY batch_file_scope ON batch_file USING (offramp_sees(''));

-- +goose StatementBegin
CREATE FUNCTION batch_file_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM batch WHERE id = NEW.batch_id AND state <> 'created') THEN
    RAISE EXCEPTION 'the file of batch % stays', NEW.batch_id USING ERRCODE = '23514', CONSTRAINT = 'batch_stays';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER batch_file_guard BEFORE UPDATE ON batch_file FOR EACH ROW EXECUTE FUNCTION batch_file_guard();

CREATE TABLE batch_item (
  batch_id    text NOT NULL REFERENCES batch,
  refund_id   text NOT NULL REFERENCES refund,
  customer_id text NOT NULL REFERENCES customer,
  n           integer NOT NULL,             -- place in the batch
  amount      bigint NOT NULL CHECK (amount > 0),
  content     text NOT NULL,                -- of the refund, as it was approved
  end_to_end  text NOT NULL DEFAULT '',     -- of bank
  dropped     text NOT NULL DEFAULT '',     -- why it was left out
  live        boolean NOT NULL DEFAULT true,
  PRIMARY KEY (batch_id, refund_id)
);
CREATE UNIQUE INDEX batch_item_once ON batch_item (refund_id) WHERE live;
CREATE UNIQUE INDEX batch_item_end_to_end ON batch_item (end_to_end) WHERE end_to_end <> '' AND live;
GRANT SELECT, INSERT ON batch_item TO offramp_app;
GRANT UPDATE (dropped, live) ON batch_item TO offramp_app;
ALTER TABLE batch_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE batch_item FORCE ROW LEVEL SECURITY;
CREATE POLICY batch_item_scope ON batch_item USING (offramp_sees(customer_id));

-- A refund that leaves its batch before the release is dropped from it; one that came back may be put into another.
-- +goose StatementBegin
CREATE FUNCTION batch_leave() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE batch_item SET live = false, dropped = CASE WHEN OLD.state = 'batched' THEN NEW.state ELSE dropped END WHERE refund_id = NEW.id AND live;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER batch_leave AFTER UPDATE ON refund FOR EACH ROW
  WHEN (OLD.state = 'batched' AND NEW.state NOT IN ('batched', 'released', 'credited') OR NEW.state = 'returned' AND OLD.state <> 'returned') EXECUTE FUNCTION batch_leave();

-- What providers told by themselves; one event is kept once, however often it is delivered.
CREATE TABLE provider_event (
  provider     text NOT NULL,
  id           text NOT NULL,
  type         text NOT NULL,
  created_at   timestamptz NOT NULL,
  ref          text NOT NULL,                -- empty: none of ours
  attempt      integer NOT NULL,
  outcome      jsonb NOT NULL,
  received_at  timestamptz NOT NULL,
  processed_at timestamptz,
  PRIMARY KEY (provider, id)
);
GRANT SELECT, INSERT ON provider_event TO offramp_app;
GRANT UPDATE (processed_at) ON provider_event TO offramp_app;
ALTER TABLE provider_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_event FORCE ROW LEVEL SECURITY;
CREATE POLICY provider_event_scope ON provider_event USING (offramp_sees(''));

CREATE TABLE bank_import (
  id          text PRIMARY KEY,
  name        text NOT NULL,
  sha256      text NOT NULL UNIQUE,
  imported_by text NOT NULL,
  imported_at timestamptz NOT NULL
);
GRANT SELECT, INSERT ON bank_import TO offramp_app;
ALTER TABLE bank_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE bank_import FORCE ROW LEVEL SECURITY;
CREATE POLICY bank_import_scope ON bank_import USING (offramp_sees(''));

CREATE TABLE bank_result (
  id         text PRIMARY KEY,
  import_id  text NOT NULL REFERENCES bank_import,
  line       integer NOT NULL,
  queue      text NOT NULL CHECK (queue IN ('matched', 'differing', 'returned', 'unmatched')),
  end_to_end text NOT NULL,
  refund_id  text REFERENCES refund,
  booked     boolean NOT NULL,
  amount     bigint NOT NULL,
  currency   text NOT NULL,
  expected   bigint NOT NULL DEFAULT 0,
  reason     text NOT NULL DEFAULT '',
  detail     text NOT NULL DEFAULT '',
  day        date NOT NULL,
  bank_ref   text NOT NULL DEFAULT '',
  settled_by text NOT NULL DEFAULT '',
  settled_at timestamptz,
  note       text NOT NULL DEFAULT ''
);
CREATE INDEX bank_result_import ON bank_result (import_id, line);
GRANT SELECT, INSERT ON bank_result TO offramp_app;
GRANT UPDATE (queue, refund_id, expected, settled_by, settled_at, note) ON bank_result TO offramp_app;
ALTER TABLE bank_result ENABLE ROW LEVEL SECURITY;
ALTER TABLE bank_result FORCE ROW LEVEL SECURITY;
CREATE POLICY bank_result_scope ON bank_result USING (offramp_sees(''));

-- What a human in finance has to look at.
CREATE TABLE refund_task (
  id        text PRIMARY KEY,
  kind      text NOT NULL,
  refund_id text REFERENCES refund,
  key       text NOT NULL,               -- the same thing is told once
  detail    text NOT NULL DEFAULT '',
  opened_at timestamptz NOT NULL,
  done_by   text NOT NULL DEFAULT '',
  done_at   timestamptz,
  note      text NOT NULL DEFAULT '',
  UNIQUE (kind, key)
);
CREATE INDEX refund_task_open ON refund_task (opened_at) WHERE done_at IS NULL;
GRANT SELECT, INSERT ON refund_task TO offramp_app;
GRANT UPDATE (done_by, done_at, note) ON refund_task TO offramp_app;
ALTER TABLE refund_task ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_task FORCE ROW LEVEL SECURITY;
CREATE POLICY refund_task_scope ON refund_task USING (offramp_sees(''));

-- A refund is released only in a batch that another person made, by the one who releases the batch.
-- +goose StatementBegin
CREATE FUNCTION refund_release_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM batch b JOIN batch_item i ON i.batch_id = b.id
      WHERE b.id = NEW.batch_id AND i.refund_id = NEW.id AND i.live AND i.content = NEW.content AND i.dropped = ''
        AND b.state = 'released' AND b.released_by = NEW.released_by AND b.created_by <> NEW.released_by) THEN
    RAISE EXCEPTION 'refund %: not in a batch that % has released', NEW.ref, NEW.released_by USING ERRCODE = '23514', CONSTRAINT = 'refund_is_released';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER refund_release_guard AFTER UPDATE ON refund DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.state = 'batched' AND NEW.state IN ('released', 'credited')) EXECUTE FUNCTION refund_release_guard();

-- +goose Down
SELECT 'forward only';
