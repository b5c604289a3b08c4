-- +goose Up
SELECT set_config('offramp.scope', 'system', true);

-- Where active customers stand in the five steps, counted per tier. The figures are at every instant those of the customers' own rows:
-- journey_rollup and what journey_delta has not handed to it yet. Neither holds anything of a single customer.
CREATE TABLE journey_rollup (
  tier   text NOT NULL,
  step   integer NOT NULL CHECK (step BETWEEN 1 AND 5),
  status text NOT NULL,
  n      bigint NOT NULL,
  PRIMARY KEY (tier, step, status)
);

-- A change of one customer's steps, written in its transaction: what they were, and are. A worker folds such rows into journey_rollup.
-- again asks it to count anew: a tier that changes while the same customer takes a step may be counted for either.
CREATE TABLE journey_delta (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tier   text NOT NULL,
  before text[],                                -- the five steps; NULL: not counted before
  after  text[],                                -- NULL: not counted any more
  again  boolean NOT NULL DEFAULT false
);

-- How many had come through each step by the end of a day, where the programme is; of today, so far.
CREATE TABLE journey_rollup_day (
  day   date NOT NULL,
  tier  text NOT NULL,
  step  integer NOT NULL,
  done  bigint NOT NULL,
  total bigint NOT NULL,
  PRIMARY KEY (day, tier, step)
);

-- When the figures were folded and counted anew last, and by how much they were wrong then.
CREATE TABLE journey_rollup_state (
  one          boolean PRIMARY KEY DEFAULT true CHECK (one),
  folded_at    timestamptz,
  recounted_at timestamptz,
  drift        bigint NOT NULL DEFAULT 0
);
INSERT INTO journey_rollup_state (one) VALUES (true);

-- Only the triggers below write deltas, for whoever changes a journey; staff and workers read.
ALTER TABLE journey_rollup ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey_rollup FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_rollup_scope ON journey_rollup USING (offramp_sees(''));
ALTER TABLE journey_rollup_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey_rollup_day FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_rollup_day_scope ON journey_rollup_day USING (offramp_sees(''));
ALTER TABLE journey_rollup_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey_rollup_state FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_rollup_state_scope ON journey_rollup_state USING (offramp_sees(''));
ALTER TABLE journey_delta ENABLE ROW LEVEL SECURITY;
ALTER TABLE journey_delta FORCE ROW LEVEL SECURITY;
CREATE POLICY journey_delta_read ON journey_delta USING (offramp_sees(''));
CREATE POLICY journey_delta_write ON journey_delta FOR INSERT WITH CHECK (offramp_sees(current_setting('offramp.customer', true)));

-- Whoever takes a step sees the customer. What is done past the product, in no scope, is found by the daily count.
-- +goose StatementBegin
CREATE FUNCTION journey_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  was text[];
BEGIN
  IF TG_OP = 'UPDATE' THEN
    was := ARRAY[OLD.dates, OLD.export, OLD.choose, OLD.settle, OLD.confirm]::text[];
  END IF;
  INSERT INTO journey_delta (tier, before, after)
  SELECT c.tier, was, ARRAY[NEW.dates, NEW.export, NEW.choose, NEW.settle, NEW.confirm]::text[] FROM customer c WHERE c.id = NEW.customer_id AND c.state = 'active';
  RETURN NULL;
END $$;

CREATE FUNCTION customer_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  steps text[];
BEGIN
  SELECT ARRAY[j.dates, j.export, j.choose, j.settle, j.confirm]::text[] INTO steps FROM journey j WHERE j.customer_id = NEW.id;
  IF steps IS NULL THEN
    RETURN NULL;
  END IF;
  IF OLD.state = 'active' THEN
    INSERT INTO journey_delta (tier, before, again) VALUES (OLD.tier, steps, true);
  END IF;
  IF NEW.state = 'active' THEN
    INSERT INTO journey_delta (tier, after, again) VALUES (NEW.tier, steps, true);
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER journey_counted_new AFTER INSERT ON journey FOR EACH ROW EXECUTE FUNCTION journey_counted();
CREATE TRIGGER journey_counted AFTER UPDATE OF dates, export, choose, settle, confirm ON journey FOR EACH ROW
  WHEN (OLD.dates <> NEW.dates OR OLD.export <> NEW.export OR OLD.choose <> NEW.choose OR OLD.settle <> NEW.settle OR OLD.confirm <> NEW.confirm)
  EXECUTE FUNCTION journey_counted();
CREATE TRIGGER customer_counted AFTER UPDATE OF tier, state ON customer FOR EACH ROW
  WHEN (OLD.tier <> NEW.tier OR OLD.state <> NEW.state) EXECUTE FUNCTION customer_counted();

-- The triggers' locks keep steps out until all of this is in effect, so that none is counted twice or not at all.
INSERT INTO journey_rollup (tier, step, status, n)
SELECT c.tier, u.step, u.status, count(*)
  FROM customer c JOIN journey j ON j.customer_id = c.id,
       unnest(ARRAY[j.dates, j.export, j.choose, j.settle, j.confirm]::text[]) WITH ORDINALITY u (status, step)
 WHERE c.state = 'active' GROUP BY 1, 2, 3;

-- +goose Down
SELECT 'forward only';
