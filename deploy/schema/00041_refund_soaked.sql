-- +goose Up

-- Where a refund may go from where: one that needs a second approver may be waived, too, once both have agreed.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refund_may(was text, becomes text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN becomes = ANY (CASE was
  WHEN 'submitted'  THEN ARRAY['questioned', 'reviewed', 'declined', 'withdrawn']
  WHEN 'questioned' THEN ARRAY['submitted', 'declined', 'withdrawn']
  WHEN 'objected'   THEN ARRAY['questioned', 'reviewed', 'declined', 'withdrawn']
  WHEN 'reviewed'   THEN ARRAY['submitted', 'questioned', 'second', 'approved', 'waived', 'declined', 'withdrawn']
  WHEN 'second'     THEN ARRAY['submitted', 'questioned', 'approved', 'waived', 'declined', 'withdrawn']
  WHEN 'approved'   THEN ARRAY['submitted', 'questioned', 'batched', 'declined']
  WHEN 'batched'    THEN ARRAY['submitted', 'questioned', 'approved', 'released', 'credited', 'declined']
  WHEN 'released'   THEN ARRAY['unknown', 'paid', 'returned']
  WHEN 'unknown'    THEN ARRAY['released', 'paid', 'returned']
  WHEN 'paid'       THEN ARRAY['returned']
  WHEN 'returned'   THEN ARRAY['submitted', 'released', 'paid']
  WHEN 'declined'   THEN ARRAY['objected', 'closed']
  ELSE ARRAY[]::text[] END);
-- +goose StatementEnd

-- What was paid in part is not withdrawn: its payments would be free to be given back once more.
ALTER TABLE refund ADD CONSTRAINT refund_is_withdrawn_unpaid CHECK (state <> 'withdrawn' OR settled = 0);

-- One attempt at a payment at a time. A transfer that has arrived pays what was left then; when something else comes back later
-- there is another one.
DROP INDEX payout_attempt_one_live;
CREATE UNIQUE INDEX payout_attempt_one_live ON payout_attempt (refund_id, payment_ref) WHERE state <> 'failed' AND channel <> 'bank';
CREATE UNIQUE INDEX payout_attempt_one_transfer ON payout_attempt (refund_id) WHERE state NOT IN ('failed', 'succeeded') AND channel = 'bank';

-- News of an earlier attempt waits while its refund is decided upon once more; the release comes back to it.
CREATE INDEX provider_event_waiting ON provider_event (ref) WHERE processed_at IS NULL;

-- +goose Down
SELECT 'forward only';
