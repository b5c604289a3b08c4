package outbox_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/outbox"
)

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

func event(customer string, version int) outbox.Event {
	return outbox.Event{
		Type: "offramp.customer.status.changed.v1", CustomerID: customer, Version: version, Subject: "REF-" + customer,
		Data: map[string]any{"version": version, "name": "数据 \" \\ \u0001"},
	}
}

func appendOne(ctx context.Context, tx *db.Tx, e outbox.Event) error {
	return outbox.Append(ctx, tx, e)
}

func appendMany(ctx context.Context, tx *db.Tx, e outbox.Event) error {
	return outbox.AppendAll(ctx, tx, []outbox.Event{e})
}

// waiting returns the ids of the events that a system scope sees.
func waiting(t *testing.T, d *db.DB) (ids []string) {
	t.Helper()
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), `SELECT coalesce(array_agg(id ORDER BY version), '{}') FROM outbox_event WHERE NOT spread AND at = $1`, noon).Scan(&ids)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestO01_AnEventExistsIfAndOnlyIfItsCauseDoes(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(context.Context, *db.Tx, outbox.Event) error{"one": appendOne, "many": appendMany} {
		d := localtest.DB(t, db.Options{Clock: clock.NewManual(noon)})
		boom := errors.New("boom")
		rolledBack := d.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error {
			return errors.Join(add(t.Context(), tx, event("a", 1)), boom)
		})
		if !errors.Is(rolledBack, boom) {
			t.Fatal(rolledBack)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error {
				_ = add(t.Context(), tx, event("a", 1))
				panic("boom")
			})
		}()
		if ids := waiting(t, d); len(ids) != 0 {
			t.Errorf("%s: %v is left of what was rolled back", name, ids)
		}
		if err := d.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error { return add(t.Context(), tx, event("a", 1)) }); err != nil {
			t.Fatal(err)
		}
		if ids := waiting(t, d); len(ids) != 1 || !strings.HasPrefix(ids[0], "msg_") {
			t.Errorf("%s: %v", name, ids)
		}
	}
}

func TestO01_AVersionIsToldOnce(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t, db.Options{Clock: clock.NewManual(noon)})
	tell := func() error {
		return d.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error { return appendOne(t.Context(), tx, event("a", 1)) })
	}
	if err := tell(); err != nil {
		t.Fatal(err)
	}
	if err := tell(); err == nil {
		t.Error("a version was told twice")
	}
}

func TestZ06_AnEventOfAnotherCustomerCannotBeWritten(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	for _, scope := range []db.Scope{db.NoScope(), db.CustomerScope("b")} {
		err := d.InTx(t.Context(), scope, func(tx *db.Tx) error { return appendOne(t.Context(), tx, event("a", 1)) })
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("under scope %s: %v", scope, err)
		}
	}
}
