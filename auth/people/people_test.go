package people_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/auth/people"
	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration"
)

var (
	day = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

	wu, sun, li = manager("wu"), manager("sun"), manager("li")
	operator    = migration.Actor{ID: "root@host", Kind: audit.Operator}
	clerk       = people.Ref{Kind: people.Staff, ID: "clerk"}
	lin         = people.Ref{Kind: people.Customer, ID: "k-lin"}
)

func manager(id string) migration.Actor { return migration.Actor{ID: id, Kind: audit.Staff} }

// world is three programme managers, a clerk, and a customer's owner who signs in by two identities.
type world struct {
	*testing.T
	console, command *people.Service
	web, all         *db.DB
	tables           *pgxpool.Pool              // the superuser's
	at               map[string]context.Context // of each member of staff, signed in
}

func newWorld(t *testing.T) *world {
	t.Helper()
	database := localtest.Database(t)
	o := db.Options{Clock: clock.NewManual(day)}
	w := &world{T: t, web: database.Web(t, o), all: database.Open(t, o), tables: database.Super(t), at: map[string]context.Context{}}
	w.console, w.command = people.NewService(w.web, time.Hour), people.NewService(database.Work(t, o), time.Hour)
	w.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ('c', 'HZ-1', 'Farshore', 'standard', 'en', 'UTC', $1, $1)`, day)
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('k-lin', 'c', 'lin@canary.example', 'Lin', 'owner', $1, $1)`, day)
	for _, id := range []string{"wu", "sun", "li"} {
		w.staff(id, "programme_manager")
	}
	w.staff("clerk", "finance_clerk")
	for _, id := range []string{"i1", "i2"} {
		w.exec(`INSERT INTO identity (id, realm, issuer, subject, customer_id, contact_id, name, created_at, signed_in_at) VALUES ($1, 'customer', 'x', $1, 'c', 'k-lin', 'Lin', $2, $2)`, id, day)
		w.session(id, "c")
	}
	return w
}

func (w *world) staff(id, role string) {
	w.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'x', $1, 'Name of ' || $1, $1 || '@hezhou.example', $2, $3, $3)`,
		id, []string{role}, day)
	w.session(id, "")
	w.at[id] = localtest.SignedIn(w.Context(), w.T, w.tables, id)
	w.exec(`DELETE FROM session WHERE id = 's-' || $1`, id) // the other one is the one
}

// by is where somebody acts: in their session, or at the command line.
func (w *world) by(who migration.Actor) context.Context {
	if ctx, ok := w.at[who.ID]; ok {
		return ctx
	}
	return w.Context()
}

func (w *world) session(id, customer string) {
	w.exec(`INSERT INTO session (id, token_hash, identity_id, customer_id, created_at, seen_at, expires_at) VALUES ('s-' || $1, 'hash-' || $1, $1, nullif($2, ''), $3, $3, $4)`,
		id, customer, day, day.AddDate(0, 0, 1))
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.tables.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

func (w *world) tryAs(ctx context.Context, d *db.DB, sql string, args ...any) error {
	return d.InTx(ctx, db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(w.Context(), sql, args...)
		return err
	})
}

func (w *world) count(sql string, args ...any) (n int) {
	w.Helper()
	err := w.all.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error { return tx.Pgx.QueryRow(w.Context(), sql, args...).Scan(&n) })
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *world) change(s *people.Service, by migration.Actor, ref people.Ref, act string, want error) {
	w.Helper()
	if _, err := s.Change(w.by(by), by, ref, act, "The person has left."); !errors.Is(err, want) {
		w.Fatalf("%s by %s: %v, want %v", act, by.ID, err, want)
	}
}

func (w *world) open(ref people.Ref) people.File {
	w.Helper()
	f, err := w.console.Open(w.by(wu), wu, ref)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func TestZ05_ShuttingStaffOutTakesTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(w.console, wu, people.Ref{Kind: people.Staff, ID: "wu"}, people.Disable, people.ErrSelf)
	w.change(w.console, manager("clerk"), people.Ref{Kind: people.Staff, ID: "li"}, people.Disable, people.ErrMay)
	w.change(w.console, wu, clerk, people.Disable, nil)
	w.change(w.console, sun, clerk, people.Disable, people.ErrWaits)
	if f := w.open(clerk); f.Disabled || f.Sessions != 1 || f.Waiting() == nil {
		t.Fatalf("proposed alone: %+v", f)
	}
	list, err := w.console.Waiting(w.by(sun), sun)
	if err != nil || len(list) != 1 || list[0].Name != "Name of clerk" || list[0].ProposedBy != "wu" {
		t.Fatalf("%+v, %v", list, err)
	}
	id := list[0].ID
	for who, want := range map[string]error{"wu": people.ErrTwo, "clerk": people.ErrSelf} {
		if _, err := w.console.Confirm(w.by(manager(who)), manager(who), id); !errors.Is(err, want) {
			t.Errorf("%s confirms: %v", who, err)
		}
	}
	w.exec(`UPDATE identity SET roles = '{support}' WHERE id = 'wu'`) // who proposed it has lost the role meanwhile
	if _, err := w.console.Confirm(w.by(sun), sun, id); !errors.Is(err, people.ErrMay) {
		t.Errorf("with a proposer who may not any more: %v", err)
	}
	w.exec(`UPDATE identity SET roles = '{programme_manager}' WHERE id = 'wu'`)
	if _, err := w.console.Confirm(w.by(sun), sun, id); err != nil {
		t.Fatal(err)
	}
	if f := w.open(clerk); !f.Disabled || f.Sessions != 0 || f.Waiting() != nil || f.Changes[0].DecidedBy != "sun" {
		t.Fatalf("confirmed: %+v", f)
	}
	if _, err := w.console.Confirm(w.by(li), li, id); !errors.Is(err, people.ErrNoChange) {
		t.Errorf("confirmed twice: %v", err)
	}
	w.change(w.console, wu, clerk, people.Disable, people.ErrState)
	w.change(w.console, wu, clerk, people.Enable, nil) // to let in takes two as well
	if f := w.open(clerk); !f.Disabled || f.Waiting().Act != people.Enable {
		t.Fatalf("%+v", f)
	}
	if _, err := w.console.Withdraw(w.by(li), li, w.open(clerk).Waiting().ID); err != nil || w.open(clerk).Waiting() != nil {
		t.Errorf("withdrawn: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE object = 'identity clerk' AND act IN ('person.propose_disable', 'person.disable', 'person.propose_enable', 'person.withdraw')`); n != 4 {
		t.Errorf("%d acts recorded", n)
	}
}

