-- +goose Up

-- The same rule once more, as a CASE. As an OR the planner took it to let one row in a hundred through, which is far from the
-- truth for staff and the system, who see all: it chose nested loops over whole tables. Of a CASE it assumes a half.
CREATE OR REPLACE FUNCTION offramp_sees(customer text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN CASE WHEN coalesce(current_setting('offramp.scope', true), '') IN ('staff', 'system') THEN TRUE
              ELSE customer = nullif(current_setting('offramp.customer', true), '') END;

-- +goose Down
SELECT 'forward only';
