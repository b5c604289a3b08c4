-- +goose Up

-- What a scanner says of a document. none: nobody was to look, or an older release attached it. Whoever attaches says whether one is
-- to look; what it says only a worker writes, once. A document that was refused loses its body, as one that was removed.
ALTER TABLE refund_document
  ADD COLUMN scan       text NOT NULL DEFAULT 'none' CHECK (scan IN ('none', 'pending', 'clean', 'refused')),
  ADD COLUMN scan_found text,          -- what the scanner calls it
  ADD COLUMN scanned_at timestamptz,
  ADD CONSTRAINT refund_document_scanned CHECK ((scan IN ('clean', 'refused')) = (scanned_at IS NOT NULL) AND (scan = 'refused') = (scan_found IS NOT NULL)),
  DROP CONSTRAINT refund_document_purged,
  ADD CONSTRAINT refund_document_purged CHECK (purged_at IS NULL OR removed_at IS NOT NULL OR scan = 'refused');
-- What waits for the scanner, longest first.
CREATE INDEX refund_document_scanning ON refund_document (attached_at) WHERE scan = 'pending' AND attached_at IS NOT NULL AND removed_at IS NULL;
-- What was refused may come once more: scanners err, and are mended.
DROP INDEX refund_document_once;
CREATE UNIQUE INDEX refund_document_once ON refund_document (refund_id, uploader_kind, sha256)
  WHERE attached_at IS NOT NULL AND removed_at IS NULL AND scan <> 'refused';
CREATE INDEX refund_document_unfit ON refund_document (scanned_at) WHERE scan = 'refused' AND purged_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION refund_document_scan_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.scan NOT IN ('none', 'pending')
     OR TG_OP = 'UPDATE' AND (NEW.scan, NEW.scan_found, NEW.scanned_at) IS DISTINCT FROM (OLD.scan, OLD.scan_found, OLD.scanned_at)
       AND (OLD.scan <> 'pending' OR OLD.attached_at IS NULL OR NEW.scan NOT IN ('clean', 'refused')) THEN
    RAISE EXCEPTION 'document %: only a scan that is waited for says something, and once', NEW.id USING ERRCODE = '23514', CONSTRAINT = 'refund_document_scan';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_document_scan BEFORE INSERT OR UPDATE ON refund_document FOR EACH ROW EXECUTE FUNCTION refund_document_scan_guard();

-- +goose Down
SELECT 'forward only';
