-- +goose Up

-- The archive files of an export. Each export that was begun has at least one; only the latest attempt's are kept.
--
-- waiting --claim--> building --seal--> sealed
--    ^                  |
--    +---- released ----+---- its builder died: the next claim takes it
CREATE TABLE export_volume (
  export_id   text NOT NULL REFERENCES export,
  number      integer NOT NULL CHECK (number > 0),
  customer_id text NOT NULL REFERENCES customer,
  attempt     integer NOT NULL,             -- of the export, to which the volume belongs
  state       text NOT NULL CHECK (state IN ('waiting', 'building', 'sealed')),
  tries       integer NOT NULL DEFAULT 0,   -- the fence: a result is taken only from the latest try
  builder     bigint NOT NULL DEFAULT 0,    -- id of the job that builds or built it; 0: none
  lane        boolean NOT NULL DEFAULT false, -- reads a source whose snapshot nobody can join: for the job that planned it
  pieces      jsonb NOT NULL DEFAULT '[]',  -- which rows of which datasets
  progress    jsonb NOT NULL DEFAULT '[]',  -- per dataset
  rows_done   bigint NOT NULL DEFAULT 0,
  bytes_done  bigint NOT NULL DEFAULT 0,
  object_key  text NOT NULL DEFAULT '',
  size        bigint NOT NULL DEFAULT 0,
  sha256      text NOT NULL DEFAULT '',
  slices      bytea NOT NULL DEFAULT '',    -- SHA-256 of each slice, 32 bytes each
  rows        bigint NOT NULL DEFAULT 0,
  files       bigint NOT NULL DEFAULT 0,
  receipt     jsonb,                        -- of this volume alone
  started_at  timestamptz,
  sealed_at   timestamptz,
  PRIMARY KEY (export_id, number),
  CONSTRAINT export_volume_sealed_is_proven CHECK (state <> 'sealed' OR
    (object_key <> '' AND size > 0 AND length(sha256) = 64 AND length(slices) % 32 = 0 AND receipt IS NOT NULL AND sealed_at IS NOT NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON export_volume TO offramp_app;
ALTER TABLE export_volume ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_volume FORCE ROW LEVEL SECURITY;
CREATE POLICY export_volume_scope ON export_volume USING (offramp_sees(customer_id));

-- Who keeps a source's snapshot open for an attempt, and under which name others can join it.
CREATE TABLE export_hold (
  export_id   text NOT NULL REFERENCES export,
  customer_id text NOT NULL REFERENCES customer,
  attempt     integer NOT NULL,
  source      text NOT NULL,
  holder      bigint NOT NULL,              -- id of a job
  snapshot_id text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (export_id, source, holder)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON export_hold TO offramp_app;
ALTER TABLE export_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY export_hold_scope ON export_hold USING (offramp_sees(customer_id));

ALTER TABLE export
  ADD COLUMN job_id bigint NOT NULL DEFAULT 0,  -- in the queue: the job that builds it
  ADD COLUMN deaths integer NOT NULL DEFAULT 0, -- attempts that ended without a word
  ADD COLUMN plan jsonb,                        -- what all volumes of the attempt share: instant, sources, programme's version
  ADD COLUMN beat_at timestamptz;               -- by the database's clock: when progress was written last
ALTER TABLE export_object ADD COLUMN volume integer NOT NULL DEFAULT 1;
ALTER TABLE export_download ADD COLUMN volume integer NOT NULL DEFAULT 1;

-- Archives from before were one volume each. Slices are known of volumes that were built since.
INSERT INTO export_volume (export_id, number, customer_id, attempt, state, tries, rows_done, bytes_done, object_key, size, sha256, rows, receipt,
    started_at, sealed_at)
SELECT id, 1, customer_id, attempt, 'sealed', 1, rows_done, bytes_done, object_key, object_size, object_sha256, rows_done, receipt,
    started_at, ready_at
  FROM export WHERE state IN ('ready', 'expired') AND object_key <> '' AND receipt IS NOT NULL;

-- object_key and object_sha256 are no longer read or written: the volumes have them. object_size is the volumes' sum.
ALTER TABLE export DROP CONSTRAINT export_ready_is_proven;
ALTER TABLE export ADD CONSTRAINT export_ready_is_proven CHECK (state <> 'ready' OR
    (object_size > 0 AND receipt IS NOT NULL AND ready_at IS NOT NULL AND expires_at > ready_at));

-- +goose Down
SELECT 'forward only';
