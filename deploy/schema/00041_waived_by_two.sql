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

-- +goose Down
SELECT 'forward only';
