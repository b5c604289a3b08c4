package replacement_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/replacement"
)

var today = time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)

const (
	master = "a secret of thirty-two characters"
	hook   = "whsec_bmV4dCBzaWducyB3aXRoIHRoaXMgb25lIHNlY3JldA=="
)

// source is the programme's: one of our own with a sign-up, one with a pool of codes, one with a code for everybody.
const source = `programme: boats
product: {name: {en: Boats}, company: {en: Boat Works}, kind: business}
locales: [en]
zone: Asia/Shanghai
thanks: {en: Thank you.}
reason: {en: We stop.}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - {key: service_end, day: 2027-01-31}
  - {key: export_deadline, day: 2027-03-02}
tiers:
  - {key: core, name: {en: Core}, core: true, spoken_to: 2026-05-20}
  - {key: team, name: {en: Team}}
datasets:
  - {key: boats, name: {en: Boats}, source: product, query: "select id from boat where owner = :customer_id", row_key: id}
  - {key: logs, name: {en: Logs}, source: product, query: "select id from log where owner = :customer_id", row_key: id}
steps: {choose: true}
features:
  - {key: rules, name: {en: Rules}, source: product, query: "select owner as customer_ref, count(*) as count from rule group by owner"}
  - {key: horns, name: {en: Horns}, source: product, query: "select count(*) from horn where owner = :customer_id"}
  - {key: crew, name: {en: Crew}, attribute: seats}
choice: {seats: seats}
replacements:
  - key: next
    name: {en: Next}
    kind: own
    price: {model: seat_month, amount: 990, currency: EUR}
    datasets:
      - {dataset: boats, moves: all}
      - {dataset: logs, moves: none, text: {en: Logs stay.}}
    features:
      - {feature: rules, has: none}
      - {feature: horns, has: part, text: {en: Set up again.}}
      - {feature: crew, has: all}
    sign_up: {url: "https://next.example/start?from=boats", fields: [customer_ref, customer_name, contact_email, seats]}
    guide: {steps: [{key: export, title: {en: Export}}, {key: load, title: {en: Load}}]}
  - key: fleet
    name: {en: Fleet}
    price: {model: flat_year, amount: 120000, currency: EUR}
    features:
      - {feature: rules, has: all}
      - {feature: horns, has: all}
    offer: {text: {en: A quarter off.}, discount: 2500, until: 2026-12-20, tiers: [team], pool: true}
  - key: paper
    name: {en: Paper}
    kind: self
    price: {model: free}
    offer: {text: {en: A pen.}, code: PEN-1}
help: {email: help@boats.example}
`

func read(t *testing.T, src string) *migration.Programme {
	t.Helper()
	p, err := migration.ReadProgramme([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	p.Version = 1
	return p
}

// house is the service on a database with two customers, each with an owner.
type house struct {
	*testing.T
	db       *db.DB
	clock    *clock.Manual
	queue    *jobs.Client
	service  *replacement.Service
	journeys *migration.Service
	p        *migration.Programme
}

func open(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, clock: clock.NewManual(today), p: read(t, source)}
	h.db = localtest.DB(t, db.Options{Clock: h.clock, MaxConns: 10})
	var err error
	if h.queue, err = jobs.NewInserter(h.db); err != nil {
		t.Fatal(err)
	}
	h.journeys = migration.NewService(h.db)
	h.service = h.replica()
	for _, id := range []string{"a", "b"} {
		h.customer(id)
	}
	return h
}

// replica is the service as another process has it.
func (h *house) replica() *replacement.Service {
	h.Helper()
	s, err := replacement.NewService(h.db, replacement.Options{Queue: h.queue, Journeys: h.journeys, Secret: []byte(master), Secrets: map[string]string{"next": hook}})
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func (h *house) customer(id string) {
	h.Helper()
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, attributes, imported_at, updated_at) VALUES ($1, 'HZ-' || $1, 'Customer ' || $1, 'team', 'en', 'UTC', '{"seats": "20"}', $2, $2)`, id, today)
	h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('contact-' || $1, $1, $1 || '@example.com', 'Lin ' || $1, 'owner', $2, $2)`, id, today)
	h.tx(db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := h.journeys.Tell(h.Context(), tx, id, migration.Event{Kind: migration.JourneyStarted, Actor: "system", Rules: migration.StepRules{Choose: true}})
		return err
	})
}

