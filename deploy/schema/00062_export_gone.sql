-- +goose Up

-- lost_at is since when an archive of a ready export is missing from the bucket although nobody removed it; it is empty again once
-- the archive is found. deleted_at is when the owner had the export deleted before its time: its state is expired from then on.
ALTER TABLE export ADD COLUMN lost_at timestamptz, ADD COLUMN deleted_at timestamptz,
  ADD CONSTRAINT export_deleted_is_over CHECK (deleted_at IS NULL OR state = 'expired');

-- +goose Down
SELECT 'forward only';
