-- +goose Up

CREATE SEQUENCE export_number START 10001;
GRANT USAGE ON SEQUENCE export_number TO offramp_app;

--            +--> cancelled
--            |
-- queued --> running --> ready --> expired
--   ^          |  |
--   +--retry---+  +--> failed      (a retry after failure is a new attempt: failed -> queued)
CREATE TABLE export (
  id            text PRIMARY KEY,
  number        bigint NOT NULL UNIQUE DEFAULT nextval('export_number'),
  customer_id   text NOT NULL REFERENCES customer,
  requested_by  text NOT NULL,            -- contact id
  selection     jsonb NOT NULL,           -- datasets, formats
  locale        text NOT NULL,
  state         text NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'failed', 'cancelled', 'expired')),
  stage         text NOT NULL DEFAULT '' CHECK (stage IN ('', 'counting', 'reading', 'files', 'checking')),
  attempt       integer NOT NULL DEFAULT 0, -- the fence: a result is taken only from the latest attempt
  failures      integer NOT NULL DEFAULT 0,
  delayed       text NOT NULL DEFAULT '',   -- message key of the reason the customer reads
  cause         text NOT NULL DEFAULT '',   -- what support reads
  rows_done     bigint NOT NULL DEFAULT 0,
  rows_total    bigint NOT NULL DEFAULT 0,
  bytes_done    bigint NOT NULL DEFAULT 0,
  bytes_total   bigint NOT NULL DEFAULT 0,
  object_key    text NOT NULL DEFAULT '',
  object_size   bigint NOT NULL DEFAULT 0,
  object_sha256 text NOT NULL DEFAULT '',
  as_of         timestamptz,                -- the snapshot of the source
  receipt       jsonb,
  requested_at  timestamptz NOT NULL,
  started_at    timestamptz,
  finished_at   timestamptz,
  ready_at      timestamptz,
  expires_at    timestamptz,
  checked_at    timestamptz,
  reminded_at   timestamptz,                -- the contact was told that the link is about to expire
  CONSTRAINT export_ready_is_proven CHECK (state <> 'ready' OR
    (object_key <> '' AND object_size > 0 AND length(object_sha256) = 64 AND receipt IS NOT NULL AND ready_at IS NOT NULL AND expires_at > ready_at))
);
CREATE UNIQUE INDEX export_one_live ON export (customer_id) WHERE state IN ('queued', 'running');
CREATE INDEX export_customer ON export (customer_id, number DESC);
CREATE INDEX export_expiry ON export (expires_at) WHERE state = 'ready';
CREATE INDEX export_open ON export (requested_at) WHERE state IN ('queued', 'running');
GRANT SELECT, INSERT, UPDATE ON export TO offramp_app;
ALTER TABLE export ENABLE ROW LEVEL SECURITY;
ALTER TABLE export FORCE ROW LEVEL SECURITY;
CREATE POLICY export_scope ON export USING (offramp_sees(customer_id));

-- Every object that an export ever began to write, recorded before the first byte leaves, so that nothing is orphaned unseen.
CREATE TABLE export_object (
  key         text PRIMARY KEY,
  export_id   text NOT NULL REFERENCES export,
  customer_id text NOT NULL REFERENCES customer,
  attempt     integer NOT NULL,
  state       text NOT NULL CHECK (state IN ('writing', 'sealed', 'deleted')),
  created_at  timestamptz NOT NULL,
  deleted_at  timestamptz
);
CREATE INDEX export_object_export ON export_object (export_id);
CREATE INDEX export_object_open ON export_object (created_at) WHERE state <> 'deleted';
GRANT SELECT, INSERT, UPDATE ON export_object TO offramp_app;
ALTER TABLE export_object ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_object FORCE ROW LEVEL SECURITY;
CREATE POLICY export_object_scope ON export_object USING (offramp_sees(customer_id));

-- Each time a link was handed out. Append-only evidence beside the audit log.
CREATE TABLE export_download (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  export_id   text NOT NULL REFERENCES export,
  customer_id text NOT NULL REFERENCES customer,
  contact_id  text NOT NULL,
  at          timestamptz NOT NULL
);
CREATE INDEX export_download_export ON export_download (export_id);
GRANT SELECT, INSERT ON export_download TO offramp_app;
ALTER TABLE export_download ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_download FORCE ROW LEVEL SECURITY;
CREATE POLICY export_download_scope ON export_download USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