func (h *house) tx(scope db.Scope, fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.InTx(h.Context(), scope, fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	h.tx(db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
}

// text reads one text that a system scope sees.
func (h *house) text(sql string, args ...any) (out string) {
	h.Helper()
	h.tx(db.SystemScope("test"), func(tx *db.Tx) error { return tx.Pgx.QueryRow(h.Context(), sql, args...).Scan(&out) })
	return out
}

func who(id string) migration.Who {
	return migration.Who{CustomerID: id, ContactID: "contact-" + id, Role: migration.Owner}
}

// accept agrees to what Check shows.
func (h *house) accept(id, key string) replacement.Accept {
	h.Helper()
	c, err := h.service.Check(h.Context(), who(id), h.p, key)
	if err != nil {
		h.Fatal(err)
	}
	a := replacement.Accept{Replacement: key, WithOffer: c.Offer == replacement.OfferOpen}
	for _, l := range c.Losses {
		a.Losses = append(a.Losses, l.Key)
	}
	return a
}

func (h *house) choose(id, key string) replacement.Choice {
	h.Helper()
	c, err := h.service.Choose(h.Context(), who(id), h.p, h.accept(id, key))
	if err != nil {
		h.Fatal(err)
	}
	return c
}

func (h *house) overview(id string) replacement.Overview {
	h.Helper()
	o, err := h.service.Overview(h.Context(), db.CustomerScope(id), id)
	if err != nil {
		h.Fatal(err)
	}
	return o
}

// step is how the journey shows step 3.
func (h *house) step(id string) string {
	h.Helper()
	j, err := h.journeys.Journey(h.Context(), db.CustomerScope(id), id)
	if err != nil {
		h.Fatal(err)
	}
	state := ""
	if j.Detail.Choice != nil {
		state = " " + j.Detail.Choice.State + " " + j.Detail.Choice.Replacement
	}
	return string(j.Status[migration.StepChoose]) + state
}

// mails lists what waits to be sent, in order.
func (h *house) mails() string {
	h.Helper()
	return h.text(`SELECT coalesce(string_agg((args->>'template') || ' ' || (args->>'customer_id'), ', ' ORDER BY id), '') FROM river_job WHERE kind = 'mail'`)
}

// acts lists what the audit log says, in order.
func (h *house) acts() string {
	h.Helper()
	return h.text(`SELECT coalesce(string_agg(actor || ' ' || act, ', ' ORDER BY seq), '') FROM audit`)
}

func (h *house) codes(key string, codes ...string) replacement.CodeReport {
	h.Helper()
	var lines []replacement.CodeLine
	for i, c := range codes {
		lines = append(lines, replacement.CodeLine{Line: i + 1, Code: c})
	}
	report, err := h.service.ImportCodes(h.Context(), migration.Actor{ID: "op", Kind: "operator"}, h.p, key, lines)
	if err != nil {
		h.Fatal(err)
	}
	return report
}

// product answers questions about use.
type product struct {
	all  map[string]int64            // rules
	one  map[string]int64            // horns
	fail map[string]error            // by a word of the question
	wait func(context.Context) error // before any answer
}

func (p *product) broken(q migration.Query) error {
	for word, err := range p.fail {
		if strings.Contains(q.SQL, word) {
			return err
		}
	}
	return nil
}

func (p *product) CountAll(ctx context.Context, q migration.Query, yield func(string, int64) error) error {
	if p.wait != nil {
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
	for ref, n := range p.all {
		if err := yield(ref, n); err != nil {
			return err
		}
	}
	return p.broken(q)
}

func (p *product) CountOne(_ context.Context, q migration.Query, ref string) (int64, error) {
	if strings.Contains(q.SQL, "rule") {
		return p.all[ref], p.broken(q)
	}
	return p.one[ref], p.broken(q)
}

func (h *house) counter(r replacement.Reader, more ...func(*replacement.CounterConfig)) *replacement.Counter {
	c := replacement.CounterConfig{DB: h.db, Reader: r, Logger: slog.New(slog.DiscardHandler)}
	for _, m := range more {
		m(&c)
	}
	return replacement.NewCounter(c)
}

func (h *house) count(c *replacement.Counter, keys ...string) {
	h.Helper()
	for _, key := range keys {
		if err := c.CountAll(h.Context(), h.p, key); err != nil {
			h.Fatal(err)
		}
	}
}

var errWord = errors.New("column CANARY does not exist")
