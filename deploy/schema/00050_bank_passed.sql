-- +goose Up

-- What a bank's file has that concerns no refund is not kept, but how many lines it was, why, and which were the first.
CREATE TABLE bank_passed (
  import_id text NOT NULL REFERENCES bank_import,
  why       text NOT NULL CHECK (why IN ('pending', 'income', 'outlay', 'bounced', 'blank')),
  count     integer NOT NULL CHECK (count > 0),
  lines     integer[] NOT NULL,
  PRIMARY KEY (import_id, why)
);
GRANT SELECT, INSERT ON bank_passed TO offramp_app;
ALTER TABLE bank_passed ENABLE ROW LEVEL SECURITY;
ALTER TABLE bank_passed FORCE ROW LEVEL SECURITY;
CREATE POLICY bank_passed_scope ON bank_passed USING (offramp_sees(''));

-- A batch may be booked as one entry: end_to_end is then what the bank calls the batch, batch_id the one of ours that it is, and
-- payments how many it is said to have. unclear: it names a payment of ours, and says neither that it was booked nor that it came
-- back.
ALTER TABLE bank_result ADD COLUMN whole boolean NOT NULL DEFAULT false,
  ADD COLUMN batch_id text REFERENCES batch,
  ADD COLUMN payments integer NOT NULL DEFAULT 0,
  ADD COLUMN unclear text NOT NULL DEFAULT '' CHECK (unclear IN ('', 'income', 'bounced'));
GRANT UPDATE (batch_id) ON bank_result TO offramp_app;

-- +goose Down
SELECT 'forward only';