func TestZ05_TheLastManagersAreNotShutOutFromTheConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change(w.console, wu, people.Ref{Kind: people.Staff, ID: "li"}, people.Disable, nil)
	if _, err := w.console.Confirm(w.by(sun), sun, w.open(people.Ref{Kind: people.Staff, ID: "li"}).Waiting().ID); err != nil {
		t.Fatal(err)
	}
	w.change(w.console, wu, people.Ref{Kind: people.Staff, ID: "sun"}, people.Disable, people.ErrNoSecond)
	w.change(w.command, operator, people.Ref{Kind: people.Staff, ID: "sun"}, people.Disable, nil)
	w.change(w.console, wu, clerk, people.Disable, people.ErrNoSecond)
}

func TestZ05_NobodyIsShutOutByRawSQL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const add = `INSERT INTO person_change (id, identity_id, act, state, origin, reason, proposed_by, operator, proposed_at, decided_by, decided_at) VALUES `
	for what, sql := range map[string]string{
		"done by one":         add + `('x', 'clerk', 'disable', 'done', 'console', 'r', 'wu', '', now(), NULL, now())`,
		"done by two at once": add + `('x', 'clerk', 'disable', 'done', 'console', 'r', 'wu', '', now(), 'sun', now())`,
		"as the command line": add + `('x', 'clerk', 'disable', 'done', 'command', 'r', NULL, 'root', now(), NULL, now())`,
		"about oneself":       add + `('x', 'wu', 'disable', 'proposed', 'console', 'r', 'wu', '', now(), NULL, NULL)`,
		"by a clerk":          add + `('x', 'li', 'disable', 'proposed', 'console', 'r', 'clerk', '', now(), NULL, NULL)`,
		"the state itself":    `UPDATE identity SET state = 'disabled' WHERE id = 'clerk'`,
		"a contact's state":   `UPDATE contact SET state = 'disabled' WHERE id = 'k-lin'`,
		"in another's name":   add + `('x', 'clerk', 'disable', 'proposed', 'console', 'r', 'sun', '', now(), NULL, NULL)`,
	} {
		if err := w.tryAs(w.by(wu), w.web, sql); err == nil {
			t.Errorf("%s: the web side may", what)
		}
	}
	w.change(w.console, wu, clerk, people.Disable, nil)
	const confirm = `UPDATE person_change SET state = 'done', decided_by = 'sun', decided_at = now()`
	for what, c := range map[string]struct{ who, sql string }{
		"by who proposed":     {"wu", `UPDATE person_change SET state = 'done', decided_by = 'wu', decided_at = now()`},
		"by nobody":           {"sun", `UPDATE person_change SET state = 'done', decided_at = now()`},
		"by the clerk":        {"clerk", `UPDATE person_change SET state = 'done', decided_by = 'clerk', decided_at = now()`},
		"withdrawn by nobody": {"sun", `UPDATE person_change SET state = 'withdrawn', decided_at = now()`},
		"about another":       {"sun", `UPDATE person_change SET identity_id = 'li'`},
		"in another's name":   {"wu", confirm},
		"in no session":       {"", confirm},
	} {
		if err := w.tryAs(w.by(manager(c.who)), w.web, c.sql); err == nil {
			t.Errorf("%s: the web side may", what)
		}
	}
	if err := w.tryAs(w.by(sun), w.web, confirm); err != nil {
		t.Errorf("by another manager: %v", err)
	}
}

