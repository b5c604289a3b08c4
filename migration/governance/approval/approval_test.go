package approval_test

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
	"offramp/internal/fault"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/post"
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

// three is a path of three steps: two side by side, one by condition, and two of three.
const three = `path: three
name: {en: Three steps}
papers: 2
steps:
  - - {key: finance, name: {en: Finance}, roles: [finance_approver], need: 1, days: 2}
    - {key: legal, name: {en: Legal}, chosen: true, days: 2}
  - - {key: money, name: {en: Much money}, roles: [finance_releaser], need: 1, days: 1, when: budget > 1000.0}
  - - {key: board, name: {en: Board}, chosen: true, need: 2, days: 3}
`

const direct = `path: direct
name: {en: Direct}
steps: [[{key: one, name: {en: One}, chosen: true, days: 2}]]
`

type house struct {
	*testing.T
	*approval.Service
	db       *db.DB
	clock    *clock.Manual
	database localtest.TestDatabase
	posted   *postman
	post     *post.Service
	p        *migration.Programme
}

// postman keeps what would be sent.
type postman struct {
	sync.Mutex
	mails []mail.Envelope
}

func (p *postman) Hand(_ context.Context, e mail.Envelope) mail.Result {
	p.Lock()
	defer p.Unlock()
	p.mails = append(p.mails, e)
	return mail.Result{State: mail.Accepted}
}

