package audit_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
)

const stafferSQL = `INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'i', $1, $1, $2, now(), now())`

// TestL01_TimeAndActorAreNotSetFreely signs in as each role of the application and writes what no code of ours does.
func TestL01_TimeAndActorAreNotSetFreely(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	tables := database.Super(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := tables.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(stafferSQL, "clara", []string{"finance_clerk"})
	exec(stafferSQL, "alan", []string{"finance_approver"})
	exec(stafferSQL, "bella", []string{"finance_approver"})
	exec(stafferSQL, "gone", []string{})
	for _, id := range []string{"c0", "c1"} {
		exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, $1, 'x', 'standard', 'en', 'UTC', now(), now())`, id)
		exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('of-' || $1, $1, 'x@y.example', 'x', 'owner', now(), now())`, id)
	}
	web, work := database.Web(t), database.Work(t)
	nobody := t.Context()
	clara, gone := localtest.SignedIn(nobody, t, tables, "clara"), localtest.SignedIn(nobody, t, tables, "gone")
	over := localtest.SignedIn(nobody, t, tables, "alan")
	exec(`UPDATE session SET ended_at = now() WHERE identity_id = 'alan'`)
	late := localtest.SignedIn(nobody, t, tables, "bella")
	exec(`UPDATE session SET created_at = now() - interval '2 hours', began = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE identity_id = 'bella'`)
	const byHand = "a proof that somebody put there by hand"
	forged := `INSERT INTO session (id, token_hash, identity_id, created_at, seen_at, expires_at, recorded, proof)
		VALUES ('forged', 'f', 'alan', now(), now(), 'infinity', 1, encode(sha256(convert_to($1, 'UTF8')), 'hex'))`
	if err := web.InTx(nobody, db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(nobody, forged, byHand)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	system := db.SystemScope("test")
	for name, c := range map[string]struct {
		d     *db.DB
		ctx   context.Context //nolint:containedctx // it carries the proof
		scope db.Scope
		e     audit.Entry
		may   bool
	}{
		"staff in their session":              {web, clara, system, audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "x"}, true},
		"the refunds, by themselves":          {web, clara, system, audit.Entry{Actor: "system", ActorKind: audit.System, Act: "refund.paid"}, true},
		"staff in no session":                 {web, nobody, system, audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "x"}, false},
		"another's name":                      {web, clara, system, audit.Entry{Actor: "alan", ActorKind: audit.Staff, Act: "x"}, false},
		"nobody's name":                       {web, clara, system, audit.Entry{Actor: "root", ActorKind: audit.Staff, Act: "x"}, false},
		"a session that is over":              {web, over, system, audit.Entry{Actor: "alan", ActorKind: audit.Staff, Act: "x"}, false},
		"a session whose time is over":        {web, late, system, audit.Entry{Actor: "bella", ActorKind: audit.Staff, Act: "x"}, false},
		"a session without a sign-in":         {web, db.WithProof(nobody, byHand), system, audit.Entry{Actor: "alan", ActorKind: audit.Staff, Act: "x"}, false},
		"staff without a role":                {web, gone, system, audit.Entry{Actor: "gone", ActorKind: audit.Staff, Act: "x"}, false},
		"staff without a role sign out":       {web, gone, system, audit.Entry{Actor: "gone", ActorKind: audit.Staff, Act: "session.sign_out"}, true},
		"a sign-in that was none":             {web, clara, system, audit.Entry{Actor: "alan", ActorKind: audit.Staff, Act: "session.begin", Object: "session x"}, false},
		"a customer's own":                    {web, nobody, db.CustomerScope("c0"), audit.Entry{Actor: "of-c0", ActorKind: audit.Customer, CustomerID: "c0", Act: "x"}, true},
		"another customer's":                  {web, nobody, db.CustomerScope("c0"), audit.Entry{Actor: "of-c1", ActorKind: audit.Customer, CustomerID: "c1", Act: "x"}, false},
		"a customer's by another's contact":   {web, nobody, db.CustomerScope("c0"), audit.Entry{Actor: "of-c1", ActorKind: audit.Customer, CustomerID: "c0", Act: "x"}, false},
		"a customer's by whom it sees all":    {web, nobody, system, audit.Entry{Actor: "of-c0", ActorKind: audit.Customer, CustomerID: "c0", Act: "x"}, false},
		"the operator's by the web side":      {web, clara, system, audit.Entry{Actor: "root", ActorKind: audit.Operator, Act: "x"}, false},
		"a worker's by the web side":          {web, clara, system, audit.Entry{Actor: "worker", ActorKind: audit.System, Act: "x"}, false},
		"what the web side does by itself":    {web, nobody, system, audit.Entry{Actor: "portal", ActorKind: audit.System, Act: "x"}, true},
		"a worker's":                          {work, nobody, system, audit.Entry{Actor: "worker", ActorKind: audit.System, Act: "x"}, true},
		"the operator's by a command":         {work, nobody, system, audit.Entry{Actor: "root", ActorKind: audit.Operator, Act: "x"}, true},
		"staff's by a worker":                 {work, clara, system, audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "x"}, false},
		"a customer's by a worker":            {work, nobody, db.CustomerScope("c0"), audit.Entry{Actor: "of-c0", ActorKind: audit.Customer, CustomerID: "c0", Act: "x"}, false},
		"staff's sign-in refused by a worker": {work, nobody, system, audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "session.refuse"}, false},
	} {
		err := c.d.InTx(c.ctx, c.scope, func(tx *db.Tx) error { return audit.Record(c.ctx, tx, c.e) })
		if (err == nil) != c.may {
			t.Errorf("%s: %v, may %t", name, err, c.may)
		}
	}
	var role string
	for id, want := range map[string]string{"clara": "finance_clerk", "bella": ""} {
		ctx := map[string]context.Context{"clara": clara, "bella": late}[id]
		err := web.InTx(ctx, system, func(tx *db.Tx) error {
			return tx.Pgx.QueryRow(ctx, `SELECT staff_role($1, '{finance_clerk,finance_approver}')`, id).Scan(&role)
		})
		if err != nil || role != want {
			t.Errorf("%s decides as %q, %v", id, role, err)
		}
	}
	// After an upgrade the replicas of the older release, which prove nothing, go on until the day is over.
	old := audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "x"}
	for day, may := range map[string]bool{"1 day": true, "-1 second": false} {
		exec(`UPDATE installation SET actors_from = clock_timestamp() + $1::interval`, day)
		if err := web.InTx(nobody, system, func(tx *db.Tx) error { return audit.Record(nobody, tx, old) }); (err == nil) != may {
			t.Errorf("proof is asked for in %s: %v", day, err)
		}
	}
}

