-- +goose Up

-- What customers are found by: pairs of characters of their names, their people and addresses, numbers and their beginnings, the last
-- digits of telephone numbers, initials. Made by offramp, since a database of locale C folds ASCII alone; a GIN index on arrays needs no
-- extension and answers for two Chinese characters. Row-level security would keep the index from being used, for the operators of arrays
-- are not leakproof: so nobody may read the table, and the functions below demand a scope themselves.
CREATE TABLE customer_search (
  customer_id text PRIMARY KEY REFERENCES customer ON DELETE CASCADE,
  name        text NOT NULL,                    -- folded
  folded      text NOT NULL,                    -- name, people, addresses and numbers, by line breaks
  terms       text[] NOT NULL
);
CREATE INDEX customer_search_terms ON customer_search USING gin (terms);

-- Customers whose row above is to be made anew.
CREATE TABLE customer_search_stale (
  customer_id text PRIMARY KEY REFERENCES customer ON DELETE CASCADE
);
ALTER TABLE customer_search_stale ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_search_stale FORCE ROW LEVEL SECURITY;
CREATE POLICY customer_search_stale_scope ON customer_search_stale USING (offramp_sees(customer_id));
INSERT INTO customer_search_stale (customer_id) SELECT id FROM customer;

-- +goose StatementBegin
CREATE FUNCTION customer_search_mark() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  which text := CASE TG_TABLE_NAME WHEN 'customer' THEN to_jsonb(NEW)->>'id' ELSE to_jsonb(NEW)->>'customer_id' END;
BEGIN
  INSERT INTO public.customer_search_stale (customer_id) VALUES (which) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER customer_search_new AFTER INSERT ON customer FOR EACH ROW EXECUTE FUNCTION customer_search_mark();
CREATE TRIGGER customer_search_changed AFTER UPDATE ON customer FOR EACH ROW
  WHEN ((OLD.ref, OLD.name) IS DISTINCT FROM (NEW.ref, NEW.name)) EXECUTE FUNCTION customer_search_mark();
CREATE TRIGGER customer_search_new AFTER INSERT ON contact FOR EACH ROW EXECUTE FUNCTION customer_search_mark();
CREATE TRIGGER customer_search_changed AFTER UPDATE ON contact FOR EACH ROW
  WHEN ((OLD.name, OLD.email) IS DISTINCT FROM (NEW.name, NEW.email)) EXECUTE FUNCTION customer_search_mark();
CREATE TRIGGER customer_search_new AFTER INSERT ON contact_phone FOR EACH ROW EXECUTE FUNCTION customer_search_mark();
CREATE TRIGGER customer_search_changed AFTER UPDATE ON contact_phone FOR EACH ROW
  WHEN (OLD.number IS DISTINCT FROM NEW.number) EXECUTE FUNCTION customer_search_mark();

-- Writes what a customer is found by. For our own purposes alone.
-- +goose StatementBegin
CREATE FUNCTION customer_search_write(which text, called text, words text, found_by text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF coalesce(current_setting('offramp.scope', true), '') <> 'system' THEN
    RAISE EXCEPTION 'customer_search_write: in the scope of the system alone' USING ERRCODE = '42501';
  END IF;
  INSERT INTO public.customer_search (customer_id, name, folded, terms) VALUES (which, called, words, found_by)
    ON CONFLICT (customer_id) DO UPDATE SET name = excluded.name, folded = excluded.folded, terms = excluded.terms;
END $$;
-- +goose StatementEnd

-- Finds customers who have all of wanted, or all of other. rank: 0 is called so, 1 begins so, 2 contains it, 3 has people or numbers that do, 4 has the parts. So many
-- candidates at most are looked at. For staff.
-- +goose StatementBegin
CREATE FUNCTION customer_search_find(wanted text[], other text[], plain text) RETURNS TABLE (id text, rank integer)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
BEGIN
  IF coalesce(current_setting('offramp.scope', true), '') <> 'staff' THEN
    RAISE EXCEPTION 'customer_search_find: for staff alone' USING ERRCODE = '42501';
  END IF;
  RETURN QUERY
    SELECT s.customer_id, CASE WHEN s.name = plain THEN 0 WHEN starts_with(s.name, plain) THEN 1 WHEN strpos(s.name, plain) > 0 THEN 2 WHEN strpos(s.folded, plain) > 0 THEN 3
                               ELSE 4 END
      FROM (SELECT c.customer_id, c.name, c.folded FROM public.customer_search c WHERE cardinality(wanted) > 0 AND c.terms @> wanted LIMIT 2000) s
    UNION
    SELECT s.customer_id, CASE WHEN s.name = plain THEN 0 WHEN starts_with(s.name, plain) THEN 1 WHEN strpos(s.name, plain) > 0 THEN 2 WHEN strpos(s.folded, plain) > 0 THEN 3
                               ELSE 4 END
      FROM (SELECT c.customer_id, c.name, c.folded FROM public.customer_search c WHERE cardinality(other) > 0 AND c.terms @> other LIMIT 2000) s;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION customer_search_write(text, text, text, text[]), customer_search_find(text[], text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_search_write(text, text, text, text[]) TO offramp_app, offramp_serve, offramp_work;
GRANT EXECUTE ON FUNCTION customer_search_find(text[], text[], text) TO offramp_app, offramp_serve;

-- +goose Down
SELECT 'forward only';
