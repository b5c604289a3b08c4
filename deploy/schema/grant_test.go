package schema_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
)

func TestEveryTableStandsAmongTheRights(t *testing.T) {
	t.Parallel()
	owner := localtest.Database(t).Owner(t)
	there := collect(t, owner, `SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i' AND c.relkind = 'S')`)
	listed := map[string]bool{}
	for _, m := range schema.Meant {
		if listed[m.Table] {
			t.Errorf("%s stands twice in schema.Meant", m.Table)
		}
		listed[m.Table] = true
		if !slices.Contains(there, m.Table) {
			t.Errorf("schema.Meant names %s, which does not exist", m.Table)
		}
	}
	for _, table := range there {
		if !listed[table] {
			t.Errorf(`nobody may use %[1]s: add a line for it to Meant in deploy/schema/rights.go, such as
	{Table: %[1]q, Serve: "select", Work: "select, insert, update (state)"},
with the verbs that offramp serve and offramp work need (a sequence: "usage"); a GRANT in the SQL file is not needed and is overruled`, table)
		}
	}
}

// try runs a statement that changes nothing and reports whether the role may.
func try(t *testing.T, pool *pgxpool.Pool, sql string) bool {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			return err
		}
		return context.Canceled // nothing is committed
	})
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return errors.Is(err, context.Canceled)
	}
	return pg.Code != "42501" || strings.Contains(pg.Message, "row-level security") // refused for what it says, not for whose it is
}

// mayBy says what the table of rights says, worked out apart from the code that grants.
func mayBy(m schema.TableRights, role, verb, column string) bool {
	texts := map[string][]string{schema.ServeRole: {m.Serve}, schema.WorkRole: {m.Work}, schema.BothRole: {m.Serve, m.Work, m.Older}}[role]
	for _, text := range texts {
		text = strings.Join(strings.Fields(text), " ")
		at := strings.Index(", "+text, ", "+verb)
		if at < 0 {
			continue
		}
		rest := strings.TrimSpace(text[at+len(verb):])
		if !strings.HasPrefix(rest, "(") {
			return true
		}
		columns, _, _ := strings.Cut(rest[1:], ")")
		if verb == "insert" && column == "" { // a row of defaults needs the right to some column
			return true
		}
		if slices.Contains(strings.FieldsFunc(columns, func(r rune) bool { return strings.ContainsRune(", \n\t", r) }), column) {
			return true
		}
	}
	return false
}

// TestZ05_EachRoleMayWhatIsMeantAndNothingElse signs in as each role and tries every verb on every table and column.
func TestZ05_EachRoleMayWhatIsMeantAndNothingElse(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	owner := database.Owner(t)
	pools := map[string]*pgxpool.Pool{schema.ServeRole: database.Web(t).Pool, schema.WorkRole: database.Work(t).Pool, schema.BothRole: database.Open(t).Pool}
	views := collect(t, owner, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'`)
	for _, m := range schema.Meant {
		view := slices.Contains(views, m.Table) // over joins, which take no rows
		columns := collect(t, owner, fmt.Sprintf(`SELECT attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE attrelid = 'public.%s'::regclass AND attnum > 0 AND NOT attisdropped AND relkind <> 'S' ORDER BY attnum`, m.Table))
		for role, pool := range pools {
			check := func(verb, column, sql string) {
				if got, want := try(t, pool, sql), mayBy(m, role, verb, column); got != want {
					t.Errorf("%s: %s of %s.%s: the database says %t, the table of rights %t", role, verb, m.Table, column, got, want)
				}
			}
			if len(columns) == 0 { // a sequence
				check("usage", "", "SELECT nextval('public."+m.Table+"')")
				continue
			}
			for _, column := range columns {
				check("select", column, fmt.Sprintf(`SELECT %q FROM %s LIMIT 0`, column, m.Table))
				if !view {
					check("insert", column, fmt.Sprintf(`INSERT INTO %s (%q) VALUES (DEFAULT)`, m.Table, column))
					check("update", column, fmt.Sprintf(`UPDATE %s SET %q = DEFAULT WHERE false`, m.Table, column))
				}
			}
			if view {
				continue
			}
			check("insert", "", "INSERT INTO "+m.Table+" DEFAULT VALUES")
			check("delete", "", "DELETE FROM "+m.Table+" WHERE false")
			if try(t, pool, "TRUNCATE "+m.Table) {
				t.Errorf("%s empties %s", role, m.Table)
			}
		}
	}
}

func TestRightsThatStrayedAreNamedAndMended(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	owner := database.Owner(t)
	differences := func() (list []string) {
		t.Helper()
		found, err := schema.Differences(t.Context(), database.Web(t).Pool) // anybody may ask
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			list = append(list, d.String())
		}
		return list
	}
	if found := differences(); len(found) != 0 {
		t.Fatalf("a fresh database differs: %q", found)
	}
	for _, sql := range []string{
		`GRANT DELETE ON customer TO offramp_serve`, `GRANT SELECT ON session TO PUBLIC`, `GRANT UPDATE (gross) ON payment TO offramp_serve`,
		`REVOKE INSERT ON audit FROM offramp_work`, `REVOKE UPDATE (live) ON batch_item FROM offramp_app`, `GRANT CREATE ON SCHEMA public TO offramp_work`,
		`DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$`,
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"PUBLIC has select of session, which is not meant",
		"PUBLIC has temporary on the database, which is not meant",
		"offramp_app lacks update of batch_item.live",
		"offramp_serve has delete of customer, which is not meant",
		"offramp_serve has update of payment.gross, which is not meant",
		"offramp_work has create on the schema, which is not meant",
		"offramp_work lacks insert of audit",
	}
	if found := differences(); !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
	if _, err := schema.Up(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	if found := differences(); len(found) != 0 {
		t.Errorf("after the schema command: %q", found)
	}
}
