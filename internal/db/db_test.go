package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
)

// seed adds n customers with ids c0001, c0002 ... and a journey each.
func seed(t *testing.T, d *db.DB, n int) {
	t.Helper()
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		for _, sql := range []string{
			`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
			 SELECT to_char(i, 'FM"c"0000'), 'R-' || i, 'Name', 'standard', 'en', 'UTC', now(), now() FROM generate_series(1, $1::int) i`,
			`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, updated_at)
			 SELECT to_char(i, 'FM"c"0000'), 1, 'not_started', 'not_started', 'not_needed', 'not_needed', 'cannot_start', now() FROM generate_series(1, $1::int) i`,
		} {
			if _, err := tx.Pgx.Exec(t.Context(), sql, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// protected are the tables under row-level security, as the database itself lists them.
func protected(t *testing.T, d *db.DB) []string {
	t.Helper()
	rows, err := d.Pool.Query(t.Context(), `SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity ORDER BY relname`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func TestZ06_WithoutACustomerTheDatabaseReturnsNothing(t *testing.T) {
	d := localtest.DB(t)
	seed(t, d, 3)
	tables := protected(t, d)
	if !strings.Contains(strings.Join(tables, " "), "customer") || len(tables) < 10 {
		t.Fatalf("row-level security is forced on %v only", tables)
	}
	nothing := map[string]db.Scope{
		"no scope": db.NoScope(), "empty customer": db.CustomerScope(""), "unknown customer": db.CustomerScope("c9999"),
		"unknown token": db.TokenScope("abc"), "empty token": db.TokenScope(""), "zero": {},
	}
	for _, table := range tables {
		sql := "SELECT count(*) FROM " + pgx.Identifier{table}.Sanitize()
		var n int
		if err := d.Pool.QueryRow(t.Context(), sql).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s outside of any transaction: %d rows, %v", table, n, err)
		}
		for name, scope := range nothing {
			err := d.InTx(t.Context(), scope, func(tx *db.Tx) error {
				var viaGorm int
				if err := tx.Gorm.Raw(sql).Row().Scan(&viaGorm); err != nil {
					return err
				}
				if err := tx.Pgx.QueryRow(t.Context(), sql).Scan(&n); err != nil {
					return err
				}
				if n != 0 || viaGorm != 0 {
					t.Errorf("%s under %s: %d rows", table, name, n)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	if got := count(t, d, db.CustomerScope("c0002"), "customer"); got != 1 {
		t.Errorf("a customer sees %d customers", got)
	}
	if got := count(t, d, db.StaffScope("s1"), "customer"); got != 3 {
		t.Errorf("staff see %d customers", got)
	}
}

// A table that holds a customer's id without row-level security would be a hole that no scope closes, unless no role of the
// application may touch it, and functions of the schema's owner alone do.
func TestZ06_EveryTableWithACustomerIsProtected(t *testing.T) {
	d := localtest.DB(t)
	rows, err := d.Pool.Query(t.Context(), `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer_id'
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
		  AND EXISTS (SELECT FROM unnest(ARRAY['offramp_serve', 'offramp_work', 'offramp_app']) r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) verb
		               WHERE has_table_privilege(r, c.oid, verb) OR verb IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(r, c.oid, verb))`)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(open) > 0 {
		t.Errorf("not protected: %v (%v)", open, err)
	}
}

func TestZ06_ACustomerCannotWriteForAnother(t *testing.T) {
	d := localtest.DB(t)
	seed(t, d, 2)
	err := d.InTx(t.Context(), db.CustomerScope("c0001"), func(tx *db.Tx) error {
		tag, err := tx.Pgx.Exec(t.Context(), `UPDATE customer SET name = 'x' WHERE id = 'c0002'`)
		if err == nil && tag.RowsAffected() != 0 {
			t.Error("another customer's row was changed")
		}
		_, err = tx.Pgx.Exec(t.Context(), `INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at) VALUES ('c0002', 'service_end', '2027-01-01', 'x', now())`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("writing another customer's row: %v", err)
	}
}

func count(t *testing.T, d *db.DB, scope db.Scope, table string) (n int) {
	t.Helper()
	err := d.Read(t.Context(), scope,
		func(b *pgx.Batch) { b.Queue("SELECT count(*) FROM " + table) },
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestZ07_PooledConnectionsLeakNoCustomer(t *testing.T) {
	d := localtest.DB(t, db.Options{MaxConns: 2})
	const customers = 1000
	seed(t, d, customers)
	var all sync.WaitGroup
	work := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range work {
				visit(t, d, i)
			}
		})
	}
	for i := 1; i <= customers; i++ {
		work <- i
	}
	close(work)
	all.Wait()
	if n := d.Pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}

var errOnPurpose = errors.New("on purpose")

// visit ends one customer's transaction in one of five ways, and then looks whether anything of it is left behind.
func visit(t *testing.T, d *db.DB, i int) {
	ctx, id := context.Background(), fmt.Sprintf("c%04d", i)
	look := func(tx *db.Tx) error {
		var seen string
		if err := tx.Pgx.QueryRow(ctx, `SELECT string_agg(id, ',') FROM customer`).Scan(&seen); err != nil {
			return err
		}
		if seen != id {
			t.Errorf("%s sees %s", id, seen)
		}
		return nil
	}
	func() {
		defer func() {
			if r := recover(); r != nil && r != errOnPurpose { //nolint:errorlint // the very value
				t.Errorf("%s: %v", id, r)
			}
		}()
		err := d.InTx(ctx, db.CustomerScope(id), func(tx *db.Tx) error {
			if err := look(tx); err != nil {
				return err
			}
			switch i % 5 {
			case 1:
				return errOnPurpose
			case 2:
				panic(errOnPurpose)
			case 3:
				_, err := tx.Pgx.Exec(ctx, `SELECT 1 / 0`)
				return err
			case 4:
				_, err := tx.Pgx.Exec(ctx, `SELECT set_config('offramp.customer', $1, true)`, id)
				return err
			}
			return nil
		})
		if failed := err != nil; failed != (i%5 == 1 || i%5 == 3) {
			t.Errorf("%s ended with %v", id, err)
		}
	}()
	var left int
	if err := d.Pool.QueryRow(ctx, `SELECT count(*) FROM customer`).Scan(&left); err != nil || left != 0 {
		t.Errorf("after %s a bare connection sees %d customers: %v", id, left, err)
	}
	err := d.InTx(ctx, db.NoScope(), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM journey`).Scan(&left)
	})
	if err != nil || left != 0 {
		t.Errorf("after %s no scope sees %d journeys: %v", id, left, err)
	}
}

func TestTransactionRollsBackAsAWhole(t *testing.T) {
	d := localtest.DB(t)
	seed(t, d, 1)
	err := d.InTx(t.Context(), db.CustomerScope("c0001"), func(tx *db.Tx) error {
		if err := tx.Gorm.Exec(`UPDATE customer SET name = 'by gorm' WHERE id = 'c0001'`).Error; err != nil {
			return err
		}
		if _, err := tx.Pgx.Exec(t.Context(), `UPDATE journey SET version = 9 WHERE customer_id = 'c0001'`); err != nil {
			return err
		}
		return errOnPurpose
	})
	if !errors.Is(err, errOnPurpose) {
		t.Fatal(err)
	}
	err = d.Read(t.Context(), db.CustomerScope("c0001"),
		func(b *pgx.Batch) {
			b.Queue(`SELECT c.name, j.version FROM customer c JOIN journey j ON j.customer_id = c.id`)
		},
		func(r pgx.BatchResults) error {
			var name string
			var version int
			if err := r.QueryRow().Scan(&name, &version); err != nil || name != "Name" || version != 1 {
				t.Errorf("%s, version %d: %v", name, version, err)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}
