-- +goose Up

-- Imports of payments: what was read by whom, and how far it came. They belong to no customer; staff and workers see them.
CREATE TABLE entitlement_import (
  id          text PRIMARY KEY,
  source      text NOT NULL,               -- a file's name, or the source of the programme's query
  started_by  text NOT NULL,
  started_at  timestamptz NOT NULL,
  finished_at timestamptz,                 -- NULL: it runs, or broke off
  read        bigint NOT NULL DEFAULT 0 CHECK (read >= 0),
  created     bigint NOT NULL DEFAULT 0 CHECK (created >= 0),
  updated     bigint NOT NULL DEFAULT 0 CHECK (updated >= 0),
  refused     bigint NOT NULL DEFAULT 0 CHECK (refused >= 0),
  CONSTRAINT entitlement_import_adds_up CHECK (created + updated + refused <= read)
);
CREATE INDEX entitlement_import_latest ON entitlement_import (started_at DESC);
GRANT SELECT, INSERT ON entitlement_import TO offramp_app;
GRANT UPDATE (finished_at, read, created, updated, refused) ON entitlement_import TO offramp_app;
ALTER TABLE entitlement_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE entitlement_import FORCE ROW LEVEL SECURITY;
CREATE POLICY entitlement_import_scope ON entitlement_import USING (offramp_sees(''));

-- What a customer has paid, as a whole. The version goes up whenever one of the payments changes.
CREATE TABLE entitlement (
  customer_id text PRIMARY KEY REFERENCES customer,
  version     integer NOT NULL CHECK (version > 0),
  import_id   text NOT NULL REFERENCES entitlement_import, -- the last one that named the customer
  due         jsonb NOT NULL DEFAULT '[]',                 -- what the journey was told last: [{"minor": 1, "currency": "CNY"}]
  programme   integer NOT NULL,                            -- version of the programme by which that was worked out
  changed_at  timestamptz NOT NULL,                        -- of the payments
  due_at      timestamptz NOT NULL                         -- when that was worked out
);
GRANT SELECT, INSERT, UPDATE ON entitlement TO offramp_app;
ALTER TABLE entitlement ENABLE ROW LEVEL SECURITY;
ALTER TABLE entitlement FORCE ROW LEVEL SECURITY;
CREATE POLICY entitlement_scope ON entitlement USING (offramp_sees(customer_id));

-- Amounts are in minor units. Payments are imported and never deleted: refunds refer to them.
CREATE DOMAIN minor_units AS bigint CHECK (VALUE BETWEEN 0 AND 1000000000000000);

CREATE TABLE payment (
  customer_id  text NOT NULL REFERENCES entitlement,
  ref          text NOT NULL CHECK (ref <> ''),
  invoice_ref  text NOT NULL DEFAULT '',
  paid_at      timestamptz NOT NULL,
  method       text NOT NULL CHECK (method IN ('card', 'bank', 'alipay', 'wechat', 'app_store', 'play_store', 'other')),
  provider     text NOT NULL DEFAULT '',   -- who can be asked about it
  provider_ref text NOT NULL DEFAULT '',   -- its name there
  currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  gross        minor_units NOT NULL,       -- before the discount
  tax          minor_units NOT NULL DEFAULT 0,
  discount     minor_units NOT NULL DEFAULT 0,
  period_start date NOT NULL,
  period_end   date NOT NULL,              -- the last day paid for
  units        minor_units NOT NULL DEFAULT 0,
  units_used   minor_units NOT NULL DEFAULT 0,
  refunded     minor_units NOT NULL DEFAULT 0, -- before, by the product itself
  credited     minor_units NOT NULL DEFAULT 0,
  import_id    text NOT NULL REFERENCES entitlement_import, -- the last one that changed it
  changed_at   timestamptz NOT NULL,
  PRIMARY KEY (customer_id, ref),
  CONSTRAINT payment_period CHECK (period_start <= period_end),
  CONSTRAINT payment_discount CHECK (discount <= gross),
  CONSTRAINT payment_tax CHECK (tax <= gross - discount),
  CONSTRAINT payment_given_back CHECK (refunded + credited <= gross - discount + tax),
  CONSTRAINT payment_provider_is_named CHECK (provider_ref = '' OR provider <> '')
);
-- The same payment at a provider is one payment here: it cannot be paid back twice under two names.
CREATE UNIQUE INDEX payment_provider ON payment (provider, provider_ref) WHERE provider_ref <> '';
GRANT SELECT, INSERT, UPDATE ON payment TO offramp_app;
ALTER TABLE payment ENABLE ROW LEVEL SECURITY;
ALTER TABLE payment FORCE ROW LEVEL SECURITY;
CREATE POLICY payment_scope ON payment USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
