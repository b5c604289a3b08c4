package db_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
)

// names tells the customers' names, in order.
func names(t *testing.T, d *db.DB) (all []string) {
	t.Helper()
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), `SELECT array_agg(name ORDER BY id) FROM customer`).Scan(&all)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAtEndGoesOutWithTheCommit(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	seed(t, d, 2)
	const rename = `UPDATE customer SET name = name || $1 WHERE id = 'c0001'`
	asItIs := func(err error) error { return err }
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		tx.AtEnd(asItIs, rename, " second")
		tx.AtEnd(asItIs, rename, " third")
		_, err := tx.Pgx.Exec(t.Context(), rename, " first")
		return err
	})
	if got := names(t, d)[0]; err != nil || got != "Name first second third" {
		t.Fatal(got, err)
	}
	err = d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		tx.AtEnd(asItIs, rename, " lost")
		return errOnPurpose
	})
	if got := names(t, d)[0]; !errors.Is(err, errOnPurpose) || got != "Name first second third" {
		t.Fatal(got, err)
	}
}

func TestAtEndFailsTheWholeTransaction(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	seed(t, d, 2)
	for range 3 { // the connection is as good as before
		err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
			asItIs := func(err error) error { return err }
			tx.AtEnd(asItIs, `UPDATE customer SET name = 'end' WHERE id = 'c0001'`)
			tx.AtEnd(func(err error) error { return errors.Join(errOnPurpose, err) }, `SELECT 1 / $1::int`, 0)
			tx.AtEnd(asItIs, `UPDATE customer SET name = 'later' WHERE id = 'c0001'`)
			_, err := tx.Pgx.Exec(t.Context(), `UPDATE customer SET name = 'middle' WHERE id = 'c0002'`)
			return err
		})
		if !errors.Is(err, errOnPurpose) {
			t.Fatal(err)
		}
	}
	if got := names(t, d); got[0] != "Name" || got[1] != "Name" {
		t.Errorf("of a transaction whose end failed there is %q", got)
	}
	if n := d.Pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}

// A statement whose error was swallowed leaves a transaction that cannot be committed; that must not pass for success.
func TestASwallowedErrorIsNoCommit(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	err := d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		_, _ = tx.Pgx.Exec(t.Context(), `SELECT 1 / 0`)
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Error(err)
	}
}
