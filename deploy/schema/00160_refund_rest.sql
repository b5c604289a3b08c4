-- +goose Up

-- A credit that is larger than the replacement's price, where the programme pays out the rest: one request becomes two refunds of the same
-- quote, the credit and the payment of its rest, which names the credit in rest_of. Each is reviewed, approved, released and entered in
-- the ledger like any other. Both give back parts of the same payments, and no third refund does.
ALTER TABLE refund
  ADD COLUMN rest_of text,
  ADD CONSTRAINT refund_rest_of FOREIGN KEY (customer_id, rest_of) REFERENCES refund (customer_id, id),
  ADD CONSTRAINT refund_rest_method CHECK (rest_of IS NULL OR method = 'bank' AND rest_rule = 'paid');
CREATE UNIQUE INDEX refund_rest_once ON refund (rest_of) WHERE rest_of IS NOT NULL;

ALTER TABLE refund_payment ADD COLUMN rest boolean NOT NULL DEFAULT false; -- of a refund with rest_of
DROP INDEX refund_payment_once;
CREATE UNIQUE INDEX refund_payment_once ON refund_payment (customer_id, payment_ref) WHERE live AND NOT rest;
CREATE UNIQUE INDEX refund_payment_rest_once ON refund_payment (customer_id, payment_ref) WHERE live AND rest;

-- +goose StatementBegin
-- A payment that a live refund covers is covered once more by the payment of that refund's rest alone. It comes after
-- refund_payment_guard, which has those who cover the same payment wait for each other.
CREATE FUNCTION refund_payment_rest() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE credit text := (SELECT r.rest_of FROM refund r WHERE r.id = NEW.refund_id);
BEGIN
  IF NEW.rest IS DISTINCT FROM (credit IS NOT NULL) OR EXISTS (SELECT FROM refund_payment o
      WHERE o.customer_id = NEW.customer_id AND o.payment_ref = NEW.payment_ref AND o.live AND o.refund_id IS DISTINCT FROM credit) THEN
    RAISE EXCEPTION 'payment %: another refund covers it', NEW.payment_ref USING ERRCODE = '23505', CONSTRAINT = 'refund_payment_once';
  END IF;
  RETURN NEW;
END $$;

-- Both parts are there, and are parts of the same: what the credit leaves is what the other pays.
CREATE FUNCTION refund_rest_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM refund c JOIN refund p ON p.rest_of = c.id WHERE NEW.id IN (c.id, p.id) AND c.method = 'credit' AND c.rest_of IS NULL
      AND c.rest_rule = 'paid' AND c.credit_rest = p.credit_rest AND c.credit_price = p.credit_price AND c.credit_rest = p.amount
      AND c.currency = p.currency AND c.quote_digest = p.quote_digest AND c.requested_by = p.requested_by) THEN
    RAISE EXCEPTION 'refund %: the credit and the payment of its rest do not fit', NEW.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_rest';
  END IF;
  RETURN NULL;
END $$;

-- The payments of what is withdrawn are free to be asked for again: the two parts of one request go together.
CREATE FUNCTION refund_rest_withdrawn() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM refund o WHERE (o.id = NEW.rest_of OR o.rest_of = NEW.id) AND o.state <> 'withdrawn') THEN
    RAISE EXCEPTION 'refund %: the other part of the request is not withdrawn', NEW.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_order';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION refund_rest_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'refund %: what was agreed of the rest stays', OLD.ref USING ERRCODE = '23514', CONSTRAINT = 'refund_stays';
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_payment_rest BEFORE INSERT ON refund_payment FOR EACH ROW EXECUTE FUNCTION refund_payment_rest();
CREATE CONSTRAINT TRIGGER refund_rest_fits AFTER INSERT ON refund DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.rest_of IS NOT NULL OR NEW.rest_rule = 'paid') EXECUTE FUNCTION refund_rest_fits();
CREATE CONSTRAINT TRIGGER refund_rest_withdrawn AFTER UPDATE ON refund DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.state = 'withdrawn' AND OLD.state <> 'withdrawn') EXECUTE FUNCTION refund_rest_withdrawn();
CREATE TRIGGER refund_rest_stays BEFORE UPDATE ON refund FOR EACH ROW
  WHEN ((NEW.rest_of, NEW.credit_price, NEW.credit_rest, NEW.rest_rule) IS DISTINCT FROM (OLD.rest_of, OLD.credit_price, OLD.credit_rest, OLD.rest_rule))
  EXECUTE FUNCTION refund_rest_stays();

-- +goose Down
SELECT 'forward only';
