-- +goose Up

-- The ledger: append-only double entry. A positive amount is a debit, a negative one a credit. The database itself enters what
-- follows from a refund's or an attempt's move, so that nothing moves without its entry.
--   prepaid     what customers had paid, given back      liability   what is owed to customers
--   goodwill    what is given on top, bonus, too         in_transit  left and not confirmed
--   paid        arrived                                  credits     credited toward replacements
--   reversal    came back after it had arrived
CREATE TABLE ledger_entry (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  refund_id   text NOT NULL REFERENCES refund,
  customer_id text NOT NULL REFERENCES customer,
  tier        text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('accrue', 'cancel', 'release', 'pay', 'return', 'reverse', 'credit')),
  key         text NOT NULL,              -- the refund's version or the attempt's number
  at          timestamptz NOT NULL
);
CREATE INDEX ledger_entry_refund ON ledger_entry (refund_id);
CREATE INDEX ledger_entry_at ON ledger_entry (at, id);
CREATE TABLE ledger_posting (
  entry_id    bigint NOT NULL REFERENCES ledger_entry,
  customer_id text NOT NULL REFERENCES customer,
  account     text NOT NULL CHECK (account IN ('prepaid', 'liability', 'in_transit', 'paid', 'credits', 'goodwill', 'reversal')),
  currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount      bigint NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (entry_id, account, currency)
);
GRANT SELECT, INSERT ON ledger_entry, ledger_posting TO offramp_app;
ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_entry_scope ON ledger_entry USING (offramp_sees(customer_id));
ALTER TABLE ledger_posting ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_posting FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_posting_scope ON ledger_posting USING (offramp_sees(customer_id));

-- +goose StatementBegin
CREATE FUNCTION ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entry bigint := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN (to_jsonb(NEW)->>'id')::bigint ELSE (to_jsonb(NEW)->>'entry_id')::bigint END;
BEGIN
  IF EXISTS (SELECT FROM ledger_posting WHERE entry_id = entry GROUP BY currency HAVING sum(amount) <> 0)
     OR NOT EXISTS (SELECT FROM ledger_posting WHERE entry_id = entry) THEN
    RAISE EXCEPTION 'ledger entry % does not balance', entry USING ERRCODE = '23514', CONSTRAINT = 'ledger_balance';
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = '42501';
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_balance_entry AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balance();
CREATE CONSTRAINT TRIGGER ledger_balance_posting AFTER INSERT ON ledger_posting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balance();
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_stays();
CREATE TRIGGER ledger_posting_stays BEFORE UPDATE OR DELETE ON ledger_posting FOR EACH ROW EXECUTE FUNCTION ledger_stays();

-- An approval owes what is not settled yet; whatever undoes the approval owes it no more; a credit is given at once.
-- +goose StatementBegin
CREATE FUNCTION refund_accrued(state text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN state IN ('approved', 'batched', 'released', 'unknown', 'returned', 'paid', 'credited');

CREATE FUNCTION refund_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH moved AS (
    SELECT n.id AS refund_id, n.customer_id, n.tier, n.updated_at AS at, 'v' || n.version AS key, m.kind, m.currency, m.rest, least(m.extra, m.rest) AS extra
      FROM added n JOIN removed o ON o.id = n.id
     CROSS JOIN LATERAL (
       SELECT 'accrue' AS kind, n.currency, n.amount - n.settled AS rest, n.extra WHERE refund_accrued(n.state) AND NOT refund_accrued(o.state)
       UNION ALL SELECT 'cancel', o.currency, o.amount - o.settled, o.extra WHERE refund_accrued(o.state) AND NOT refund_accrued(n.state)
       UNION ALL SELECT 'credit', n.currency, n.amount - o.settled, 0 WHERE n.state = 'credited' AND o.state <> 'credited') m
     WHERE m.rest > 0
  ), entry AS (
    INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) SELECT refund_id, customer_id, tier, kind, key, at FROM moved RETURNING id, refund_id, kind
  )
  INSERT INTO ledger_posting (entry_id, customer_id, account, currency, amount)
  SELECT e.id, m.customer_id, p.account, m.currency, p.amount
    FROM entry e JOIN moved m ON m.refund_id = e.refund_id AND m.kind = e.kind
   CROSS JOIN LATERAL (VALUES
     ('prepaid', CASE m.kind WHEN 'accrue' THEN m.rest - m.extra WHEN 'cancel' THEN m.extra - m.rest ELSE 0 END),
     ('goodwill', CASE m.kind WHEN 'accrue' THEN m.extra WHEN 'cancel' THEN -m.extra ELSE 0 END),
     ('liability', CASE m.kind WHEN 'accrue' THEN -m.rest ELSE m.rest END),
     ('credits', CASE m.kind WHEN 'credit' THEN -m.rest ELSE 0 END)) p (account, amount)
   WHERE p.amount <> 0;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_ledger AFTER UPDATE ON refund REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refund_ledger();

-- +goose Down
SELECT 'forward only';
