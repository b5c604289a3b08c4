-- +goose Up

-- Who signed in, as the provider knows them. Identity is (issuer, subject); an e-mail address links nothing by itself.
CREATE TABLE identity (
  id           text PRIMARY KEY,
  realm        text NOT NULL CHECK (realm IN ('customer', 'staff')),
  issuer       text NOT NULL,
  subject      text NOT NULL,
  customer_id  text,
  contact_id   text,
  name         text NOT NULL,
  email        text NOT NULL DEFAULT '',
  roles        text[] NOT NULL DEFAULT '{}',
  state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  locale       text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL,
  signed_in_at timestamptz NOT NULL,
  UNIQUE (issuer, subject),
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id),
  CHECK ((realm = 'customer') = (customer_id IS NOT NULL AND contact_id IS NOT NULL)),
  CHECK (realm = 'staff' OR roles = '{}')
);
GRANT SELECT, INSERT, UPDATE ON identity TO offramp_app;
ALTER TABLE identity ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity FORCE ROW LEVEL SECURITY;
CREATE POLICY identity_scope ON identity USING (offramp_sees(coalesce(customer_id, '')));

-- An explicit link from a person to a contact, sent by us and used once.
CREATE TABLE invitation (
  token_hash  text PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
GRANT SELECT, INSERT, UPDATE ON invitation TO offramp_app;
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY invitation_scope ON invitation USING (offramp_holds(token_hash) OR offramp_sees(customer_id));

-- A sign-in under way. No row-level security: the row belongs to a browser that nobody has identified yet,
-- is found only by the hash of a random value in that browser's cookie, and holds no customer data.
CREATE TABLE sign_in (
  token_hash  text PRIMARY KEY,
  realm       text NOT NULL CHECK (realm IN ('customer', 'staff')),
  state       text NOT NULL,
  nonce       text NOT NULL,
  verifier    text NOT NULL,
  return_to   text NOT NULL,
  invitation  text NOT NULL DEFAULT '',
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL
);
CREATE INDEX sign_in_expiry ON sign_in (expires_at);
GRANT SELECT, INSERT, DELETE ON sign_in TO offramp_app;

CREATE TABLE session (
  id           text PRIMARY KEY,          -- public name, for the list of one's sessions
  token_hash   text NOT NULL UNIQUE,      -- SHA-256 of the cookie's value, hex
  identity_id  text NOT NULL REFERENCES identity,
  customer_id  text,
  provider_sid text NOT NULL DEFAULT '',  -- the provider's session, for back-channel logout
  id_token     text NOT NULL DEFAULT '',  -- the hint for RP-initiated logout
  user_agent   text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL,
  seen_at      timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,      -- absolute
  ended_at     timestamptz
);
CREATE INDEX session_identity ON session (identity_id) WHERE ended_at IS NULL;
CREATE INDEX session_provider_sid ON session (provider_sid) WHERE ended_at IS NULL AND provider_sid <> '';
GRANT SELECT, INSERT, DELETE ON session TO offramp_app;
GRANT UPDATE (seen_at, ended_at, id_token) ON session TO offramp_app;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY session_scope ON session USING (offramp_holds(token_hash) OR offramp_sees(coalesce(customer_id, '')));

-- Logout tokens already taken, so that a replay is refused on every replica.
-- No row-level security: an issuer's token ids, no customer data.
CREATE TABLE logout_token (
  issuer     text NOT NULL,
  jti        text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (issuer, jti)
);
GRANT SELECT, INSERT, DELETE ON logout_token TO offramp_app;

-- The address of a contact's calendar subscription.
CREATE TABLE calendar_feed (
  contact_id  text PRIMARY KEY,
  customer_id text NOT NULL,
  token       text NOT NULL,              -- shown again to its owner, so it is kept in clear; it opens dates and nothing else
  token_hash  text NOT NULL UNIQUE,
  created_at  timestamptz NOT NULL,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON calendar_feed TO offramp_app;
ALTER TABLE calendar_feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendar_feed FORCE ROW LEVEL SECURITY;
CREATE POLICY calendar_feed_scope ON calendar_feed USING (offramp_holds(token_hash) OR offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
