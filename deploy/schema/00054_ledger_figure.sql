-- +goose Up

-- Where the money stands: the ledger's accounts by the state that each refund is in now, with what is asked for and not decided
-- ('due') and what nobody knows of ('unknown', which is part of 'in_transit'). Kept by deltas like refund_total: each statement
-- adds its differences, a job folds them together, the reader adds up. What is owed or was given is positive; money that came
-- back counts against what was paid. Staff and jobs only.
CREATE TABLE ledger_figure (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  state    text NOT NULL,
  tier     text NOT NULL,
  method   text NOT NULL,
  currency text NOT NULL,
  account  text NOT NULL CHECK (account IN ('prepaid', 'liability', 'in_transit', 'paid', 'credits', 'goodwill', 'reversal', 'due', 'unknown')),
  amount   bigint NOT NULL -- minor units
);
ALTER TABLE ledger_figure ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_figure FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_figure_scope ON ledger_figure USING (offramp_sees(''));
CREATE POLICY ledger_figure_count ON ledger_figure FOR INSERT WITH CHECK (current_setting('offramp.scope', true) IS NOT NULL);
GRANT SELECT, INSERT, DELETE ON ledger_figure TO offramp_app;

-- +goose StatementBegin
CREATE FUNCTION refund_undecided(state text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN state IN ('submitted', 'questioned', 'objected', 'reviewed', 'second');

-- What a refund's move changes: what is asked for, and under which state the ledger's entries about it stand. It comes before
-- refund_ledger, whose entries are counted where the refund is then.
CREATE FUNCTION ledger_figure_refund() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
    SELECT state, tier, method, currency, 'due', sum(amount - settled) FROM added WHERE refund_undecided(state) GROUP BY 1, 2, 3, 4;
    RETURN NULL;
  END IF;
  INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
  WITH moved AS (
    SELECT n.id, n.tier, n.currency, o.state AS old_state, n.state AS new_state, o.method AS old_method, n.method AS new_method
      FROM added n JOIN removed o ON o.id = n.id WHERE (n.state, n.method) IS DISTINCT FROM (o.state, o.method)
  ), held AS (
    SELECT m.*, p.account, -p.amount AS amount FROM moved m JOIN ledger_entry e ON e.refund_id = m.id JOIN ledger_posting p ON p.entry_id = e.id
    UNION ALL SELECT m.*, 'unknown', a.amount FROM moved m JOIN payout_attempt a ON a.refund_id = m.id WHERE a.state = 'unknown'
  ), change AS (
    SELECT state, tier, method, currency, 'due' AS account, amount - settled AS amount FROM added WHERE refund_undecided(state)
    UNION ALL SELECT state, tier, method, currency, 'due', settled - amount FROM removed WHERE refund_undecided(state)
    UNION ALL SELECT new_state, tier, new_method, currency, account, amount FROM held
    UNION ALL SELECT old_state, tier, old_method, currency, account, -amount FROM held
  )
  SELECT state, tier, method, currency, account, sum(amount) FROM change GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0;
  RETURN NULL;
END $$;

CREATE FUNCTION ledger_figure_posting() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
  SELECT r.state, r.tier, r.method, n.currency, n.account, -sum(n.amount)
    FROM added n JOIN ledger_entry e ON e.id = n.entry_id JOIN refund r ON r.id = e.refund_id GROUP BY 1, 2, 3, 4, 5 HAVING sum(n.amount) <> 0;
  RETURN NULL;
END $$;

CREATE FUNCTION ledger_figure_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE was boolean := TG_OP = 'UPDATE' AND OLD.state = 'unknown';
BEGIN
  IF was IS DISTINCT FROM (NEW.state = 'unknown') THEN
    INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
    SELECT r.state, r.tier, r.method, NEW.currency, 'unknown', CASE WHEN was THEN -OLD.amount ELSE NEW.amount END FROM refund r WHERE r.id = NEW.refund_id;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER refund_figure_insert AFTER INSERT ON refund REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_figure_refund();
CREATE TRIGGER refund_figure_update AFTER UPDATE ON refund REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_figure_refund();
CREATE TRIGGER ledger_posting_figure AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_figure_posting();
CREATE TRIGGER payout_attempt_figure AFTER INSERT OR UPDATE OF state ON payout_attempt FOR EACH ROW EXECUTE FUNCTION ledger_figure_attempt();

-- What stands there already.
SELECT set_config('offramp.scope', 'system', true);
INSERT INTO ledger_figure (state, tier, method, currency, account, amount)
SELECT state, tier, method, currency, account, sum(amount) FROM (
    SELECT state, tier, method, currency, 'due' AS account, amount - settled AS amount FROM refund WHERE refund_undecided(state)
    UNION ALL SELECT r.state, r.tier, r.method, p.currency, p.account, -p.amount FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id JOIN refund r ON r.id = e.refund_id
    UNION ALL SELECT r.state, r.tier, r.method, a.currency, 'unknown', a.amount FROM payout_attempt a JOIN refund r ON r.id = a.refund_id WHERE a.state = 'unknown') x
 GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0;

-- +goose Down
SELECT 'forward only';
