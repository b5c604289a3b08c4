package schema_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
	"offramp/internal/db"
)

// open are the tables without row-level security, each with the reason. Everything else has it, forced.
var open = map[string]string{
	"queue_worker":       "names of our own processes",
	"governance_plan":    "the company's plan; governance_allows reads it whoever asks",
	"governance_phase":   "the company's plan; governance_allows reads it whoever asks",
	"governance_gate":    "the company's plan; governance_allows reads it whoever asks",
	"notice_approval":    "what is said to everybody, and who approved it",
	"notice_correction":  "days of the programme and how many customers were told others",
	"service_end":        "that the product's service has ended, and who declared it",
	"notice_control":     "how the sending of a notice is controlled",
	"programme_version":  "the same text for every customer",
	"customer_search":    "nobody may read it but through a function that is for staff alone; the index could not be used otherwise",
	"installation":       "one word about the whole installation",
	"sign_in":            "belongs to a browser that nobody has identified yet; found by the hash of a random value",
	"logout_token":       "ids of an issuer's tokens",
	"sink":               "names of our own systems",
	"sink_worker":        "names of our own systems and processes",
	"programme_sinks":    "names of our own systems",
	"erasure_rule":       "names of our own tables",
	"erasure_key":        "nobody may read it but the schema's owner",
	"audit_head":         "a number and a hash",
	"source_pace":        "keys of the programme file and instants",
	"feature_count":      "how the programme's questions about features fare; no customer's answer",
	"feature_counting":   "a row is written and deleted by one transaction, so that nobody else ever sees one",
	"replacement_report": "ids of messages that replacements sent",
	"rate_limit":         "ids and addresses of who asks, and instants",
	"goose_db_version":   "which changes were applied",

	"notice_report_seen":  "hashes of mails that came in",
	"notice_report_count": "numbers of mails that came in",
	"notice_mailbox":      "how far our own mailbox was read",
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

func TestTheApplicationsRolesAreBound(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	for of, d := range map[string]*db.DB{schema.ServeRole: database.Web(t), schema.WorkRole: database.Work(t), schema.BothRole: database.Open(t)} {
		var super, bypass, create, temporary, role, owns, member bool
		const sql = `SELECT rolsuper, rolbypassrls, has_schema_privilege('public', 'CREATE'), has_database_privilege(current_database(), 'TEMPORARY'),
			rolcreaterole, EXISTS (SELECT FROM pg_class WHERE relowner = r.oid), pg_has_role($1, 'MEMBER') FROM pg_roles r WHERE rolname = current_user`
		if err := d.Pool.QueryRow(t.Context(), sql, of).Scan(&super, &bypass, &create, &temporary, &role, &owns, &member); err != nil {
			t.Fatal(err)
		}
		if super || bypass || create || temporary || role || owns || !member {
			t.Errorf("%s: superuser %t, bypasses %t, creates tables %t, temporary ones %t, creates roles %t, owns %t, member %t",
				of, super, bypass, create, temporary, role, owns, member)
		}
	}
}

// What looks its tables up by name while it runs must not find what the caller has put in front of them.
func TestZ05_EveryFunctionFixesItsSearchPath(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	const ours = `FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`
	if all := collect(t, owner, `SELECT proname::text `+ours); len(all) < 20 {
		t.Fatalf("only %d functions", len(all))
	}
	for _, loose := range collect(t, owner, `SELECT p.oid::regprocedure::text `+ours+` AND (prosqlbody IS NULL OR prosecdef)
		AND NOT coalesce('search_path=pg_catalog, public, pg_temp' = ANY (proconfig), false)`) {
		t.Errorf("function %s: add SET search_path = pg_catalog, public, pg_temp to it (an SQL function may be written as RETURN ... or BEGIN ATOMIC instead)", loose)
	}
}

// A bound that was added for new rows alone is held to by all of them in the end.
func TestEveryReferenceIsHeldByOldRowsToo(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	for _, loose := range collect(t, owner, `SELECT conrelid::regclass || '.' || conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND NOT convalidated`) {
		t.Errorf("%s is not validated", loose)
	}
}