func TestA08_WhatWasGivenToSomebodyEndsWithThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at) VALUES ('e', 'c', 'k-lin', '{}', 'en', 'queued', $1)`, day)
	w.exec(`INSERT INTO export_token (id, export_id, customer_id, contact_id, token_hash, created_at, expires_at) VALUES ('t', 'e', 'c', 'k-lin', repeat('a', 64), $1, $2)`, day, day.AddDate(0, 0, 1))
	w.exec(`INSERT INTO calendar_feed (contact_id, customer_id, token, token_hash, created_at) VALUES ('k-lin', 'c', 't', 'h', $1)`, day)
	w.exec(`INSERT INTO invitation (token_hash, customer_id, contact_id, created_by, created_at, expires_at) VALUES ('h', 'c', 'k-lin', 'k-other', $1, $2)`, day, day.AddDate(0, 0, 1))
	w.exec(`INSERT INTO address_confirmation (token_hash, customer_id, contact_id, email, created_at, expires_at) VALUES ('h', 'c', 'k-lin', 'x@y.example', $1, $2)`, day, day.AddDate(0, 0, 1))
	w.exec(`INSERT INTO export_delivery (id, export_id, customer_id, requested_by, state, endpoint, region, bucket, prefix, access_key, role, secret, requested_at)
		VALUES ('d', 'e', 'c', 'k-lin', 'waiting', '', 'r', 'b', '', 'k', '', 's', $1)`, day)
	if f := w.open(lin); f.Sessions != 2 || f.CustomerRef != "HZ-1" || f.SignedInAt == nil {
		t.Fatalf("%+v", f)
	}
	w.change(w.console, wu, lin, people.Disable, nil)
	const left = `SELECT (SELECT count(*) FROM session WHERE customer_id = 'c' AND ended_at IS NULL) + (SELECT count(*) FROM export_token WHERE revoked_at IS NULL)
		+ (SELECT count(*) FROM calendar_feed) + (SELECT count(*) FROM invitation WHERE expires_at > $1) + (SELECT count(*) FROM address_confirmation WHERE expires_at > $1)
		+ (SELECT count(*) FROM export_delivery WHERE finished_at IS NULL OR secret IS NOT NULL)`
	if n := w.count(left, day); n != 0 {
		t.Errorf("%d things outlive their person", n)
	}
	w.change(w.console, sun, lin, people.Enable, nil)
	if n := w.count(left, day); n != 0 || w.open(lin).Disabled {
		t.Errorf("%d things came back", n)
	}
}

func TestPeopleAreFoundAndTheirSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for text, want := range map[string]int{"": 4, "lin": 1, "LIN@canary": 1, "hz-1": 1, "hezhou.example": 4, "100%": 0, "clerk": 1} {
		list, more, err := w.console.Search(w.by(wu), wu, text, 0, 20)
		if err != nil || more || len(list) != want {
			t.Errorf("%q: %d of %d, %v", text, len(list), want, err)
		}
	}
	if list, more, _ := w.console.Search(w.by(wu), wu, "", 0, 3); len(list) != 3 || !more {
		t.Errorf("%d, more %t", len(list), more)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'person.search' AND detail->>'text' = 'L***@canary'`); n != 1 {
		t.Errorf("%d searches by address are recorded masked", n)
	}
	if n, err := w.console.EndSessions(w.by(wu), wu, lin); err != nil || n != 2 || w.open(lin).Sessions != 0 || w.open(clerk).Sessions != 1 {
		t.Errorf("%d ended, %v", n, err)
	}
	if _, err := w.command.EndSessions(t.Context(), operator, people.Ref{Kind: people.Staff, ID: "k-lin"}); !errors.Is(err, people.ErrUnknown) {
		t.Errorf("of nobody: %v", err)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'person.end_sessions' AND actor = 'wu' AND customer_id = 'c'`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
	if _, err := w.console.Change(t.Context(), wu, lin, people.Disable, " "); err == nil {
		t.Error("without a reason")
	}
}
