-- +goose Up

-- The archive within one that a password opens: what its owner has once it is unpacked. Empty: the archive is not locked.
ALTER TABLE export_volume ADD COLUMN inner_size bigint NOT NULL DEFAULT 0, ADD COLUMN inner_sha256 text NOT NULL DEFAULT '';

-- The password of an export that is to be built, sealed. The web side puts it here, a worker opens it, and it is destroyed once it
-- has served: nobody is to have it but its owner. A failed export keeps it for a while, since it may be tried again.
CREATE TABLE export_password (
  export_id   text PRIMARY KEY REFERENCES export,
  customer_id text NOT NULL REFERENCES customer,
  sealed      text NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE INDEX export_password_age ON export_password (created_at);
ALTER TABLE export_password ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_password FORCE ROW LEVEL SECURITY;
CREATE POLICY export_password_scope ON export_password USING (offramp_sees(customer_id));

-- +goose StatementBegin
CREATE FUNCTION export_password_end() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM export_password WHERE export_id = NEW.id;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER export_password_end AFTER UPDATE OF state ON export FOR EACH ROW
  WHEN (NEW.state IN ('ready', 'cancelled', 'expired') AND NEW.state <> OLD.state) EXECUTE FUNCTION export_password_end();

-- A worker of a release that knows no passwords would build the export without one. Its volume is not taken.
-- +goose StatementBegin
CREATE FUNCTION export_volume_locked() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM export WHERE id = NEW.export_id AND selection->>'locked' = 'true') THEN
    RAISE EXCEPTION 'volume % of export % is not locked, as its owner wants it', NEW.number, NEW.export_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER export_volume_locked AFTER UPDATE OF state ON export_volume FOR EACH ROW
  WHEN (NEW.state = 'sealed' AND NEW.inner_sha256 = '') EXECUTE FUNCTION export_volume_locked();

-- +goose Down
SELECT 'forward only';
