package feedback_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
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
	"offramp/migration/feedback"
)

const boats = `programme: boats
product: {name: {en: Boats, zh-CN: 小船}, company: {en: Boat Works, zh-CN: 船厂}, kind: business}
locales: [en, zh-CN]
zone: Asia/Shanghai
thanks: {en: Thank you., zh-CN: 谢谢。}
reason: {en: We stop., zh-CN: 我们停止了。}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - {key: service_end, day: 2027-01-31}
  - {key: export_deadline, day: 2027-03-02}
tiers: [{key: standard, name: {en: Standard, zh-CN: 标准}, rule: "true"}]
datasets:
  - {key: boats, name: {en: Boats, zh-CN: 小船}, source: product, query: "select :customer_id::text as id", row_key: id}
help: {email: help@boats.example}
feedback: {anonymous: %t, calm_days: 7, end_days: 30}
`

type house struct {
	*testing.T
	*feedback.Service
	db       *db.DB
	clock    *clock.Manual
	database localtest.TestDatabase
	posted   *postman
}

// postman keeps what would be sent, and answers with what it is told to.
type postman struct {
	sync.Mutex
	mails []mail.Envelope
	state string
}

func (p *postman) Hand(_ context.Context, e mail.Envelope) mail.Result {
	p.Lock()
	defer p.Unlock()
	p.mails = append(p.mails, e)
	return mail.Result{State: p.state}
}

// openHouse begins on 10 January 2027, ten in the morning in Shanghai, three weeks before the service end.
func openHouse(t *testing.T, anonymous bool) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, clock: clock.NewManual(time.Date(2027, 1, 10, 2, 0, 0, 0, time.UTC)), posted: &postman{state: mail.Accepted}}
	h.database = localtest.Database(t)
	h.db = h.database.Open(t, db.Options{Clock: h.clock, MaxConns: 8})
	programmes := migration.NewProgrammes(h.db)
	p, err := programmes.Propose(t.Context(), migration.Actor{ID: "anna", Kind: audit.Operator}, fmt.Appendf(nil, boats, anonymous))
	if err != nil {
		t.Fatal(migration.FindingsOf(err), err)
	}
	if err := programmes.Approve(t.Context(), migration.Actor{ID: "ben", Kind: audit.Operator}, p.Version.Number); err != nil {
		t.Fatal(err)
	}
	h.Service = feedback.New(h.db, programmes)
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at)
		VALUES ('mia', 'staff', 'i', 'mia', 'mia', 'mia@boats.example', '{programme_manager}', now(), now())`)
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

// moved is a customer with one contact who confirmed the move three weeks ago.
func (h *house) moved(id string) {
	h.Helper()
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, $1, $1, 'standard', 'en', 'Asia/Shanghai', now(), now())`, id)
	h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ($1, $1, $1 || '@c.example', 'Lin ' || $1, 'owner', now(), now())`, id)
	h.exec(`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, detail, updated_at)
		VALUES ($1, 1, 'completed', 'completed', 'not_needed', 'not_needed', 'completed', '{"confirmed_at": "2026-12-20T00:00:00Z"}', '2026-12-20')`, id)
}

// send sends what is due, and returns to whom.
func (h *house) send() (to []string) {
	h.Helper()
	before := len(h.posted.mails)
	if err := h.Send(h.Context(), h.posted, slog.New(slog.DiscardHandler), "https://portal.example/"); err != nil {
		h.Fatal(err)
	}
	for _, m := range h.posted.mails[before:] {
		to = append(to, m.Address)
	}
	slices.Sort(to)
	return to
}

var link = regexp.MustCompile(`https://portal\.example/feedback/([A-Z2-7]+)`)

// token is that of the latest mail to a contact.
func (h *house) token(id string) string {
	h.Helper()
	for _, m := range slices.Backward(h.posted.mails) {
		if m.Address == id+"@c.example" {
			if found := link.FindStringSubmatch(m.Plain); found != nil {
				return found[1]
			}
		}
	}
	h.Fatalf("%s got no link", id)
	return ""
}

func (h *house) why(id string) string {
	h.Helper()
	list, _, err := h.Waits(h.Context(), "mia", "", "")
	if err != nil {
		h.Fatal(err)
	}
	for _, w := range list {
		if w.ContactID == id {
			return w.Why
		}
	}
	return "asked"
}