// Whatever time the application says, the database says its own beside it, and who wrote it in which session.
func TestL01_TheDatabaseWritesItsOwnTimeBeside(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	tables := database.Super(t)
	if _, err := tables.Exec(t.Context(), stafferSQL, "clara", []string{"finance_clerk"}); err != nil {
		t.Fatal(err)
	}
	web := database.Web(t, db.Options{Clock: clock.NewManual(noon.AddDate(-3, 0, 0))})
	clara := localtest.SignedIn(t.Context(), t, tables, "clara")
	before := time.Now().Add(-time.Second)
	forged := map[string]any{"recorded": map[string]any{"at": "1999-01-01T00:00:00Z", "by": "root", "session": "x"}, "n": 1}
	for range 2 {
		if err := web.InTx(clara, db.StaffScope("clara"), func(tx *db.Tx) error {
			return audit.Record(clara, tx, audit.Entry{Actor: "clara", ActorKind: audit.Staff, Act: "x", Object: "x", Detail: forged})
		}); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := audit.List(t.Context(), web, db.StaffScope("clara"), audit.Filter{}, audit.Page{})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d, %v", len(rows), err)
	}
	for _, r := range rows {
		if r.Recorded.At.Before(before) || r.Recorded.At.After(time.Now().Add(time.Second)) || r.Recorded.By != "offramp_web" || len(r.Recorded.Session) < 20 {
			t.Errorf("recorded %+v", r.Recorded)
		}
		if len(r.Detail) != 1 || r.At.Year() != 2023 {
			t.Errorf("%v at %s", r.Detail, r.At)
		}
	}
	report := verify(t, web)
	if report.Break != nil || report.Strayed != 2 || report.FirstStrayed != 1 {
		t.Errorf("%+v", report)
	}
	for _, sql := range []string{
		`UPDATE audit SET detail = jsonb_set(detail, '{recorded,at}', '"2023-11-21T12:00:00Z"') WHERE seq = 2`,
		`UPDATE audit SET detail = detail - 'recorded' WHERE seq = 2`,
	} {
		if _, err := tables.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, web); r.Break == nil || *r.Break != (audit.Break{Seq: 2, Kind: audit.Edited}) {
			t.Errorf("%s: %+v", sql, r.Break)
		}
	}
	if slices.Contains([]string{"", "x"}, rows[0].Recorded.Session) {
		t.Error("the session is what the application says")
	}
}
