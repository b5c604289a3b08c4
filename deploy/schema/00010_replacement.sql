-- +goose Up

-- How often each customer uses each feature of the product. Only what is above zero, or was counted for one customer since
-- the latest count of all: who is missing uses a feature that was counted not at all.
CREATE TABLE feature_usage (
  customer_id text NOT NULL REFERENCES customer,
  feature     text NOT NULL,
  uses        bigint NOT NULL CHECK (uses >= 0),
  counted_at  timestamptz NOT NULL,
  PRIMARY KEY (customer_id, feature)
);
CREATE INDEX feature_usage_feature ON feature_usage (feature, uses);
GRANT SELECT, INSERT, UPDATE, DELETE ON feature_usage TO offramp_app;
ALTER TABLE feature_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY feature_usage_scope ON feature_usage USING (offramp_sees(customer_id));

-- How the counting of each feature stands. No row-level security: it is about a question of the programme, not about a
-- customer, and problem holds no values.
CREATE TABLE feature_count (
  feature    text PRIMARY KEY,
  asked      text NOT NULL DEFAULT '',         -- digest of the question, so that a changed one is asked anew
  counted_at timestamptz,                      -- the latest count of all customers that succeeded
  tried_at   timestamptz NOT NULL,
  took_ms    bigint NOT NULL DEFAULT 0,
  slow       boolean NOT NULL DEFAULT false,
  problem    text NOT NULL DEFAULT ''          -- of the latest try; empty: none
);
GRANT SELECT, INSERT, UPDATE, DELETE ON feature_count TO offramp_app;

-- Somebody looks at the comparison and wants this customer counted anew.
CREATE TABLE feature_request (
  customer_id text PRIMARY KEY REFERENCES customer,
  asked_at    timestamptz NOT NULL,
  counted_at  timestamptz                      -- the latest such count
);
GRANT SELECT, INSERT, UPDATE ON feature_request TO offramp_app;
ALTER TABLE feature_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE feature_request FORCE ROW LEVEL SECURITY;
CREATE POLICY feature_request_scope ON feature_request USING (offramp_sees(customer_id));

-- Decisions of step 3, see migration/replacement. At most one of a customer counts.
CREATE TABLE replacement_choice (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  decision    text NOT NULL CHECK (decision IN ('chosen', 'none', 'later')),
  replacement text NOT NULL DEFAULT '',
  programme   integer NOT NULL,
  own         boolean NOT NULL DEFAULT false,
  state       text NOT NULL CHECK (state IN ('made', 'accepted', 'importing', 'moved', 'failed', 'withdrawn', 'undone', 'replaced')),
  losses      text[] NOT NULL DEFAULT '{}',
  with_offer  boolean NOT NULL DEFAULT false,
  offer_until timestamptz,
  reason      text NOT NULL DEFAULT '',
  text        text NOT NULL DEFAULT '',
  chosen_by   text NOT NULL,
  chosen_at   timestamptz NOT NULL,
  changed_at  timestamptz NOT NULL,
  CONSTRAINT choice_names_a_replacement CHECK ((decision = 'chosen') = (replacement <> '')),
  CONSTRAINT choice_gives_a_reason CHECK (decision = 'chosen' OR reason <> ''),
  CONSTRAINT choice_moves_when_chosen CHECK (decision = 'chosen' OR state IN ('made', 'undone', 'replaced'))
);
CREATE UNIQUE INDEX choice_one_counts ON replacement_choice (customer_id) WHERE state NOT IN ('undone', 'replaced');
CREATE INDEX choice_by_replacement ON replacement_choice (replacement) WHERE state NOT IN ('undone', 'replaced');
GRANT SELECT, INSERT ON replacement_choice TO offramp_app;
GRANT UPDATE (state, reason, changed_at) ON replacement_choice TO offramp_app;
ALTER TABLE replacement_choice ENABLE ROW LEVEL SECURITY;
ALTER TABLE replacement_choice FORCE ROW LEVEL SECURITY;
CREATE POLICY replacement_choice_scope ON replacement_choice USING (offramp_sees(customer_id));

