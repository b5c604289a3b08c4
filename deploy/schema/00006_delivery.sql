-- +goose Up

-- A secret by which a program, not a browser, downloads the files of one export. Only its SHA-256 is kept; it opens nothing
-- once its export has expired, its contact may not export any more, or a later one was made.
CREATE TABLE export_token (
  id          text PRIMARY KEY,
  export_id   text NOT NULL REFERENCES export,
  customer_id text NOT NULL REFERENCES customer,
  contact_id  text NOT NULL,
  token_hash  text NOT NULL UNIQUE CHECK (length(token_hash) = 64),
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL CHECK (expires_at > created_at),
  used_at     timestamptz,
  revoked_at  timestamptz
);
CREATE UNIQUE INDEX export_token_one_valid ON export_token (export_id) WHERE revoked_at IS NULL;
GRANT SELECT, INSERT ON export_token TO offramp_app;
GRANT UPDATE (used_at, revoked_at) ON export_token TO offramp_app;
ALTER TABLE export_token ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_token FORCE ROW LEVEL SECURITY;
CREATE POLICY export_token_scope ON export_token USING (offramp_holds(token_hash) OR offramp_sees(customer_id));

-- A copy of a ready export into the customer's own bucket.
--
-- waiting --> checking --> copying --> done
--    ^            |           |
--    +--trouble---+-----------+--> failed | cancelled   (these two from waiting, too)
CREATE TABLE export_delivery (
  id            text PRIMARY KEY,
  export_id     text NOT NULL REFERENCES export,
  customer_id   text NOT NULL REFERENCES customer,
  requested_by  text NOT NULL,             -- contact id
  state         text NOT NULL CHECK (state IN ('waiting', 'checking', 'copying', 'done', 'failed', 'cancelled')),
  attempt       integer NOT NULL DEFAULT 0, -- the fence
  failures      integer NOT NULL DEFAULT 0,
  endpoint      text NOT NULL,             -- empty: AWS
  region        text NOT NULL,
  bucket        text NOT NULL,
  prefix        text NOT NULL,
  access_key    text NOT NULL,             -- empty: by role
  role          text NOT NULL,
  secret        text,                      -- sealed; gone when the delivery has ended
  checked_at    timestamptz,
  field         text NOT NULL DEFAULT '',  -- of the form: what the customer is to mend
  problem       text NOT NULL DEFAULT '',  -- message key
  cause         text NOT NULL DEFAULT '',  -- what support reads
  bytes_done    bigint NOT NULL DEFAULT 0,
  bytes_total   bigint NOT NULL DEFAULT 0,
  requested_at  timestamptz NOT NULL,
  started_at    timestamptz,
  finished_at   timestamptz,
  CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
  CHECK (finished_at IS NULL OR secret IS NULL)
);
CREATE UNIQUE INDEX export_delivery_one_live ON export_delivery (export_id) WHERE finished_at IS NULL;
CREATE INDEX export_delivery_export ON export_delivery (export_id, requested_at DESC);
CREATE INDEX export_delivery_open ON export_delivery (requested_at) WHERE finished_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON export_delivery TO offramp_app;
ALTER TABLE export_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY export_delivery_scope ON export_delivery USING (offramp_sees(customer_id));

-- The volumes of a delivery that lie in the customer's bucket, proven. What is not here yet is copied again after a crash.
CREATE TABLE export_delivery_volume (
  delivery_id text NOT NULL REFERENCES export_delivery,
  customer_id text NOT NULL REFERENCES customer,
  number      integer NOT NULL CHECK (number > 0),
  name        text NOT NULL,               -- of the object, prefix included
  size        bigint NOT NULL,
  sha256      text NOT NULL CHECK (length(sha256) = 64),
  proven_at   timestamptz NOT NULL,
  PRIMARY KEY (delivery_id, number)
);
GRANT SELECT, INSERT ON export_delivery_volume TO offramp_app;
ALTER TABLE export_delivery_volume ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_delivery_volume FORCE ROW LEVEL SECURITY;
CREATE POLICY export_delivery_volume_scope ON export_delivery_volume USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