func TestK03_NobodyIsAskedWhileTheyWait(t *testing.T) {
	h := openHouse(t, false)
	for _, id := range []string{"calm", "help", "failed", "running", "refund", "moving", "recent", "answered", "shut", "noplace", "declined", "gone"} {
		h.moved(id)
	}
	h.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at) VALUES ('h1', 'help', 'help', 'Where?', 'open', now())`)
	h.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at, answer, answered_at, answered_by)
		VALUES ('h2', 'answered', 'answered', 'Where?', 'answered', '2027-01-01', 'Here.', '2027-01-08', 'mia')`)
	for id, state := range map[string]string{"failed": "failed", "running": "running"} {
		h.exec(`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at) VALUES ($1, $1, $1, '{}', 'en', $2, now())`, id, state)
	}
	h.exec(`UPDATE journey SET confirm = 'not_started', detail = '{}' WHERE customer_id = 'moving'`)
	h.exec(`UPDATE journey SET detail = '{"confirmed_at": "2027-01-08T00:00:00Z"}' WHERE customer_id = 'recent'`)
	h.exec(`INSERT INTO notice_suppression (contact_id, customer_id, cause, evidence, at) VALUES ('shut', 'shut', 'bounced', 'x', now())`)
	h.exec(`INSERT INTO notice_preference (contact_id, customer_id, optional, changed_at) VALUES ('declined', 'declined', false, now())`)
	h.exec(`UPDATE contact SET email = '' WHERE id = 'noplace'`)
	h.exec(`UPDATE contact SET state = 'disabled' WHERE id = 'gone'`)
	h.refund("refund")
	for id, want := range map[string]string{
		"calm": "soon", "help": "help", "failed": "export", "running": "export", "refund": "refund", "moving": "moving", "recent": "calm",
		"answered": "calm", "shut": "suppressed", "noplace": "no_address", "declined": "declined",
	} {
		if got := h.why(id); got != want {
			t.Errorf("%s waits for %q, want %q", id, got, want)
		}
	}
	if got := h.send(); !slices.Equal(got, []string{"calm@c.example"}) {
		t.Fatalf("asked %v", got)
	}
	// A month after the service end who has not confirmed is asked, too; whoever waits still is not.
	h.clock.Set(time.Date(2027, 3, 2, 2, 0, 0, 0, time.UTC))
	if got := h.send(); !slices.Equal(got, []string{"answered@c.example", "moving@c.example", "recent@c.example"}) {
		t.Fatalf("asked %v", got)
	}
	h.exec(`UPDATE help_request SET state = 'closed', closed_at = '2027-02-01' WHERE id = 'h1'`)
	h.exec(`UPDATE contact SET email = 'CALM@c.example' WHERE id = 'help'`)
	if got := h.why("help"); got != "same_person" {
		t.Errorf("the same person waits for %q", got)
	}
	h.clock.Set(time.Date(2027, 3, 2, 14, 0, 0, 0, time.UTC))
	h.exec(`UPDATE contact SET email = 'help@c.example' WHERE id = 'help'`)
	if got := h.send(); got != nil {
		t.Fatalf("asked %v at ten in the evening", got)
	}
}

// refund is one that is open, without its parts, which nobody here looks at.
func (h *house) refund(id string) {
	h.Helper()
	h.exec(`DO $$ BEGIN
		PERFORM set_config('session_replication_role', 'replica', true);
		INSERT INTO refund (id, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, requested_by, requested_at, updated_at)
		VALUES ('` + id + `', 'RF-2027-000001', '` + id + `', 'standard', 'x', 'submitted', 'original', 'CNY', 100, '{}', repeat('0', 64), '1', '` + id + `', '2026-12-01', '2026-12-01');
		END $$`)
}

