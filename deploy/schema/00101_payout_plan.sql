-- +goose Up

-- Attempts at paying are planned by these two alone, from what was released: whoever signs in as the web side chooses no amount, no
-- payment and no key. They run as the owner; row-level security binds it, so that the caller's scope counts.
-- +goose StatementBegin
CREATE FUNCTION payout_plan(batch text, refunds text[], at timestamptz) RETURNS TABLE (planned_refund text, planned_number integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO payout_attempt (refund_id, number, customer_id, channel, amount, currency, key, state, planned_at, called_at)
  SELECT i.refund_id, coalesce((SELECT max(a.number) FROM payout_attempt a WHERE a.refund_id = i.refund_id), 0) + 1,
         i.customer_id, 'bank', i.amount, b.currency, i.end_to_end, 'accepted', at, at
    FROM batch_item i JOIN batch b ON b.id = i.batch_id
   WHERE b.id = payout_plan.batch AND b.method = 'bank' AND i.refund_id = ANY (refunds);
  RETURN QUERY
    INSERT INTO payout_attempt AS t (refund_id, number, customer_id, payment_ref, channel, provider_payment, amount, currency, key, state, planned_at)
    SELECT n.refund_id, n.number, n.customer_id, n.payment_ref, n.provider, n.provider_payment, n.amount, n.currency, 'offramp-' || n.ref || '-' || n.number, 'planned', at
      FROM (SELECT p.refund_id, p.customer_id, p.payment_ref, p.provider, p.provider_payment, p.amount, r.currency, r.ref,
                   (coalesce((SELECT max(a.number) FROM payout_attempt a WHERE a.refund_id = p.refund_id), 0)
                    + row_number() OVER (PARTITION BY p.refund_id ORDER BY p.payment_ref))::integer AS number
              FROM refund_payment p JOIN refund r ON r.id = p.refund_id JOIN batch b ON b.id = r.batch_id
             WHERE b.id = payout_plan.batch AND b.method = 'original' AND p.refund_id = ANY (refunds) AND NOT p.settled) n
    RETURNING t.refund_id, t.number;
END $$;

-- Once more, under a new key, what a provider has refused for certain. What failed otherwise, is under way or was tried again since is
-- left alone: then it returns nothing.
CREATE FUNCTION payout_plan_again(refund text, failed integer, at timestamptz) RETURNS TABLE (planned_refund text, planned_number integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN QUERY
    INSERT INTO payout_attempt AS t (refund_id, number, customer_id, payment_ref, channel, provider_payment, amount, currency, key, state, planned_at)
    SELECT a.refund_id, n.number, a.customer_id, a.payment_ref, a.channel, a.provider_payment, a.amount, a.currency, 'offramp-' || r.ref || '-' || n.number, 'planned', at
      FROM payout_attempt a JOIN refund r ON r.id = a.refund_id
      CROSS JOIN LATERAL (SELECT max(m.number) + 1 AS number FROM payout_attempt m WHERE m.refund_id = a.refund_id) n
     WHERE a.refund_id = payout_plan_again.refund AND a.number = failed AND a.state = 'failed' AND a.channel <> 'bank'
       AND NOT EXISTS (SELECT FROM payout_attempt l WHERE l.refund_id = a.refund_id AND l.payment_ref = a.payment_ref AND l.number > a.number)
    RETURNING t.refund_id, t.number;
END $$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION payout_plan, payout_plan_again FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payout_plan, payout_plan_again TO offramp_serve, offramp_app;

-- Who decided upon a refund or a batch is somebody who has signed in here. Where older rows name others, such as people who were
-- deleted, the bound goes on to hold for what is new alone.
-- +goose StatementBegin
DO $$
DECLARE c record;
BEGIN
  FOR c IN SELECT conrelid::regclass AS of, conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated AND connamespace = 'public'::regnamespace LOOP
    BEGIN
      EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', c.of, c.conname);
    EXCEPTION WHEN foreign_key_violation THEN
      RAISE WARNING '% of % is not held by older rows', c.conname, c.of;
    END;
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'forward only';
