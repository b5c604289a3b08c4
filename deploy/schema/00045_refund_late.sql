-- +goose Up

-- What was left out when a batch was made has no place in it: n is 0, and dropped says why.
CREATE INDEX batch_item_unfit ON batch_item (batch_id) WHERE n = 0;

-- Money may come back, or turn out to have arrived, while its refund is decided upon once more or after it was declined. The
-- attempt's move enters that; here the liability is made to fit again: nothing is owed for what is not approved. Where the
-- approval goes with it, what is owed no more counts from what is settled now.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refund_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH moved AS (
    SELECT n.id AS refund_id, n.customer_id, n.tier, n.updated_at AS at, 'v' || n.version AS key, m.kind, m.currency, m.rest, least(m.extra, m.rest) AS extra
      FROM added n JOIN removed o ON o.id = n.id
     CROSS JOIN LATERAL (
       SELECT 'accrue' AS kind, n.currency, n.amount - o.settled AS rest, least(n.extra, n.amount - o.settled) AS extra
        WHERE refund_accrued(n.state) AND NOT refund_accrued(o.state)
       UNION ALL SELECT 'cancel', o.currency, o.amount - n.settled, least(o.extra, o.amount - n.settled)
        WHERE refund_accrued(o.state) AND NOT refund_accrued(n.state)
       UNION ALL SELECT 'accrue', n.currency, n.settled - o.settled, least(n.extra, n.amount - o.settled) - least(n.extra, n.amount - n.settled)
        WHERE NOT refund_accrued(n.state) AND NOT refund_accrued(o.state) AND n.settled > o.settled
       UNION ALL SELECT 'cancel', o.currency, o.settled - n.settled, least(o.extra, o.amount - n.settled) - least(o.extra, o.amount - o.settled)
        WHERE NOT refund_accrued(n.state) AND NOT refund_accrued(o.state) AND n.settled < o.settled
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

-- +goose Down
SELECT 'forward only';