func TestK10_EachPersonIsAskedOnce(t *testing.T) {
	h := openHouse(t, false)
	for i := range 30 {
		h.moved(fmt.Sprintf("c%02d", i))
	}
	h.exec(`UPDATE contact SET email = 'C00@c.example' WHERE id = 'c01'`) // one person, two customers
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := h.Send(h.Context(), h.posted, slog.New(slog.DiscardHandler), "https://portal.example"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := h.send(); got != nil || len(h.posted.mails) != 29 {
		t.Fatalf("%d mails, and then %v", len(h.posted.mails), got)
	}
	// A server that says later is asked again after a while; a process that died leaves its mail unknown, and nobody is asked again.
	h.moved("later")
	h.posted.state = mail.Deferred
	if got := h.send(); len(got) != 1 {
		t.Fatalf("asked %v", got)
	}
	first := h.token("later")
	if got := h.send(); got != nil {
		t.Fatalf("asked %v again at once", got)
	}
	h.clock.Advance(time.Hour)
	h.posted.state = mail.Accepted
	if got := h.send(); len(got) != 1 || h.token("later") == first {
		t.Fatalf("asked %v", got)
	}
	h.exec(`UPDATE feedback_invitation SET state = 'sending' WHERE contact_id = 'later'`)
	h.clock.Advance(time.Hour)
	if got := h.send(); got != nil || h.count(`SELECT count(*) FROM feedback_invitation WHERE state = 'unknown'`) != 1 {
		t.Fatalf("asked %v again", got)
	}
}

func TestK01_OneAnswerByOneLink(t *testing.T) {
	h := openHouse(t, false)
	h.moved("a")
	h.send()
	ctx, token := h.Context(), h.token("a")
	if err := h.Finish(ctx, token, "en"); !errors.Is(err, feedback.ErrEmpty) {
		t.Fatalf("an empty form: %v", err)
	}
	if err := h.Save(ctx, token, "recommend", "11"); fault.KindOf(err) != fault.Invalid {
		t.Fatalf("a score of 11: %v", err)
	}
	h.save(token, "recommend", "9")
	h.save(token, "advice", "Listen.")
	results := make(chan error, 8)
	var group sync.WaitGroup
	for range cap(results) {
		group.Go(func() { results <- h.Finish(ctx, token, "en") })
	}
	group.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, feedback.ErrAnswered) {
			t.Errorf("another tab: %v", err)
		}
	}
	if n := h.count(`SELECT count(*) FROM feedback_answer`); won != 1 || n != 1 {
		t.Fatalf("%d sent in, %d kept", won, n)
	}
	if err := h.Save(ctx, token, "advice", "No!"); !errors.Is(err, feedback.ErrAnswered) {
		t.Errorf("saved after it was sent in: %v", err)
	}
	f, err := h.Open(ctx, token)
	if err != nil || !f.Answered || f.Answers["advice"] != "Listen." {
		t.Errorf("the link shows %+v, %v", f, err)
	}
	h.exec(`UPDATE contact SET state = 'disabled' WHERE id = 'a'`)
	for _, token := range []string{token, "x", ""} {
		if _, err := h.Open(ctx, token); !errors.Is(err, feedback.ErrUnknown) {
			t.Errorf("link %q: %v", token, err)
		}
	}
}

func (h *house) save(token, key, answer string) {
	h.Helper()
	if err := h.Save(h.Context(), token, key, answer); err != nil {
		h.Fatal(err)
	}
}

func TestK05_PartialAnswersSurviveAndNobodyIsReminded(t *testing.T) {
	h := openHouse(t, true)
	h.moved("a")
	h.moved("b")
	h.send()
	token := h.token("a")
	h.save(token, "most_missed", "the quay")
	h.save(token, "advice", "x")
	h.save(token, "advice", " ")
	h.clock.Advance(90 * 24 * time.Hour)
	if got := h.send(); got != nil {
		t.Errorf("reminded %v", got)
	}
	f, err := h.Open(h.Context(), token)
	if err != nil || len(f.Answers) != 1 || f.Answers["most_missed"] != "the quay" {
		t.Fatalf("resumed with %v, %v", f.Answers, err)
	}
	if n := h.count(`SELECT count(*) FROM feedback_invitation v WHERE convert_from(decode(encode(coalesce(draft, ''), 'hex'), 'escape'), 'UTF8') LIKE '%quay%' OR position('quay'::bytea IN coalesce(draft, '')) > 0`); n != 0 {
		t.Error("the database reads a draft")
	}
}

