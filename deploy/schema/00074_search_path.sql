-- +goose Up

-- A function that looks its tables up by name finds whatever the caller's search path finds first, and a temporary table comes
-- before all others there. Each function of ours looks in the system's schema, then in ours, and in the temporary one last.
-- Functions whose bodies are bound when they are made (RETURN ..., BEGIN ATOMIC) look nothing up and stay as they are: they are
-- inlined, which a setting would prevent.
-- +goose StatementBegin
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN
    SELECT p.oid FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'p')
       AND pg_has_role(p.proowner, 'USAGE') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP
    EXECUTE format('ALTER ROUTINE %s SET search_path = pg_catalog, public, pg_temp', f);
  END LOOP;
END $$;
-- +goose StatementEnd

-- A count of a feature is gathered here before it is merged: a temporary table would need a right by which the guards above
-- could be deceived. No row-level security, which knows no COPY: a row is written and deleted by one transaction of a worker, so
-- that nobody else ever sees one. Not logged: what a crash leaves half gathered is counted anew.
CREATE UNLOGGED TABLE feature_counting (
  ref  text NOT NULL,                  -- of the customer, in the retired product
  uses bigint NOT NULL
);
GRANT SELECT, INSERT, DELETE ON feature_counting TO offramp_app;

-- The web side and the workers sign in apart, each as a member of the role of its own. Both come with no rights: what each of
-- them may do stands in rights.go, by which every run of the schema command sets it. offramp_app, which may what both may,
-- stays for installations that have not parted them yet.
-- +goose StatementBegin
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['offramp_serve', 'offramp_work'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', name);
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL; -- another schema run in the same cluster was faster
    END;
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'forward only';
