-- +goose Up

-- The number of a contact, where there is one, and whether its person has consented to short messages there. What a person does
-- counts more than what an import says later.
CREATE TABLE contact_phone (
  contact_id   text PRIMARY KEY,
  customer_id  text NOT NULL,
  number       text NOT NULL CHECK (number = '' OR number ~ '^\+[1-9][0-9]{6,14}$'), -- E.164; empty: the person has removed it
  origin       text NOT NULL CHECK (origin IN ('import', 'person')),
  confirmed_at timestamptz,                     -- when its person entered the code that was sent there
  consent_at   timestamptz,                     -- when short messages were agreed to; NULL: they were not
  withdrawn_at timestamptz,                     -- when that was taken back
  blocked_at   timestamptz,                     -- when the gateway said that there is no such number
  blocked_for  text NOT NULL DEFAULT '',        -- the gateway's code and words, without the number
  changed_at   timestamptz NOT NULL,            -- of the number
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id),
  CONSTRAINT contact_phone_consent CHECK (number <> '' OR consent_at IS NULL)
);
CREATE INDEX contact_phone_number ON contact_phone (number) WHERE number <> '';
CREATE INDEX contact_phone_blocked ON contact_phone (blocked_at) WHERE blocked_at IS NOT NULL;
ALTER TABLE contact_phone ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_phone FORCE ROW LEVEL SECURITY;
CREATE POLICY contact_phone_scope ON contact_phone USING (offramp_sees(customer_id));

-- Every consent and every withdrawal, for good: who, when, to what, by which way.
CREATE TABLE sms_consent (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  number      text NOT NULL,                    -- SHA-256 in hex, by notice_address
  act         text NOT NULL CHECK (act IN ('given', 'withdrawn')),
  way         text NOT NULL CHECK (way IN ('import', 'person', 'reply')), -- reply: a STOP by short message
  words       text NOT NULL DEFAULT '',         -- what was agreed to, as it was read; of a reply, what was written
  by          text NOT NULL,
  at          timestamptz NOT NULL,             -- of an import the day that it states
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX sms_consent_contact ON sms_consent (contact_id, at DESC);
ALTER TABLE sms_consent ENABLE ROW LEVEL SECURITY;
ALTER TABLE sms_consent FORCE ROW LEVEL SECURITY;
CREATE POLICY sms_consent_scope ON sms_consent USING (offramp_sees(customer_id));

-- A number that a person has given and not confirmed yet. A worker sends the code, and keeps it no longer than until it was sent.
--   asked --a worker takes it--> sending --> accepted | refused | deferred | unknown --receipt--> delivered | bounced
CREATE TABLE phone_code (
  id          text PRIMARY KEY,                 -- our reference at the gateway
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  number      text NOT NULL,
  hash        text NOT NULL,                    -- of id and code: SHA-256 in hex
  code        text NOT NULL,                    -- empty once it was handed over
  locale      text NOT NULL,
  words       text NOT NULL,                    -- what is agreed to with it; empty: nothing
  tries       integer NOT NULL DEFAULT 0,       -- that were wrong
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sending', 'accepted', 'refused', 'deferred', 'unknown', 'delivered', 'bounced')),
  detail      text NOT NULL DEFAULT '',
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX phone_code_waits ON phone_code (created_at) WHERE state IN ('asked', 'sending');
CREATE INDEX phone_code_contact ON phone_code (contact_id, created_at DESC);
CREATE INDEX phone_code_number ON phone_code (number, created_at DESC);
ALTER TABLE phone_code ENABLE ROW LEVEL SECURITY;
ALTER TABLE phone_code FORCE ROW LEVEL SECURITY;
CREATE POLICY phone_code_scope ON phone_code USING (offramp_sees(customer_id));

-- What the gateway calls a message, by which its receipts may name it.
ALTER TABLE notice_delivery ADD COLUMN gateway_id text NOT NULL DEFAULT '';
CREATE INDEX notice_delivery_gateway ON notice_delivery (gateway_id) WHERE gateway_id <> '';

-- +goose Down
SELECT 'forward only';
