package schema

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Difference is one right that the database gives otherwise than Meant says.
type Difference struct {
	Missing bool   // it is meant and not there; otherwise it is there and not meant
	Role    string // PUBLIC, too
	Right   string // in words: "update of refund.state"

	mend string // the statement
}

// String says it as one line.
func (d Difference) String() string {
	if d.Missing {
		return d.Role + " lacks " + d.Right
	}
	return d.Role + " has " + d.Right + ", which is not meant"
}

// actualSQL lists what the roles and PUBLIC may do with tables, views and sequences, and with the columns of tables.
const actualSQL = `
	WITH acl AS (
		SELECT c.relname, '' AS attname, a.grantee, a.privilege_type
		  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		UNION ALL
		SELECT c.relname, t.attname, a.grantee, a.privilege_type
		  FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped CROSS JOIN aclexplode(t.attacl) a
		 WHERE c.relnamespace = 'public'::regnamespace)
	SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE r.rolname::text END, acl.relname::text, lower(acl.privilege_type), acl.attname::text
	  FROM acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
	 WHERE acl.grantee = 0 OR r.rolname = ANY ($1)`

// Differences compares the rights that are there with Meant. Any role may ask. The list is in a fixed order.
func Differences(ctx context.Context, pool *pgxpool.Pool) ([]Difference, error) {
	want, err := meant()
	if err != nil {
		return nil, err
	}
	there, err := names(ctx, pool, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')`)
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, actualSQL, Roles)
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	have := map[right]bool{}
	var r right
	if _, err := pgx.ForEachRow(rows, []any{&r.role, &r.table, &r.verb, &r.column}, func() error { have[r] = true; return nil }); err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	var list []Difference
	for r := range want {
		if !have[r] && slices.Contains(there, r.table) {
			list = append(list, Difference{true, r.role, r.String(), r.statement("GRANT", "TO")})
		}
	}
	for r := range have {
		if !want[r] {
			list = append(list, Difference{false, r.role, r.String(), r.statement("REVOKE", "FROM")})
		}
	}
	wide, err := wideRights(ctx, pool)
	if err != nil {
		return nil, err
	}
	list = append(list, wide...)
	slices.SortFunc(list, func(a, b Difference) int { return cmp.Compare(a.String(), b.String()) })
	return list, nil
}

// wideRights are those on the database and the schema: nobody but their owners makes anything in them. A temporary table would
// come before all others wherever a name is looked up.
func wideRights(ctx context.Context, pool *pgxpool.Pool) ([]Difference, error) {
	const sql = `
		SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE r.rolname::text END, lower(a.privilege_type), 'the database', 'DATABASE ' || quote_ident(d.datname)
		  FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
		 WHERE d.datname = current_database() AND a.privilege_type IN ('TEMPORARY', 'CREATE') AND (a.grantee = 0 OR r.rolname = ANY ($1))
		UNION ALL
		SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE r.rolname::text END, 'create', 'the schema', 'SCHEMA public'
		  FROM pg_namespace n CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
		 WHERE n.nspname = 'public' AND a.privilege_type = 'CREATE' AND (a.grantee = 0 OR r.rolname = ANY ($1))
		ORDER BY 1, 2`
	rows, err := pool.Query(ctx, sql, Roles)
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Difference, err error) {
		var verb, of, object string
		err = row.Scan(&d.Role, &verb, &of, &object)
		d.Right = verb + " on " + of
		d.mend = "REVOKE " + verb + " ON " + object + " FROM " + grantee(d.Role)
		return d, err
	})
}

// statement is the one that gives or takes a right.
func (r right) statement(verb, joint string) string {
	of := strings.ToUpper(r.verb)
	if r.column != "" {
		of += " (" + pgx.Identifier{r.column}.Sanitize() + ")"
	}
	kind := ""
	if r.verb == "usage" {
		kind = "SEQUENCE "
	}
	return fmt.Sprintf("%s %s ON %s%s %s %s", verb, of, kind, pgx.Identifier{r.table}.Sanitize(), joint, grantee(r.role))
}

func grantee(role string) string {
	if role == "PUBLIC" {
		return role
	}
	return pgx.Identifier{role}.Sanitize()
}

// grant brings the rights to Meant. What is so already is not touched, so that a run on a database in use takes no lock for it.
func grant(ctx context.Context, pool *pgxpool.Pool) error {
	list, err := Differences(ctx, pool)
	if err != nil {
		return err
	}
	for _, d := range list {
		if _, err := pool.Exec(ctx, d.mend); err != nil {
			return fmt.Errorf("set rights: %s: %w", d.mend, err)
		}
	}
	if err := fixPaths(ctx, pool); err != nil {
		return err
	}
	if err := guardQueue(ctx, pool); err != nil {
		return err
	}
	return register(ctx, pool)
}

// guardQueue keeps payments out of the queue that no worker has put there. The queue's tables are made after ours.
func guardQueue(ctx context.Context, pool *pgxpool.Pool) error {
	const sql = `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'river_job'::regclass AND tgname = 'offramp_pay_job_guard') THEN
			CREATE TRIGGER offramp_pay_job_guard BEFORE INSERT OR UPDATE OF kind, args ON river_job FOR EACH ROW
				WHEN (NEW.kind = 'refund_pay') EXECUTE FUNCTION pay_job_guard();
		END IF;
	END $$`
	if _, err := pool.Exec(ctx, sql); err != nil {
		return fmt.Errorf("guard the queue: %w", err)
	}
	return nil
}

// fixPaths fixes the search path of the queue's functions, as the schema's own changes fix it for ours.
func fixPaths(ctx context.Context, pool *pgxpool.Pool) error {
	loose, err := names(ctx, pool, `SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosqlbody IS NULL
		AND p.prokind IN ('f', 'p') AND p.proname LIKE 'river\_%' AND NOT coalesce('search_path=pg_catalog, public, pg_temp' = ANY (p.proconfig), false)`)
	if err != nil {
		return err
	}
	for _, f := range loose {
		if _, err := pool.Exec(ctx, "ALTER ROUTINE "+f+" SET search_path = pg_catalog, public, pg_temp"); err != nil {
			return fmt.Errorf("fix search path of %s: %w", f, err)
		}
	}
	return nil
}

func names(ctx context.Context, pool *pgxpool.Pool, sql string) ([]string, error) {
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
