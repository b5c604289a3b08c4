package governance_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance"
)

const boats = `programme: boats
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
tiers: [{key: standard, name: {en: Standard}, rule: "true"}]
datasets:
  - {key: boats, name: {en: Boats}, source: product, query: "select :customer_id::text as id", row_key: id}
help: {email: help@boats.example}
`

const short = `template: own
name: {en: Own}
phases:
  - key: first
    name: {en: First}
    from: {milestone: announcement, days: -20}
    to: {milestone: announcement, days: 0}
    gate:
      name: {en: Announce}
      blocks: [notices]
      facts: [{key: words, name: {en: Words}, rule: notices_unapproved == 0}]
  - key: second
    name: {en: Second}
    from: {milestone: announcement, days: 0}
    to: {milestone: service_end, days: 0}
    gate:
      name: {en: End}
      blocks: [service_end]
items:
  - {key: a, phase: first, name: {en: A}, department: lead, due: {milestone: announcement, days: -10}}
  - {key: b, phase: first, name: {en: B}, department: legal, due: {milestone: announcement, days: -5}, after: [a], evidence: link}
  - {key: c, phase: first, name: {en: C}, department: legal, due: {milestone: announcement, days: -5}, must: false}
  - {key: d, phase: second, name: {en: D}, department: finance, due: {milestone: service_end, days: -5}, fact: unreached == 0}
`

// counted is what the notices' part sees.
type counted struct {
	sync.Mutex
	unapproved, unreached int64
}

func (c *counted) Standing(context.Context, *db.Tx, *migration.Programme) (unapproved, talks, unreached, calls int64, announced bool, err error) {
	c.Lock()
	defer c.Unlock()
	return c.unapproved, 0, c.unreached, 0, false, nil
}

func (c *counted) set(unapproved, unreached int64) {
	c.Lock()
	defer c.Unlock()
	c.unapproved, c.unreached = unapproved, unreached
}

type house struct {
	*testing.T
	*governance.Service
	db       *db.DB
	database localtest.TestDatabase
	clock    *clock.Manual
	seen     *counted
}

var (
	mia = governance.By{ID: "mia", Manager: true}
	max = governance.By{ID: "max", Manager: true}
	leo = governance.By{ID: "leo"} // of legal: no manager
)

func openHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, clock: clock.NewManual(time.Date(2026, 5, 10, 2, 0, 0, 0, time.UTC)), seen: &counted{unapproved: 1, unreached: 4}}
	h.database = localtest.Database(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock})
	programmes := migration.NewProgrammes(h.db)
	p, err := programmes.Propose(t.Context(), migration.Actor{ID: "anna", Kind: audit.Operator}, []byte(boats))
	if err != nil {
		t.Fatal(migration.FindingsOf(err), err)
	}
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "ben", Kind: audit.Operator}, p.Version.Number); err != nil {
		t.Fatal(err)
	}
	for id, roles := range map[string]string{"mia": "{programme_manager}", "max": "{programme_manager}", "leo": "{support}", "gone": "{}"} {
		h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'i', $1, $1, $2, now(), now())`, id, roles)
	}
	h.Service = governance.NewService(h.db, programmes, h.seen, slog.New(slog.DiscardHandler))
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.database.Super(h.T).Exec(h.Context(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) start(src string) {
	h.Helper()
	if err := h.Start(h.Context(), mia, []byte(src)); err != nil {
		h.Fatal(err)
	}
}

func (h *house) plan() governance.Plan {
	h.Helper()
	p, err := h.Show(h.Context(), mia.ID, "")
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *house) item(key string) governance.Item {
	h.Helper()
	i, ok := h.plan().Item(key)
	if !ok {
		h.Fatalf("no item %s", key)
	}
	return i
}

func (h *house) done(by governance.By, key, link string) error {
	h.Helper()
	return h.FinishItem(h.Context(), by, "", key, h.item(key).Version, "done", link)
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) refuses(want, err error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Errorf("got %v, want %v", err, want)
	}
}

func (h *house) allows(act string) (ok bool) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.NoScope(), func(tx *db.Tx) (err error) {
		ok, err = h.Allows(h.Context(), tx, act)
		return err
	})
	h.must(err)
	return ok
}

func (h *house) missing(phase string) (keys []string) {
	f, _ := h.plan().Phase(phase)
	for _, m := range f.Gate.Missing {
		keys = append(keys, m.Kind+" "+m.Key)
	}
	return keys
}

// TestG05_AGateIsShutWhileAnythingThatItNeedsIsMissing: an open must-item, a false fact, an earlier gate, an ended waiver.
func TestG05_AGateIsShutWhileAnythingThatItNeedsIsMissing(t *testing.T) {
	h := openHouse(t)
	if !h.allows("notices") {
		t.Error("without a plan something is blocked")
	}
	h.start(short)
	if h.allows("notices") || h.allows("service_end") || !h.allows("erasure") {
		t.Error("the acts that gates block are not the template's")
	}
	if got := h.missing("first"); !slices.Equal(got, []string{"item a", "item b", "fact words"}) {
		t.Errorf("missing: %q", got)
	}
	h.refuses(governance.ErrGateShut, h.OpenGate(t.Context(), mia, "", "first"))
	h.refuses(governance.ErrTurn, h.OpenGate(t.Context(), mia, "", "second"))
	h.refuses(governance.ErrWaits, h.done(mia, "b", "https://wiki.example/b"))
	h.must(h.done(mia, "a", ""))
	h.refuses(governance.ErrInput, h.done(mia, "b", ""))
	h.refuses(governance.ErrInput, h.done(mia, "b", "javascript:alert(1)"))
	h.must(h.done(mia, "b", "https://wiki.example/b"))
	h.refuses(governance.ErrGateShut, h.OpenGate(t.Context(), mia, "", "first"))

	// A waiver of the fact takes two people, and ends.
	h.refuses(governance.ErrInput, h.AskWaiver(t.Context(), mia, "", "first", "words", "", "2026-05-09"))
	h.refuses(governance.ErrInput, h.AskWaiver(t.Context(), mia, "", "first", "words", "The printer is late", "2026-05-09"))
	h.must(h.AskWaiver(t.Context(), mia, "", "first", "words", "The printer is late", "2026-05-20"))
	first, _ := h.plan().Phase("first")
	waiver := first.Gate.Facts[0].Waiver
	h.refuses(governance.ErrGateShut, h.OpenGate(t.Context(), mia, "", "first"))
	h.refuses(governance.ErrSamePerson, h.AgreeWaiver(t.Context(), mia, "", waiver.ID))
	h.refuses(governance.ErrNotYours, h.AgreeWaiver(t.Context(), leo, "", waiver.ID))
	h.must(h.AgreeWaiver(t.Context(), max, "", waiver.ID))
	h.refuses(governance.ErrNotYours, h.OpenGate(t.Context(), leo, "", "first"))
	h.must(h.OpenGate(t.Context(), mia, "", "first"))
	if !h.allows("notices") || h.plan().Phases[0].State != governance.PhaseDone || h.plan().Phases[1].State != governance.PhaseOpen {
		t.Errorf("after opening: %+v", h.plan().Phases)
	}
	h.clock.Set(time.Date(2026, 5, 20, 15, 59, 59, 0, time.UTC)) // the last second of the day in Shanghai
	if !h.allows("notices") {
		t.Error("shut before the waiver ends")
	}
	h.clock.Set(time.Date(2026, 5, 20, 16, 0, 1, 0, time.UTC))
	if h.allows("notices") || h.plan().Phases[0].State != governance.PhaseOpen {
		t.Error("an ended waiver leaves the gate open")
	}
	h.seen.set(0, 4)
	h.must(h.OpenGate(t.Context(), mia, "", "first"))
	h.clock.Set(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if !h.allows("notices") {
		t.Error("a gate without waivers is shut by time")
	}

	// Reopening shuts it, with a reason, and keeps every date.
	h.refuses(governance.ErrInput, h.Reopen(t.Context(), mia, "", "first", " "))
	h.must(h.Reopen(t.Context(), mia, "", "first", "The words were changed"))
	if h.allows("notices") {
		t.Error("a reopened phase blocks nothing")
	}
	h.refuses(governance.ErrNotPossible, h.Reopen(t.Context(), mia, "", "first", "again"))
}

func TestG05_TakingAWaiverBackShutsTheGateThatStandsOnIt(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	h.seen.set(0, 0)
	for _, key := range []string{"a", "b"} {
		h.must(h.AskWaiver(t.Context(), mia, "", "", key, "Not needed here", "2026-12-31"))
		h.must(h.AgreeWaiver(t.Context(), max, "", h.item(key).Waiver.ID))
	}
	h.refuses(governance.ErrNotPossible, h.AskWaiver(t.Context(), mia, "", "", "a", "Twice", "2026-12-31"))
	h.must(h.OpenGate(t.Context(), max, "", "first"))
	h.must(h.EndWaiver(t.Context(), mia, "", h.item("a").Waiver.ID))
	_, _, history, err := h.OpenItem(t.Context(), mia.ID, "", "a")
	h.must(err)
	if len(history) != 3 || history[0].Act != "taken_back" || history[1].Act != "agreed" || history[2].Act != "waived" {
		t.Errorf("history: %+v", history)
	}
	if h.allows("notices") {
		t.Error("the gate stands on a waiver that was taken back")
	}
}

// TestG02_TheDatabaseRefusesOnePersonTwice tries what no page offers.
func TestG02_TheDatabaseRefusesOnePersonTwice(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	for name, sql := range map[string]string{
		"own waiver": `INSERT INTO governance_waiver (id, plan_id, subject, reason, until, asked_by, asked_at, agreed_by, agreed_at)
			SELECT 'x', id, 'item:a', 'r', now() + interval '1 day', 'mia', now(), 'mia', now() FROM governance_plan`,
		"no manager agrees": `INSERT INTO governance_waiver (id, plan_id, subject, reason, until, asked_by, asked_at, agreed_by, agreed_at)
			SELECT 'x', id, 'item:a', 'r', now() + interval '1 day', 'mia', now(), 'leo', now() FROM governance_plan`,
		"no manager opens": `INSERT INTO governance_gate (id, plan_id, phase, seen, opened_by, opened_at)
			SELECT 'x', id, 'first', '{}', 'leo', now() FROM governance_plan`,
		"a day is changed":    `UPDATE governance_day SET day = '2026-01-01'`,
		"a day is deleted":    `DELETE FROM governance_day`,
		"history is changed":  `UPDATE governance_entry SET text = 'x'`,
		"a gate is moved":     `UPDATE governance_gate SET opened_by = 'max'`,
		"a plan is rewritten": `UPDATE governance_plan SET source = ''`,
	} {
		err := h.db.InTx(t.Context(), db.StaffScope("mia"), func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), sql)
			return err
		})
		if err == nil {
			t.Errorf("%s: done", name)
		}
	}
}

// TestG06_TwoAtOnce has one of two people's acts count.
func TestG06_TwoAtOnce(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	version := h.item("a").Version
	errs := make(chan error, 2)
	for _, who := range []governance.By{mia, max} {
		go func() { errs <- h.FinishItem(t.Context(), who, "", "a", version, who.ID, "") }()
	}
	one, two := <-errs, <-errs
	if (one == nil) == (two == nil) {
		t.Errorf("%v and %v", one, two)
	}
	h.refuses(governance.ErrRunning, h.Start(t.Context(), max, []byte(short)))
	h.refuses(governance.ErrRunning, h.Start(t.Context(), max, []byte(strings.Replace(short, "template: own", "template: other", 1))))
}

func TestOnlyTheOwnerAndManagersChangeAnItem(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	h.refuses(governance.ErrNotYours, h.done(leo, "c", ""))
	h.refuses(governance.ErrOwner, h.Assign(t.Context(), mia, "", "c", 1, "gone", ""))
	h.refuses(governance.ErrInput, h.Assign(t.Context(), mia, "", "c", 1, "leo", "31 May"))
	h.must(h.Assign(t.Context(), mia, "", "c", 1, "leo", "2026-05-31"))
	h.refuses(governance.ErrChanged, h.FinishItem(t.Context(), leo, "", "c", 1, "", ""))
	h.must(h.done(leo, "c", ""))
	h.refuses(governance.ErrNotPossible, h.done(leo, "c", ""))
	if i := h.item("c"); i.Day.String() != "2026-05-31" || !i.Own || i.EndedBy != "leo" {
		t.Errorf("%+v", i)
	}
	h.must(h.Comment(t.Context(), leo, "", "c", "See the wiki."))
	h.must(h.ReopenItem(t.Context(), leo, "", "c", h.item("c").Version))
	_, _, history, err := h.OpenItem(t.Context(), mia.ID, "", "c")
	h.must(err)
	var acts []string
	for _, e := range history {
		acts = append(acts, e.Act)
	}
	if !slices.Equal(acts, []string{"reopened", "comment", "done", "due", "assigned"}) {
		t.Errorf("history: %q", acts)
	}
}

// TestG08_NoOpenItemStaysWithSomebodyWithoutARole: it belongs to nobody, and its history says so.
func TestG08_NoOpenItemStaysWithSomebodyWithoutARole(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	h.must(h.Assign(t.Context(), mia, "", "a", 1, "leo", ""))
	h.must(h.Assign(t.Context(), mia, "", "c", 1, "leo", ""))
	h.must(h.done(leo, "c", ""))
	n, err := h.HandOver(t.Context(), mia, "leo", "max")
	h.must(err)
	if n != 1 || h.item("a").Owner != "max" || h.item("c").Owner != "leo" {
		t.Errorf("handed over %d: %s, %s", n, h.item("a").Owner, h.item("c").Owner)
	}
	h.exec(`UPDATE identity SET roles = '{}' WHERE id = 'max'`)
	h.must(h.Tick(t.Context()))
	if owner := h.item("a").Owner; owner != "" {
		t.Errorf("%s has no role and an open item", owner)
	}
}

// TestFactsTickItemsBothWays: what the portal sees is what the checklist says, and no person overrules it.
func TestFactsTickItemsBothWays(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	h.refuses(governance.ErrByFact, h.done(mia, "d", ""))
	h.seen.set(0, 0)
	h.must(h.Tick(t.Context()))
	h.must(h.Tick(t.Context()))
	if i := h.item("d"); i.State != governance.Done || i.EndedBy != "" || i.Version != 2 {
		t.Errorf("%+v", i)
	}
	h.seen.set(0, 1)
	h.must(h.Tick(t.Context()))
	if i := h.item("d"); i.State != governance.Open {
		t.Errorf("%+v", i)
	}
}

func TestDaysAreNeverOverwritten(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	h.refuses(governance.ErrInput, h.Replan(t.Context(), mia, "", "first", "to", "2026-06-20", ""))
	h.refuses(governance.ErrInput, h.Replan(t.Context(), mia, "", "first", "to", "2026-01-01", "Before it begins"))
	h.must(h.Replan(t.Context(), mia, "", "first", "to", "2026-06-20", "The lawyers are away"))
	f := h.plan().Phases[0]
	if f.To.Planned.String() != "2026-06-01" || f.To.Current().String() != "2026-06-20" || f.To.Reason != "The lawyers are away" {
		t.Errorf("%+v", f.To)
	}
}

// TestASmallCompanyChangesToTheFullTemplate keeps what was done, owned and said.
func TestASmallCompanyChangesToTheFullTemplate(t *testing.T) {
	h := openHouse(t)
	light, err := governance.Source("light")
	h.must(err)
	h.start(string(light))
	h.must(h.done(mia, "reasons", ""))
	h.must(h.Assign(t.Context(), mia, "", "agreements", 1, "leo", ""))
	h.must(h.Comment(t.Context(), leo, "", "agreements", "Three outlast it."))
	full, err := governance.Source("retirement")
	h.must(err)
	h.must(h.Change(t.Context(), max, full))
	p := h.plan()
	reasons, _ := p.Item("reasons")
	agreements, _ := p.Item("agreements")
	if p.Template != "retirement" || reasons.State != governance.Done || reasons.EndedBy != "mia" || agreements.Owner != "leo" || len(p.Items) < 58 {
		t.Errorf("%s %+v %+v", p.Template, reasons, agreements)
	}
	_, _, history, err := h.OpenItem(t.Context(), mia.ID, "", "agreements")
	h.must(err)
	if len(history) != 2 || history[0].Text != "Three outlast it." {
		t.Errorf("%+v", history)
	}
	launch, err := governance.Source("launch")
	h.must(err)
	h.start(string(launch)) // blocks nothing, runs beside
	if p := h.plan(); p.Template != "retirement" {
		t.Errorf("%s leads", p.Template)
	}
}

// TestOwnersGetOneDigestADay has two workers tick through a day and the next: overdue, soon due and new items in one mail, once.
func TestOwnersGetOneDigestADay(t *testing.T) {
	h := openHouse(t)
	h.start(short)
	d := h.database.Work(t, db.Options{Clock: h.clock, MaxConns: 4}) // with a worker's rights alone
	worker := governance.NewService(d, migration.NewProgrammes(d), h.seen, slog.New(slog.DiscardHandler))
	tick := func() {
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { h.must(worker.Tick(t.Context())) })
		}
		group.Wait()
	}
	body := func(who string) (text string) {
		const sql = `SELECT coalesce(string_agg(detail ->> 'Body', ' | ' ORDER BY asked_at), '') FROM staff_mail WHERE kind = 'digest' AND identity_id = $1`
		if err := h.database.Super(t).QueryRow(t.Context(), sql, who).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, key := range []string{"a", "b", "c"} {
		h.must(h.Assign(t.Context(), mia, "own", key, h.item(key).Version, "leo", map[string]string{"a": "2026-05-08", "b": "2026-05-13", "c": "2026-05-30"}[key]))
	}
	h.clock.Set(time.Date(2026, 5, 10, 2, 0, 0, 0, time.UTC)) // Sunday
	tick()
	h.clock.Set(time.Date(2026, 5, 10, 23, 59, 0, 0, time.UTC)) // Monday, one minute to eight in Shanghai
	tick()
	if got := body("leo"); got != "" {
		t.Errorf("told too early: %s", got)
	}
	h.clock.Set(time.Date(2026, 5, 11, 0, 0, 0, 0, time.UTC))
	tick()
	h.clock.Advance(time.Hour)
	tick()
	if got, want := body("leo"), "**Overdue**\n\n- A: 8 May 2026\n\n**Due within 3 days**\n\n- B: 13 May 2026\n\n**New for you**\n\n- C: 30 May 2026"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	h.must(h.Assign(t.Context(), mia, "own", "a", h.item("a").Version, "", ""))
	h.must(h.Assign(t.Context(), mia, "own", "b", h.item("b").Version, "max", "2026-06-20"))
	h.clock.Set(time.Date(2026, 5, 12, 1, 0, 0, 0, time.UTC))
	tick()
	if strings.Contains(body("leo"), " | ") || body("max") != "**New for you**\n\n- B: 20 June 2026" {
		t.Errorf("the next day: leo %q, max %q", body("leo"), body("max"))
	}
}