// openHouse begins on Thursday 7 May 2026, ten in the morning in Shanghai.
func openHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, clock: clock.NewManual(time.Date(2026, 5, 7, 2, 0, 0, 0, time.UTC)), posted: &postman{}}
	h.database = localtest.Database(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock, MaxConns: 8})
	programmes := migration.NewProgrammes(h.db)
	p, err := programmes.Propose(t.Context(), migration.Actor{ID: "anna", Kind: audit.Operator}, []byte(boats))
	if err != nil {
		t.Fatal(migration.FindingsOf(err), err)
	}
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "ben", Kind: audit.Operator}, p.Version.Number); err != nil {
		t.Fatal(err)
	}
	if h.p, err = programmes.Active(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, roles := range map[string]string{
		"mia": "{programme_manager}", "max": "{programme_manager}", "fin": "{finance_approver}", "rel": "{finance_releaser}",
		"leo": "{support}", "ann": "{auditor}", "bob": "{operator}", "cyd": "{support}", "gone": "{}",
	} {
		h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at) VALUES ($1, 'staff', 'i', $1, $1, $1 || '@boats.example', $2, now(), now())`, id, roles)
	}
	log := slog.New(slog.DiscardHandler)
	h.Service = approval.New(h.db, programmes, log)
	h.post = post.New(h.db, h.posted, "https://portal.example/", log)
	for _, path := range []string{three, direct} {
		if err := h.AddPath(t.Context(), "mia", path); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.database.Super(h.T).Exec(h.Context(), sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) count(sql string, args ...any) (n int) {
	h.Helper()
	if err := h.database.Super(h.T).QueryRow(h.Context(), sql, args...).Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

var words = approval.Words{Kind: "application", Title: "Retire Boats", Body: "Because nobody sails.", Budget: "500", Currency: "EUR"}

func (h *house) paper(w approval.Words) string {
	h.Helper()
	id, err := h.Create(h.Context(), "mia", w)
	h.must(err)
	return id
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err, fieldsOf(err))
	}
}

func fieldsOf(err error) []fault.Field {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Fields
	}
	return nil
}

func (h *house) want(err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Errorf("got %v, want %v", err, want)
	}
}

func (h *house) desk(id, me string) approval.Desk {
	h.Helper()
	d, err := h.Show(h.Context(), me, id)
	h.must(err)
	return d
}

func (h *house) submit(id, path string, chosen map[string][]string) {
	h.Helper()
	h.must(h.Submit(h.Context(), "mia", id, h.desk(id, "mia").Paper.Version, path, chosen))
}

// says decides as a person for their own seat, or for the one whom they stand in for.
func (h *house) says(id, who, node string, approve bool, seat ...string) error {
	h.Helper()
	r, _ := h.desk(id, who).Now()
	d := approval.Decision{Node: node, Seat: who, Hash: r.Hash, Approve: approve, Words: "Said by " + who}
	if len(seat) > 0 {
		d.Seat = seat[0]
	}
	return h.Decide(h.Context(), who, id, d)
}

func (h *house) state(id, want string) {
	h.Helper()
	if got := h.desk(id, "mia").Paper.State; got != want {
		h.Errorf("the paper is %s, not %s", got, want)
	}
}

func (h *house) told(kind string) string {
	h.Helper()
	var list string
	const sql = `SELECT coalesce(string_agg(identity_id, ' ' ORDER BY identity_id), '') FROM staff_mail WHERE kind = $1`
	if err := h.database.Super(h.T).QueryRow(h.Context(), sql, kind).Scan(&list); err != nil {
		h.Fatal(err)
	}
	return list
}

var everybody = map[string][]string{"legal": {"leo"}, "board": {"ann", "bob", "cyd"}}

func TestAPaperTakesItsPath(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.want(h.Submit(t.Context(), "mia", id, 1, "nowhere", nil), approval.ErrInput)
	h.want(h.Submit(t.Context(), "mia", id, 9, "three", everybody), approval.ErrChanged)
	err := h.Submit(t.Context(), "mia", id, 1, "three", map[string][]string{"legal": {"gone"}, "board": {"ann", "mia"}})
	if f := fieldsOf(err); len(f) != 2 || f[0].Name != "node-legal" || f[1].Name != "node-board" || f[1].Key != "approval.requester" {
		t.Errorf("nobody and the requester: %v", f)
	}
	h.submit(id, "three", everybody)
	if got := h.told("approval_asked"); got != "fin leo" {
		t.Errorf("told first: %s", got)
	}
	// Thursday, and two working days: nobody approves before Monday; sending back is possible.
	h.want(h.says(id, "fin", "finance", true), approval.ErrEarly)
	h.clock.Set(time.Date(2026, 5, 10, 15, 59, 0, 0, time.UTC))
	h.want(h.says(id, "fin", "finance", true), approval.ErrEarly)
	h.clock.Set(time.Date(2026, 5, 10, 16, 0, 0, 0, time.UTC)) // Monday in Shanghai
	h.want(h.says(id, "ann", "board", true), approval.ErrState)
	h.must(h.says(id, "fin", "finance", true))
	h.want(h.says(id, "fin", "finance", true), approval.ErrDecided)
	h.state(id, approval.Open)
	h.want(h.says(id, "ann", "board", true), approval.ErrState) // the other one of the step is missing
	h.must(h.says(id, "leo", "legal", true))
	if got := h.told("approval_asked"); got != "ann bob cyd fin leo" {
		t.Errorf("told next: %s", got)
	}
	h.must(h.says(id, "ann", "board", true))
	h.state(id, approval.Open)
	h.must(h.says(id, "cyd", "board", true))
	h.state(id, approval.Approved)
	h.want(h.says(id, "bob", "board", true), approval.ErrState)
	if got := h.told("approval_done"); got != "ann bob cyd fin leo max mia" {
		t.Errorf("told at the end: %s", got)
	}
	r, _ := h.desk(id, "mia").Now()
	if r.Stops[2].State != approval.Skipped || len(r.Hash) != 64 || r.Stops[0].Seats[0].Words != "Said by fin" {
		t.Errorf("%+v", r)
	}
	h.must(h.post.Send(t.Context(), h.p))
	if n := len(h.posted.mails); n != 12 || !strings.Contains(h.posted.mails[0].Plain, "https://portal.example/console/approvals/"+id) {
		t.Errorf("%d mails: %+v", n, h.posted.mails)
	}
	for _, m := range h.posted.mails {
		if !strings.Contains(m.Subject+m.Plain, "Retire Boats") || strings.Contains(m.Subject+m.Plain, "no value") {
			t.Errorf("%s:\n%s", m.Subject, m.Plain)
		}
	}
}

func TestMuchMoneyAsksOneMore(t *testing.T) {
	h := openHouse(t)
	w := words
	w.Budget = "1 000.01"
	id := h.paper(w)
	h.submit(id, "three", everybody)
	h.clock.Advance(7 * 24 * time.Hour)
	h.must(h.says(id, "fin", "finance", true))
	h.must(h.says(id, "leo", "legal", true))
	if got := h.told("approval_asked"); got != "fin leo rel" {
		t.Errorf("told: %s", got)
	}
}

func TestG01_AnEditVoidsTheApproval(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	h.must(h.says(id, "leo", "one", true))
	h.state(id, approval.Approved)
	kinds := func() (list []string) {
		h.must(h.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) (err error) {
			list, err = approval.ApprovedKinds(t.Context(), tx)
			return err
		}))
		return list
	}
	if got := kinds(); len(got) != 1 || got[0] != "application" {
		t.Errorf("approved: %v", got)
	}
	w := words
	w.Body = "Because few sail."
	h.want(h.Edit(t.Context(), "mia", id, 7, w), approval.ErrChanged)
	h.must(h.Edit(t.Context(), "mia", id, 1, w))
	h.state(id, approval.Void)
	if got := kinds(); len(got) != 0 {
		t.Errorf("approved after the edit: %v", got)
	}
	if got := h.told("approval_void"); got != "leo mia" {
		t.Errorf("told: %s", got)
	}
	// Past the service as well: whoever writes the row voids what was decided.
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	h.must(h.says(id, "leo", "one", true))
	h.exec(`UPDATE approval_paper SET body = 'Another text' WHERE id = $1`, id)
	h.state(id, approval.Void)
	if d := h.desk(id, "leo"); !strings.HasSuffix(d.Seen("leo"), "Because few sail.") || d.Rounds[0].State != approval.Void || len(d.Rounds) != 2 {
		t.Errorf("seen %q; %+v", d.Seen("leo"), d.Rounds)
	}
	// A decision upon words that changed meanwhile counts for nothing.
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	old := approval.Decision{Node: "one", Seat: "leo", Hash: h.desk(id, "leo").Rounds[1].Hash, Approve: true, Words: "Yes"}
	h.want(h.Decide(t.Context(), "leo", id, old), approval.ErrChanged)
}

func TestG02_NobodyApprovesWhatTheyAskFor(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.want(h.Submit(t.Context(), "mia", id, 1, "direct", map[string][]string{"one": {"mia"}}), approval.ErrInput)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	h.must(h.Delegate(t.Context(), "leo", "mia", "2026-05-07", "2026-05-20", "Away"))
	h.want(h.says(id, "mia", "one", true, "leo"), approval.ErrRequester)
	if w := h.desk(id, "mia").Paper.Waits; w {
		t.Error("it waits for the one who asks")
	}
	_, err := h.database.Super(t).Exec(t.Context(), `UPDATE approval_seat SET state = 'approved', decided_by = 'mia', words = 'x', at = now(), hash = (SELECT hash FROM approval_round) WHERE identity_id = 'leo'`)
	if !db.IsCheck(err, "approval_requester") {
		t.Errorf("the database takes the requester's approval: %v", err)
	}
	if _, err = h.database.Super(t).Exec(t.Context(), `INSERT INTO approval_seat (paper_id, round, node, identity_id, added_by, state) SELECT id, 1, 'one', 'mia', 'leo', 'asked' FROM approval_paper`); !db.IsCheck(err, "approval_requester") {
		t.Errorf("the database seats the requester: %v", err)
	}
	h.want(h.Replace(t.Context(), "mia", id, "one", "leo", "ann"), approval.ErrRequester)
	h.want(h.Replace(t.Context(), "max", id, "one", "leo", "mia"), approval.ErrInput)
	h.must(h.Replace(t.Context(), "max", id, "one", "leo", "ann"))
	h.want(h.says(id, "leo", "one", true), approval.ErrDecided)
	h.must(h.says(id, "ann", "one", true))
	h.state(id, approval.Approved)
}

func TestG03_DelegatesDecideWhileOneIsAway(t *testing.T) {
	h := openHouse(t)
	ctx := t.Context()
	h.must(h.Delegate(ctx, "leo", "ann", "2026-05-08", "2026-05-10", "On leave"))
	h.must(h.Delegate(ctx, "ann", "bob", "2026-05-08", "2026-05-10", "On leave too"))
	h.want(h.Delegate(ctx, "bob", "leo", "2026-05-10", "2026-05-12", "Round and round"), approval.ErrCircle)
	h.must(h.Delegate(ctx, "bob", "leo", "2026-05-11", "2026-05-12", "Later"))
	h.want(h.Delegate(ctx, "leo", "cyd", "2026-05-10", "2026-05-30", "Twice"), approval.ErrTwice)
	for name, bad := range map[string][]string{
		"to": {"gone", "2026-05-20", "2026-05-21"}, "last": {"cyd", "2026-05-20", "2026-05-19"}, "first": {"cyd", "soon", "2026-05-19"},
	} {
		if f := fieldsOf(h.Delegate(ctx, "leo", bad[0], bad[1], bad[2], "x")); len(f) != 1 || f[0].Name != name {
			t.Errorf("%s: %v", name, f)
		}
	}
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	h.want(h.says(id, "bob", "one", true, "leo"), approval.ErrNotAsked) // it is the 7th
	h.clock.Set(time.Date(2026, 5, 8, 2, 0, 0, 0, time.UTC))
	h.want(h.says(id, "cyd", "one", true, "leo"), approval.ErrNotAsked)
	if list, _, err := h.List(ctx, "bob", "waits", ""); err != nil || len(list) != 1 {
		t.Errorf("bob's list: %v %v", list, err)
	}
	h.must(h.says(id, "bob", "one", true, "leo"))
	seat := h.desk(id, "mia").Rounds[0].Stops[0].Seats[0]
	if seat.Who != "leo" || seat.By != "bob" {
		t.Errorf("the record names %+v", seat)
	}
	// Expired by itself.
	second := h.paper(words)
	h.submit(second, "direct", map[string][]string{"one": {"leo"}})
	h.clock.Set(time.Date(2026, 5, 10, 16, 0, 0, 0, time.UTC))
	h.want(h.says(second, "ann", "one", true, "leo"), approval.ErrNotAsked)
	h.want(h.EndDelegation(ctx, "ann", "none"), approval.ErrUnknown)
}

func TestG03_OnePersonCountsOnce(t *testing.T) {
	h := openHouse(t)
	h.must(h.AddPath(t.Context(), "mia", strings.Replace(direct, "days: 2", "need: 2, days: 2", 1)))
	h.must(h.Delegate(t.Context(), "leo", "ann", "2026-05-07", "2026-05-10", "On leave"))
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo", "ann", "bob"}})
	h.must(h.says(id, "ann", "one", true))
	h.want(h.says(id, "ann", "one", true, "leo"), approval.ErrDecided)
	h.state(id, approval.Open)
}

func TestG04_OneReminderAndOneEscalation(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}}) // Thursday; due at the end of Monday
	tick := func() {
		var group sync.WaitGroup
		for range 4 { // workers, of which none knows of the others
			group.Go(func() {
				if err := h.Tick(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	tick()
	if n := h.count(`SELECT count(*) FROM staff_mail WHERE kind = 'approval_reminder'`); n != 0 {
		t.Errorf("%d reminders at once", n)
	}
	h.clock.Set(time.Date(2026, 5, 8, 2, 0, 0, 0, time.UTC))
	tick()
	h.clock.Advance(time.Hour)
	tick()
	if got := h.told("approval_reminder"); got != "leo" || h.told("approval_late") != "" {
		t.Errorf("reminded: %q, escalated %q", got, h.told("approval_late"))
	}
	h.clock.Set(time.Date(2026, 5, 11, 16, 0, 0, 0, time.UTC))
	tick()
	h.clock.Advance(24 * time.Hour)
	tick()
	if got := h.told("approval_late"); got != "max mia" {
		t.Errorf("escalated to %q", got)
	}
	if n := h.count(`SELECT count(*) FROM staff_mail WHERE kind IN ('approval_reminder', 'approval_late')`); n != 3 {
		t.Errorf("%d mails", n)
	}
	h.must(h.says(id, "leo", "one", true)) // late, and it counts
	h.state(id, approval.Approved)
}

func TestG06_TwoDecideAtOnce(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	d := approval.Decision{Node: "one", Seat: "leo", Hash: h.desk(id, "leo").Rounds[0].Hash, Words: "Mine"}
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			mine := d
			mine.Approve = i%2 == 0
			errs[i] = h.Decide(t.Context(), "leo", id, mine)
		})
	}
	group.Wait()
	counted := 0
	for _, err := range errs {
		switch {
		case err == nil:
			counted++
		case !errors.Is(err, approval.ErrDecided) && !errors.Is(err, approval.ErrState):
			t.Error(err)
		}
	}
	if counted != 1 || h.count(`SELECT count(*) FROM audit WHERE act IN ('approval.approve', 'approval.send_back')`) != 1 {
		t.Errorf("%d decisions count", counted)
	}
}

func TestG07_WaitsSurviveARestartWithAnotherPath(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	// The company changes the path while an approval waits, and another process goes on.
	h.must(h.AddPath(t.Context(), "mia", "path: direct\nname: {en: Other}\nsteps: [[{key: two, name: {en: Two}, roles: [auditor], days: 1}], [{key: three, name: {en: Three}, roles: [operator], days: 1}]]\n"))
	again := approval.New(h.db, migration.NewProgrammes(h.db), slog.New(slog.DiscardHandler))
	h.must(again.Tick(t.Context()))
	h.must(h.says(id, "leo", "one", true))
	h.state(id, approval.Approved)
	if got := h.told("approval_asked"); got != "leo" {
		t.Errorf("told: %s", got)
	}
}

func TestSentBackKeepsWhatWasDecided(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "three", everybody)
	h.want(h.Decide(t.Context(), "leo", id, approval.Decision{Node: "legal", Seat: "leo", Hash: h.desk(id, "leo").Rounds[0].Hash}), approval.ErrInput)
	h.must(h.says(id, "leo", "legal", false))
	h.state(id, approval.SentBack)
	h.want(h.says(id, "fin", "finance", true), approval.ErrState)
	if got := h.told("approval_sent_back"); got != "fin leo mia" {
		t.Errorf("told: %s", got)
	}
	w := words
	w.Body = "Because nobody sails any more."
	h.must(h.Edit(t.Context(), "mia", id, 1, w))
	h.submit(id, "three", everybody)
	h.must(h.says(id, "fin", "finance", true)) // the papers were out before: no two days more
	d := h.desk(id, "mia")
	if len(d.Rounds) != 2 || d.Rounds[1].State != approval.SentBack || d.Rounds[1].Stops[1].Seats[0].Words != "Said by leo" {
		t.Errorf("%+v", d.Rounds)
	}
	h.must(h.Withdraw(t.Context(), "mia", id))
	h.state(id, approval.Withdrawn)
}

func TestWhatWasApprovedSinceAGateIsStale(t *testing.T) {
	h := openHouse(t)
	early, late := h.paper(words), h.paper(words)
	for _, id := range []string{early, late} {
		h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	}
	h.must(h.says(early, "leo", "one", true))
	h.clock.Advance(time.Hour)
	gate := h.clock.Now()
	h.clock.Advance(time.Hour)
	h.must(h.says(late, "leo", "one", true))
	h.must(h.db.InTx(t.Context(), db.StaffScope("max"), func(tx *db.Tx) error {
		n, err := approval.MarkStale(t.Context(), tx, "max", gate, "The dates moved")
		if n != 1 {
			t.Errorf("%d are stale", n)
		}
		return err
	}))
	h.state(early, approval.Approved)
	h.state(late, approval.Stale)
	if got := h.told("approval_stale"); got != "leo mia" {
		t.Errorf("told: %s", got)
	}
	h.submit(late, "direct", map[string][]string{"one": {"leo"}})
	h.must(h.says(late, "leo", "one", true))
	h.state(late, approval.Approved)
}

func TestG11_FaultyPathsAreRefusedWithTheLine(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"path: a\nname: {en: A}\nsteps: []\n", "3:"},
		{"path: A B\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, chosen: true, days: 1}]]\n", "is no key"},
		{"path: a\nname: {en: A}\nsteps:\n  - - {key: k, name: {en: K}, chosen: true, days: 1}\n  - - {key: k, name: {en: K}, chosen: true, days: 1}\n", "5: the key \"k\" is here a second time"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, days: 1}]]\n", "names either roles"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, roles: [king], days: 1}]]\n", "is no role"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, chosen: true, days: 0}]]\n", "working days"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, chosen: true, days: 1, when: budget >}]]\n", "a rule may use"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, chosen: true, days: 1, when: budget > 1.0}]]\n", "decides always"},
		{"path: a\nname: {en: A}\nsteps: [[{key: k, name: {en: K}, chosen: true, days: 1, when: budget}]]\n", "says true or false"},
	} {
		_, err := approval.ReadPath([]byte(c.source))
		var said []string
		for _, f := range migration.FindingsOf(err) {
			said = append(said, strings.Join([]string{itoa(f.Line), f.Message}, ": "))
		}
		if !strings.Contains(strings.Join(said, "\n"), c.want) {
			t.Errorf("%s gives %q, %v; want %q", c.source, said, err, c.want)
		}
	}
	sources, err := approval.BuiltIn()
	if err != nil || len(sources) < 2 {
		t.Fatal(err)
	}
	for key, source := range sources {
		if p, err := approval.ReadPath([]byte(source)); err != nil || p.Key != key {
			t.Errorf("%s: %v %v", key, p, migration.FindingsOf(err))
		}
	}
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	return string(rune('0' + n%10))
}

// TestG07_AWorkersOwnRoleRemindsAndSends does what a worker does with a worker's rights alone. A mail that a process had in hand when it
// died is not sent again.
func TestG07_AWorkersOwnRoleRemindsAndSends(t *testing.T) {
	h := openHouse(t)
	id := h.paper(words)
	h.submit(id, "direct", map[string][]string{"one": {"leo"}})
	h.exec(`INSERT INTO staff_mail (id, identity_id, kind, about, detail, path, asked_at, state, taken_at) VALUES ('lost', 'leo', 'approval_void', 'x', '{"Title": "T"}', '/', $1, 'sending', $2)`,
		h.clock.Now().Add(-time.Hour), h.clock.Now().Add(-11*time.Minute))
	worker := h.database.Work(t, db.Options{Clock: h.clock, MaxConns: 2})
	log := slog.New(slog.DiscardHandler)
	h.clock.Set(time.Date(2026, 5, 12, 2, 0, 0, 0, time.UTC))
	for range 2 {
		h.must(approval.New(worker, migration.NewProgrammes(worker), log).Tick(t.Context()))
		h.must(post.New(worker, h.posted, "https://portal.example", log).Send(t.Context(), h.p))
	}
	var to []string
	for _, m := range h.posted.mails {
		to = append(to, m.Address)
	}
	slices.Sort(to)
	if got := strings.Join(to, " "); got != "leo@boats.example max@boats.example mia@boats.example" {
		t.Errorf("sent to %s", got)
	}
	if n := h.count(`SELECT count(*) FROM staff_mail WHERE state = 'accepted'`); n != 3 || h.count(`SELECT count(*) FROM staff_mail WHERE id = 'lost' AND state = 'unknown'`) != 1 {
		t.Errorf("%d accepted", n)
	}
}
