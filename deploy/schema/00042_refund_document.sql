-- +goose Up

-- Documents of a refund. The row comes first and names where the body will lie; the body follows, and with attached_at the
-- document exists. What was attached stays: a document that is removed loses its body and keeps its row.
CREATE TABLE refund_document (
  id            text PRIMARY KEY,
  refund_id     text NOT NULL,
  customer_id   text NOT NULL,
  object_key    text NOT NULL UNIQUE CHECK (object_key ~ '^documents/[0-9a-f]{64}$'), -- random: it says nothing of anybody
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),                 -- for show only
  kind          text NOT NULL CHECK (kind IN ('pdf', 'png', 'jpeg')),                 -- by its bytes
  size          bigint CHECK (size BETWEEN 1 AND 10485760),
  sha256        text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  uploader      text NOT NULL,             -- contact or identity id
  uploader_kind text NOT NULL CHECK (uploader_kind IN ('customer', 'staff')),
  shown         boolean NOT NULL,          -- to the customer
  begun_at      timestamptz NOT NULL,
  attached_at   timestamptz,               -- NULL: it is still arriving, or never did
  remover       text,
  removed_at    timestamptz,
  purged_at     timestamptz,               -- when the body of what was removed was gone
  FOREIGN KEY (customer_id, refund_id) REFERENCES refund (customer_id, id),
  CONSTRAINT refund_document_whole CHECK (attached_at IS NULL OR size IS NOT NULL AND sha256 IS NOT NULL),
  CONSTRAINT refund_document_removed CHECK ((removed_at IS NULL) = (remover IS NULL) AND (removed_at IS NULL OR attached_at IS NOT NULL)),
  CONSTRAINT refund_document_purged CHECK (purged_at IS NULL OR removed_at IS NOT NULL),
  CONSTRAINT refund_document_own CHECK (shown OR uploader_kind = 'staff')
);
CREATE INDEX refund_document_refund ON refund_document (refund_id, attached_at);
-- The same bytes once from each side: a form that is sent twice attaches one document.
CREATE UNIQUE INDEX refund_document_once ON refund_document (refund_id, uploader_kind, sha256) WHERE attached_at IS NOT NULL AND removed_at IS NULL;
-- What the sweep looks for.
CREATE INDEX refund_document_arriving ON refund_document (begun_at) WHERE attached_at IS NULL;
CREATE INDEX refund_document_purge ON refund_document (removed_at) WHERE removed_at IS NOT NULL AND purged_at IS NULL;
GRANT SELECT, INSERT, DELETE ON refund_document TO offramp_app;
GRANT UPDATE (size, sha256, attached_at, remover, removed_at, purged_at) ON refund_document TO offramp_app;
ALTER TABLE refund_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE refund_document FORCE ROW LEVEL SECURITY;
-- What finance keeps to itself does not exist for the customer.
CREATE POLICY refund_document_scope ON refund_document USING (offramp_sees(customer_id)
  AND (shown OR coalesce(current_setting('offramp.scope', true), '') IN ('staff', 'system')));

-- +goose StatementBegin
CREATE FUNCTION refund_document_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.attached_at IS NOT NULL THEN
      RAISE EXCEPTION 'document %: what was attached stays', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'refund_document_stays';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.attached_at IS NOT NULL AND (NEW.size, NEW.sha256, NEW.attached_at) IS DISTINCT FROM (OLD.size, OLD.sha256, OLD.attached_at)
     OR OLD.removed_at IS NOT NULL AND (NEW.remover, NEW.removed_at) IS DISTINCT FROM (OLD.remover, OLD.removed_at)
     OR OLD.purged_at IS NOT NULL AND NEW.purged_at IS DISTINCT FROM OLD.purged_at THEN
    RAISE EXCEPTION 'document %: what was attached stays', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'refund_document_stays';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_document_guard BEFORE UPDATE OR DELETE ON refund_document FOR EACH ROW EXECUTE FUNCTION refund_document_guard();

-- +goose Down
SELECT 'forward only';
