-- What the customers have paid: a payment for each invoice of the last two years, and extra storage that some bought in
-- their own currency. Like all rows these are a pure function of their ids.
CREATE OR REPLACE FUNCTION pg_temp.dice(seed text, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE
  RETURN ((hashtextextended(seed, 42) & 268435455) % sides)::integer;

CREATE TABLE payment (
  id           bigint PRIMARY KEY,
  customer_id  text NOT NULL REFERENCES customer,
  invoice      text NOT NULL,
  paid_at      timestamptz NOT NULL,
  method       text NOT NULL,
  provider     text,
  provider_ref text UNIQUE,
  currency     text NOT NULL,
  price        numeric(14,2) NOT NULL, -- with tax
  tax          numeric(14,2) NOT NULL,
  discount     numeric(14,2) NOT NULL,
  period_start date NOT NULL,
  period_end   date NOT NULL,
  refunded     numeric(14,2) NOT NULL,
  credited     numeric(14,2) NOT NULL
);

-- Subscriptions. Key customers have ten per cent off. One starter in twelve bought in an app store; one in six pays by the
-- quarter, and the last ends before the service does. One in nine had something refunded, one in eleven something credited.
INSERT INTO payment
SELECT i.id, i.customer_id, i.number, i.paid_at, m.method,
  CASE m.method WHEN 'card' THEN 'stripe' END, CASE m.method WHEN 'card' THEN 'pi_hezhou' || lpad(i.id::text, 8, '0') END, i.currency,
  p.price, round((p.price - p.discount) * 6 / 106, 2), p.discount,
  i.period_start, CASE WHEN p.quarterly THEN i.period_start + 91 ELSE i.period_end END,
  CASE WHEN i.customer_id <> 'HZ-20418' AND pg_temp.dice('refunded' || i.id, 9) = 0 THEN round(p.price / 20, 2) ELSE 0 END,
  CASE WHEN i.customer_id <> 'HZ-20418' AND pg_temp.dice('credited' || i.id, 11) = 0 THEN 60 ELSE 0 END
FROM invoice i JOIN customer c ON c.id = i.customer_id
CROSS JOIN LATERAL (SELECT c.tier = 'basic' AND pg_temp.dice('quarter' || c.id, 6) = 0 AS quarterly) q
CROSS JOIN LATERAL (SELECT q.quarterly,
  CASE WHEN q.quarterly THEN round(i.amount / 4, 2) ELSE i.amount END AS price,
  CASE WHEN c.tier = 'core' THEN round(i.amount / 10, 2) ELSE 0 END AS discount) p
CROSS JOIN LATERAL (SELECT CASE
  WHEN c.id = 'HZ-20418' THEN 'card'
  WHEN c.tier = 'basic' AND pg_temp.dice('store' || c.id, 12) = 0 THEN CASE pg_temp.dice('which' || c.id, 2) WHEN 0 THEN 'app_store' ELSE 'play_store' END
  ELSE i.method END AS method) m
WHERE i.period_start >= date '2025-06-01' AND i.paid_at IS NOT NULL;

-- Extra storage for two years, paid from abroad.
INSERT INTO payment
SELECT 1000000 + row_number() OVER (ORDER BY c.id), c.id, 'STO-2026-' || substr(c.id, 4), timestamptz '2026-03-02 08:15:00Z', 'card',
  'stripe', 'pi_hezhou_storage' || substr(c.id, 4), z.currency, z.price, 0, 0, date '2026-03-01', date '2028-02-29', 0, 0
FROM customer c
JOIN (VALUES ('America/New_York', 'USD', 240.00), ('Europe/Berlin', 'EUR', 220.00), ('Asia/Singapore', 'JPY', 36000)) z (zone, currency, price) ON z.zone = c.zone
WHERE pg_temp.dice('storage' || c.id, 2) = 0;

CREATE INDEX payment_customer ON payment (customer_id, id);
GRANT SELECT ON payment TO hezhou_reader;
