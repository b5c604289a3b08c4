-- +goose Up

-- When what a refund waits for was promised to be done, by the days that were promised when it was submitted: the instant so many days
-- after the stage began. The promise is kept until that day is over in the programme's zone, so that what is late can be looked up by
-- this and has to be looked at once more. NULL: nothing was promised, or nobody waits for us.
-- +goose StatementBegin
CREATE FUNCTION refund_stage_days(state text, review_days integer, pay_days integer, bank_days integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN nullif(CASE WHEN state IN ('submitted', 'objected', 'reviewed', 'second') THEN review_days
    WHEN state IN ('approved', 'batched') THEN pay_days WHEN state IN ('released', 'unknown') THEN bank_days END, 0);

CREATE FUNCTION refund_stage_due(state text, days integer, requested_at timestamptz, updated_at timestamptz, approved_at timestamptz,
  second_approved_at timestamptz, released_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_timestamp(extract(epoch FROM CASE
      WHEN state IN ('submitted', 'objected') THEN greatest(requested_at, updated_at)
      WHEN state IN ('reviewed', 'second') THEN requested_at
      WHEN state IN ('approved', 'batched') THEN coalesce(second_approved_at, approved_at)
      WHEN state IN ('released', 'unknown') THEN released_at END) + 86400 * days);
-- +goose StatementEnd

ALTER TABLE refund ADD COLUMN stage_due timestamptz GENERATED ALWAYS AS (refund_stage_due(state,
  refund_stage_days(state, review_days, pay_days, bank_days), requested_at, updated_at, approved_at, second_approved_at, released_at)) STORED;
CREATE INDEX refund_stage_due ON refund (stage_due) WHERE stage_due IS NOT NULL;

-- +goose Down
SELECT 'forward only';
