package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
)

// open are the tables without row-level security, each with the reason. Everything else has it, forced.
var open = map[string]string{
	"programme_version":  "the same text for every customer",
	"sign_in":            "belongs to a browser that nobody has identified yet; found by the hash of a random value",
	"logout_token":       "ids of an issuer's tokens",
	"sink":               "names of our own systems",
	"audit_head":         "a number and a hash",
	"source_pace":        "keys of the programme file and instants",
	"feature_count":      "how the programme's questions about features fare; no customer's answer",
	"replacement_report": "ids of messages that replacements sent",
	"goose_db_version":   "which changes were applied",
}

func collect(t *testing.T, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestZ06_EveryTableHasForcedRowLevelSecurityOrAReason(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	tables := collect(t, owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE 'river\_%'`)
	guarded := collect(t, owner, `SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND relforcerowsecurity
		AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND (pg_get_expr(p.polqual, p.polrelid) LIKE '%offramp\_sees%'))`)
	if len(tables) < 15 {
		t.Fatalf("only %d tables", len(tables))
	}
	for _, table := range tables {
		_, reason := open[table]
		if has := slices.Contains(guarded, table); has == reason {
			t.Errorf("%s: row-level security %t, listed as open %t", table, has, reason)
		}
	}
	for table := range open {
		if !slices.Contains(tables, table) {
			t.Errorf("%s is listed as open and does not exist", table)
		}
	}
	for _, view := range collect(t, owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
		AND NOT coalesce(reloptions::text LIKE '%security_invoker=true%', false)`) {
		t.Errorf("view %s reads with its owner's rights", view)
	}
	if views := collect(t, owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'`); len(views) > 0 {
		t.Errorf("materialised views know no row-level security: %v", views)
	}
}

func TestNoPolicyAdmitsEveryone(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	free := collect(t, owner, `SELECT polrelid::regclass || '.' || polname FROM pg_policy
		WHERE pg_get_expr(polqual, polrelid) = 'true' OR pg_get_expr(polwithcheck, polrelid) = 'true'`)
	if !slices.Equal(free, []string{"audit.audit_append"}) { // a record of an act is never refused for want of a scope
		t.Errorf("%v", free)
	}
}

func TestTheApplicationRoleIsBound(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	owner := database.Owner(t)
	app := database.Open(t).Pool
	var super, bypass, create, role, owns, member bool
	const sql = `SELECT rolsuper, rolbypassrls, has_schema_privilege('public', 'CREATE'), rolcreaterole,
		EXISTS (SELECT FROM pg_class WHERE relowner = r.oid), pg_has_role('offramp_app', 'MEMBER') FROM pg_roles r WHERE rolname = current_user`
	if err := app.QueryRow(t.Context(), sql).Scan(&super, &bypass, &create, &role, &owns, &member); err != nil {
		t.Fatal(err)
	}
	if super || bypass || create || role || owns || !member {
		t.Errorf("superuser %t, bypasses %t, creates tables %t, creates roles %t, owns %t, member %t", super, bypass, create, role, owns, member)
	}
	for what, sql := range map[string]string{
		"truncates":         `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND has_table_privilege('offramp_app', oid, 'TRUNCATE')`,
		"changes evidence":  `SELECT t FROM unnest(ARRAY['audit', 'audit_head', 'journey_event', 'export_download', 'goose_db_version']) t WHERE has_any_column_privilege('offramp_app', t, 'UPDATE') OR has_table_privilege('offramp_app', t, 'DELETE')`,
		"deletes customers": `SELECT t FROM unnest(ARRAY['customer', 'contact', 'export', 'outbox_event', 'outbox_delivery']) t WHERE has_table_privilege('offramp_app', t, 'DELETE')`,
	} {
		if found := collect(t, owner, sql); len(found) > 0 {
			t.Errorf("the application %s: %v", what, found)
		}
	}
	loose := collect(t, owner, `SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path=%', false)`)
	if len(loose) > 0 {
		t.Errorf("functions with the owner's rights and the caller's search path: %s", strings.Join(loose, ", "))
	}
}