-- Codes of offers. A free one belongs to nobody and may be drawn by anybody, once. The code itself is sealed; its digest keeps
-- it from being imported twice.
CREATE TABLE offer_code (
  id          text PRIMARY KEY,
  replacement text NOT NULL,
  digest      text NOT NULL,
  sealed      text NOT NULL,
  imported_at timestamptz NOT NULL,
  customer_id text REFERENCES customer,
  drawn_at    timestamptz,
  reminded_at timestamptz,                     -- that the offer ends
  UNIQUE (replacement, digest),
  CONSTRAINT code_is_drawn_by_somebody CHECK ((customer_id IS NULL) = (drawn_at IS NULL))
);
CREATE UNIQUE INDEX code_drawn_once ON offer_code (customer_id, replacement) WHERE customer_id IS NOT NULL;
CREATE INDEX code_free ON offer_code (replacement, imported_at, id) WHERE customer_id IS NULL;
GRANT SELECT, INSERT ON offer_code TO offramp_app;
GRANT UPDATE (customer_id, drawn_at, reminded_at) ON offer_code TO offramp_app;
ALTER TABLE offer_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE offer_code FORCE ROW LEVEL SECURITY;
-- A free code is in reach of every scope, and of nobody without one.
CREATE POLICY offer_code_scope ON offer_code FOR SELECT
  USING (offramp_sees(coalesce(customer_id, nullif(current_setting('offramp.customer', true), ''))));
CREATE POLICY offer_code_draw ON offer_code FOR UPDATE
  USING (offramp_sees(coalesce(customer_id, nullif(current_setting('offramp.customer', true), '')))) WITH CHECK (offramp_sees(customer_id));
CREATE POLICY offer_code_import ON offer_code FOR INSERT
  WITH CHECK (customer_id IS NULL AND coalesce(current_setting('offramp.scope', true), '') = 'system');

-- Who wanted a code when there was none.
CREATE TABLE offer_waiting (
  customer_id text NOT NULL REFERENCES customer,
  replacement text NOT NULL,
  contact_id  text NOT NULL,
  since       timestamptz NOT NULL,
  served_at   timestamptz,
  PRIMARY KEY (customer_id, replacement)
);
CREATE INDEX offer_waiting_open ON offer_waiting (replacement, since) WHERE served_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON offer_waiting TO offramp_app;
ALTER TABLE offer_waiting ENABLE ROW LEVEL SECURITY;
ALTER TABLE offer_waiting FORCE ROW LEVEL SECURITY;
CREATE POLICY offer_waiting_scope ON offer_waiting USING (offramp_sees(customer_id));

-- What was told of an offer that ends, once: the reminder of those who chose it, the news of those who have not decided.
CREATE TABLE offer_notice (
  customer_id text NOT NULL REFERENCES customer,
  replacement text NOT NULL,
  until       date NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('expiring', 'ending')),
  at          timestamptz NOT NULL,
  PRIMARY KEY (customer_id, replacement, until, kind)
);
GRANT SELECT, INSERT ON offer_notice TO offramp_app;
ALTER TABLE offer_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE offer_notice FORCE ROW LEVEL SECURITY;
CREATE POLICY offer_notice_scope ON offer_notice USING (offramp_sees(customer_id));

-- Hand-overs to sign-ups, with what the customer agreed to. A link works once.
CREATE TABLE hand_over (
  id          text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  choice_id   text NOT NULL REFERENCES replacement_choice,
  replacement text NOT NULL,
  fields      text[] NOT NULL,
  agreed_by   text NOT NULL,
  agreed_at   timestamptz NOT NULL,
  until       timestamptz NOT NULL,
  redeemed_at timestamptz
);
CREATE INDEX hand_over_customer ON hand_over (customer_id, agreed_at DESC);
GRANT SELECT, INSERT ON hand_over TO offramp_app;
GRANT UPDATE (redeemed_at) ON hand_over TO offramp_app;
ALTER TABLE hand_over ENABLE ROW LEVEL SECURITY;
ALTER TABLE hand_over FORCE ROW LEVEL SECURITY;
CREATE POLICY hand_over_scope ON hand_over USING (offramp_sees(customer_id));

-- Reports that replacements sent, so that a message that comes again changes nothing. No row-level security: ids of messages
-- alone.
CREATE TABLE replacement_report (
  replacement text NOT NULL,
  message_id  text NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (replacement, message_id)
);
CREATE INDEX replacement_report_age ON replacement_report (at);
GRANT SELECT, INSERT, DELETE ON replacement_report TO offramp_app;

-- Steps of a replacement's guide that a customer ticked off.
CREATE TABLE guide_tick (
  customer_id text NOT NULL REFERENCES customer,
  replacement text NOT NULL,
  step        text NOT NULL,
  done        boolean NOT NULL,
  contact_id  text NOT NULL,
  at          timestamptz NOT NULL,
  PRIMARY KEY (customer_id, replacement, step)
);
GRANT SELECT, INSERT, UPDATE ON guide_tick TO offramp_app;
ALTER TABLE guide_tick ENABLE ROW LEVEL SECURITY;
ALTER TABLE guide_tick FORCE ROW LEVEL SECURITY;
CREATE POLICY guide_tick_scope ON guide_tick USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