func TestK04_NothingLeadsFromAnAnonymousAnswerToAPerson(t *testing.T) {
	h := openHouse(t, true)
	for i := range 7 {
		h.moved(fmt.Sprintf("p%d", i))
	}
	h.send()
	for i := range 7 {
		token := h.token(fmt.Sprintf("p%d", i))
		h.save(token, "recommend", "9")
		h.save(token, "advice", fmt.Sprintf("advice %d", i))
		if err := h.Finish(h.Context(), token, "en"); err != nil {
			t.Fatal(err)
		}
		r, err := h.Results(h.Context(), "mia")
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for _, o := range r.Outcomes {
			shown = max(shown, len(o.Texts))
		}
		if want := (i + 1) / 5 * 5; shown != want {
			t.Errorf("after %d answers %d are shown, want %d", i+1, shown, want)
		}
		if f, err := h.Open(h.Context(), token); err != nil || f.Answers != nil {
			t.Errorf("the link leads to %v, %v", f.Answers, err)
		}
	}
	if n := h.count(`SELECT count(DISTINCT xmin::text) FROM feedback_answer`); n != 1 {
		t.Errorf("answers were written by %d transactions, which tell which came when", n)
	}
	var order, bare string
	super := h.database.Super(t)
	const sql = `SELECT string_agg(content ->> 'advice', ' ' ORDER BY ctid), string_agg(a::text, ' ') FROM feedback_answer a`
	if err := super.QueryRow(t.Context(), sql).Scan(&order, &bare); err != nil {
		t.Fatal(err)
	}
	if order == "advice 0 advice 1 advice 2 advice 3 advice 4 advice 5 advice 6" {
		t.Error("answers lie in the order in which they came (one time in 5040 by chance)")
	}
	if regexp.MustCompile(`p[0-6]\b|20[0-9][0-9]-`).MatchString(regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]+`).ReplaceAllString(bare, "")) {
		t.Errorf("an answer tells whose or when: %s", bare)
	}
	if n := h.count(`SELECT count(*) FROM audit WHERE customer_id LIKE 'p_'`); n != 0 {
		t.Errorf("%d entries of the audit log tell who answered when", n)
	}
	if _, err := super.Exec(t.Context(), `UPDATE feedback_answer SET sent_at = now()`); !db.IsCheck(err, "feedback_no_way_back") {
		t.Errorf("an instant at an anonymous answer: %v", err)
	}
}

func TestK04_CellsUnderFiveAreHiddenAlsoByDifference(t *testing.T) {
	for _, c := range []struct {
		counts []int
		want   string
	}{
		{[]int{10, 20, 30}, "..."},
		{[]int{4, 20, 30}, "xx."}, // the second, or the first is what is left
		{[]int{3, 4, 30}, "xx."},  // two of together seven
		{[]int{1, 1, 30}, "xxx"},  // together two: both could be known
		{[]int{0, 0, 30}, "xxx"},  // that nobody did tells of everybody
		{[]int{0, 40, 6, 7}, "x.x."},
		{[]int{5, 5, 5}, "..."},
		{[]int{4}, "x"},
	} {
		got := ""
		for _, hidden := range feedback.Hide(c.counts) {
			got += map[bool]string{true: "x", false: "."}[hidden]
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.counts, got, c.want)
		}
	}
	for _, s := range feedback.Cells(4, 20, 30)[:2] {
		if !s.Hidden || s.Count != 0 || s.Rate != 0 {
			t.Errorf("a hidden cell carries %+v", s)
		}
	}
}

// TestK06_Intervals holds against values worked out by hand from the formulas, to four digits.
func TestK06_Intervals(t *testing.T) {
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.00005 {
			t.Errorf("%s is %.5f, want %.5f", name, got, want)
		}
	}
	for _, c := range []struct {
		count, n       int
		rate, low, top float64
	}{
		{0, 10, 0, 0, 0.27753}, {5, 10, 0.5, 0.23659, 0.76341}, {10, 10, 1, 0.72247, 1}, {1, 29, 0.03448, 0.00611, 0.17175}, {81, 263, 0.30798, 0.25528, 0.36620},
	} {
		s := feedback.Wilson(c.count, c.n)
		name := fmt.Sprintf("%d of %d", c.count, c.n)
		near(name, s.Rate, c.rate)
		near(name+", low", s.Low, c.low)
		near(name+", top", s.Top, c.top)
	}
	if s := feedback.Wilson(0, 0); !s.Hidden {
		t.Error("nothing of nothing is shown")
	}
	var scores []int
	for score, n := range []int{1, 1, 1, 1, 1, 2, 3, 10, 10, 10, 10} { // 10 detract, 20 are passive, 20 promote
		scores = append(scores, slices.Repeat([]int{score}, n)...)
	}
	n := feedback.NPSOf(scores)
	if n.Detractors.Count != 10 || n.Passives.Count != 20 || n.Promoters.Count != 20 || !n.Shown {
		t.Errorf("groups: %+v", n)
	}
	near("NPS", n.Score, 20)
	near("NPS, low", math.Round(n.Low*100)/100, -0.74)
	near("NPS, top", math.Round(n.Top*100)/100, 40.74)
	if feedback.NPSOf(scores[:29]).Shown || feedback.NPSOf(slices.Repeat([]int{10}, 40)).Shown {
		t.Error("a headline of too few, or of hidden groups")
	}
}

func TestMailSaysWhatItIsForInBothLanguages(t *testing.T) {
	h := openHouse(t, true)
	h.moved("a")
	h.moved("b")
	h.exec(`UPDATE contact SET locale = 'zh-CN' WHERE id = 'b'`)
	h.send()
	for _, m := range h.posted.mails {
		words := []string{"anonymous", "not try to win you back", "?score=7", "We do not send a reminder"}
		if m.Tag == "zh-CN" {
			words = []string{"匿名", "劝您回来", "?score=7", "不会催促"}
		}
		for _, word := range words {
			if !strings.Contains(m.Plain, word) || word != "?score=7" && !strings.Contains(m.HTML, word) {
				t.Errorf("%s: no %q in\n%s", m.Tag, word, m.Plain)
			}
		}
	}
}
