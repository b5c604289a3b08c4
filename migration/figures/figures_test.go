package figures_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/figures"
)

type fixed struct{ p *migration.Programme }

func (f fixed) Active(context.Context) (*migration.Programme, error) { return f.p, nil }

// count is a database whose figures are counted by a worker's role.
type count struct {
	*testing.T
	database localtest.TestDatabase
	clock    *clock.Manual
	worker   *figures.Service
	web      *figures.Service
	both     *figures.Service // as whoever decides, without a session
}

func open(t *testing.T) *count {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	c := &count{T: t, database: localtest.Database(t), clock: clock.NewManual(time.Date(2026, 6, 10, 2, 0, 0, 0, time.UTC))}
	p := fixed{&migration.Programme{Zone: zone, Locales: []string{"en", "zh-CN"}}}
	c.worker = figures.New(c.database.Work(t, db.Options{Clock: c.clock}), p, slog.New(slog.DiscardHandler))
	c.web = figures.New(c.database.Web(t, db.Options{Clock: c.clock}), p, slog.New(slog.DiscardHandler))
	c.both = figures.New(c.database.Open(t, db.Options{Clock: c.clock}), p, slog.New(slog.DiscardHandler))
	c.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, state, imported_at, updated_at) SELECT x, 'R-' || x, x, CASE WHEN x = 'd' THEN 'core' ELSE 'basic' END, 'en', 'UTC',
	        CASE WHEN x = 'gone' THEN 'disabled' ELSE 'active' END, now(), now() FROM unnest(ARRAY['a', 'b', 'c', 'd', 'gone']) x`)
	c.exec(`INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, updated_at)
	        SELECT x, 1, 'completed', CASE x WHEN 'a' THEN 'completed' WHEN 'b' THEN 'not_needed' ELSE 'not_started' END, 'not_started', 'not_needed', CASE x WHEN 'a' THEN 'completed' ELSE 'cannot_start' END, now()
	          FROM unnest(ARRAY['a', 'b', 'c', 'd', 'gone']) x`)
	return c
}

func (c *count) exec(sql string, args ...any) {
	c.Helper()
	if _, err := c.database.Super(c.T).Exec(c.Context(), sql, args...); err != nil {
		c.Fatal(err)
	}
}

func (c *count) read(key string) figures.Report {
	c.Helper()
	if err := c.worker.CountNow(c.Context()); err != nil {
		c.Fatal(err)
	}
	r, err := c.web.Read(c.Context(), "staff", key, migration.Day{}, migration.Day{})
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// flat writes rows as lines, to be compared.
func flat(r figures.Report) (lines []string) {
	for _, row := range r.Rows {
		line := row.Week.String() + " " + row.Slot
		for _, m := range r.Measures {
			if v, ok := row.Values[m.Key]; ok {
				line += " " + m.Key + "=" + strconv.FormatInt(v, 10)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCompletionCountsActiveCustomersByTierAndKeepsEachWeek(t *testing.T) {
	c := open(t)
	want := []string{"2026-06-08 basic customers=3 dates=3 export=1 choose=0 settle=0 confirm=1", "2026-06-08 core customers=1 dates=1 export=0 choose=0 settle=0 confirm=0"}
	r := c.read("completion")
	if diff := cmp.Diff(want, flat(r)); diff != "" {
		t.Error(diff)
	}
	if of := r.Rows[0].Values["export_of"]; of != 2 {
		t.Errorf("%d have to export, want 2: one need not", of)
	}
	c.clock.Set(time.Date(2026, 6, 14, 16, 0, 0, 0, time.UTC)) // Monday 00:00 in Shanghai
	c.exec(`UPDATE journey SET export = 'completed' WHERE customer_id = 'c'`)
	want = append([]string{"2026-06-15 basic customers=3 dates=3 export=2 choose=0 settle=0 confirm=1", "2026-06-15 core customers=1 dates=1 export=0 choose=0 settle=0 confirm=0"}, want...)
	if diff := cmp.Diff(want, flat(c.read("completion"))); diff != "" {
		t.Errorf("the week that is over did not stay: %s", diff)
	}
}

func TestWhatHappenedCountsInItsWeekOfTheProgrammesZone(t *testing.T) {
	c := open(t)
	c.exec(`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at, started_at, ready_at, finished_at, expires_at, object_key, object_size, object_sha256, receipt)
	        VALUES ('e1', 'a', 'k', '{}', 'en', 'ready', '2026-06-07 15:59Z', '2026-06-07 15:59Z', '2026-06-07 16:00Z', '2026-06-07 16:00Z', '2026-07-01', 'k', 1000, repeat('0', 64), '{}'),
	               ('e2', 'b', 'k', '{}', 'en', 'failed', '2026-06-08 02:00Z', '2026-06-08 02:00Z', NULL, '2026-06-08 03:00Z', NULL, '', 0, '', NULL)`)
	want := []string{"2026-06-08  asked=1 ready=1 failed=1 bytes=1000 took=60", "2026-06-01  asked=1"}
	if diff := cmp.Diff(want, flat(c.read("exports"))); diff != "" {
		t.Error(diff)
	}
	line := c.read("exports").Line("asked")
	if len(line) != 2 || line[0].Value != 1 || line[0].Week.String() != "2026-06-01" {
		t.Errorf("drawn: %+v", line)
	}
	// A second count of the same changes nothing.
	if diff := cmp.Diff(want, flat(c.read("exports"))); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesCountByChannelAndMachinesApart(t *testing.T) {
	c := open(t)
	c.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) SELECT 'k' || x, x, x || '@x.example', x, 'owner', now(), now() FROM unnest(ARRAY['a', 'b', 'c']) x`)
	c.exec(`INSERT INTO notice_message (id, customer_id, notice, stage, due_day, due_at, hash, state, next_at, planned_at) SELECT 'm' || x, x, 'n', 0, '2026-06-09', '2026-06-09', '', 'sent', now(), now() FROM unnest(ARRAY['a', 'b', 'c']) x`)
	c.exec(`INSERT INTO notice_delivery (message_id, customer_id, contact_id, channel, mail_id, state, started_at, followed)
	        VALUES ('ma', 'a', 'ka', 'email', '1', 'accepted', '2026-06-09', 'person'), ('mb', 'b', 'kb', 'email', '2', 'bounced', '2026-06-09', ''), ('mc', 'c', 'kc', 'email', '3', 'accepted', '2026-06-09', 'program'),
	               ('mc', 'c', 'kc', 'sms', '4', 'unknown', '2026-06-09', '')`)
	c.exec(`INSERT INTO notice_call (id, message_id, customer_id, notice, due_day, state, outcome, opened_at, ended_at) VALUES ('x', 'mb', 'b', 'n', '2026-06-10', 'done', 'reached', '2026-06-09', '2026-06-10')`)
	want := []string{
		"2026-06-08 call sent=1 spoken=1", "2026-06-08 email sent=3 accepted=2 failed=1 unknown=0 opened=0 followed=1 scanned=1",
		"2026-06-08 sms sent=1 accepted=0 failed=0 unknown=1",
	}
	if diff := cmp.Diff(want, flat(c.read("reach"))); diff != "" {
		t.Error(diff)
	}
}

func TestRequestsHaveMediansByTopic(t *testing.T) {
	c := open(t)
	c.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('ka', 'a', 'a@x.example', 'a', 'owner', now(), now())`)
	c.exec(`INSERT INTO help_request (id, customer_id, contact_id, state, text, created_at, topic) SELECT 'h' || n, 'a', 'ka', 'open', 'x' || n, '2026-06-09', CASE WHEN n < 4 THEN 'refund' ELSE '' END FROM generate_series(1, 4) n`)
	c.exec(`INSERT INTO help_round (request_id, n, customer_id, opened_at, answered_at, answer_seconds) SELECT 'h' || n, 1, 'a', '2026-06-09', '2026-06-10', n * 600 FROM generate_series(1, 3) n`)
	c.exec(`INSERT INTO help_round (request_id, n, customer_id, opened_at) VALUES ('h4', 1, 'a', '2026-06-09')`)
	want := []string{"2026-06-08 export asked=1", "2026-06-08 refund asked=3 answered=3 answer=1200"}
	if diff := cmp.Diff(want, flat(c.read("requests"))); diff != "" {
		t.Error(diff)
	}
}

func TestFiguresAreCountedOnceInAQuarterOfAnHour(t *testing.T) {
	c := open(t)
	at := func() time.Time {
		t.Helper()
		if err := c.worker.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := c.web.Read(t.Context(), "staff", "completion", migration.Day{}, migration.Day{})
		if err != nil {
			t.Fatal(err)
		}
		return r.At
	}
	first := at()
	c.clock.Advance(14 * time.Minute)
	if got := at(); !got.Equal(first) {
		t.Errorf("counted again at %s", got)
	}
	c.clock.Advance(time.Minute)
	if got := at(); got.Equal(first) {
		t.Error("not counted again")
	}
	if _, err := c.web.Read(t.Context(), "staff", "weather", migration.Day{}, migration.Day{}); err == nil {
		t.Error("there is a report of the weather")
	}
}

func TestTheWeekBeforeIsDraftedOnceAndSentByAManager(t *testing.T) {
	c := open(t)
	c.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at)
	        SELECT x, 'staff', 'i', x, x, x || '@staff.example', ARRAY[r], now(), now() FROM (VALUES ('mia', 'programme_manager'), ('sue', 'support'), ('fay', 'finance_clerk'), ('aud', 'auditor')) v (x, r)`)
	c.exec(`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at, finished_at)
	        SELECT 'e' || n, 'a', 'k', '{}', 'en', 'failed', '2026-06-03', CASE WHEN n < 3 THEN '2026-06-03'::timestamptz ELSE '2026-06-10' END FROM generate_series(1, 5) n`)
	c.clock.Set(time.Date(2026, 6, 14, 21, 59, 0, 0, time.UTC)) // Monday 05:59 in Shanghai
	weeklies := func() []figures.Weekly {
		t.Helper()
		if err := c.worker.CountNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := c.web.Weeklies(t.Context(), "mia")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := weeklies(); len(list) != 0 {
		t.Fatalf("drafted before six: %+v", list)
	}
	c.clock.Advance(time.Minute)
	list := weeklies()
	if len(list) != 1 || list[0].Week.String() != "2026-06-08" || list[0].State != figures.Draft {
		t.Fatalf("%+v", list)
	}
	if text := list[0].Content["support"]["en"]; !strings.Contains(text, "- Failed: 3; the week before: 2") {
		t.Errorf("support gets %q", text)
	}
	if text := list[0].Content["finance"]["en"]; strings.Contains(text, "Failed") || !strings.Contains(text, "Nothing in these two weeks") {
		t.Errorf("finance gets %q", text)
	}
	c.exec(`UPDATE export SET state = 'cancelled'`)
	if again := weeklies(); len(again) != 1 || !cmp.Equal(again[0].Content, list[0].Content) {
		t.Error("a draft changed")
	}

	week := list[0].Week
	for _, who := range []string{"sue", "nobody"} {
		if err := c.both.Send(t.Context(), who, week, "", true); err == nil {
			t.Errorf("%s has sent it", who)
		}
	}
	if err := c.both.Send(t.Context(), "mia", week, strings.Repeat("x", figures.MaxNote+1), true); !errors.Is(err, figures.ErrNote) {
		t.Errorf("a long note: %v", err)
	}
	if err := c.both.Send(t.Context(), "mia", week.AddDays(-7), "", true); !errors.Is(err, figures.ErrNoWeek) {
		t.Errorf("a week without a report: %v", err)
	}
	if err := c.both.Send(t.Context(), "mia", week, "Well *done*.", true); err != nil {
		t.Fatal(err)
	}
	if err := c.both.Send(t.Context(), "mia", week, "", false); !errors.Is(err, figures.ErrDecided) {
		t.Errorf("decided again: %v", err)
	}
	var told string
	if err := c.database.Super(t).QueryRow(t.Context(), `SELECT string_agg(identity_id, ' ' ORDER BY identity_id) FROM staff_mail WHERE kind = 'weekly' AND detail->'Body'->>'en' LIKE '> Well \\*done\\*\\.%'`).Scan(&told); err != nil || told != "fay mia sue" {
		t.Errorf("told: %q, %v", told, err)
	}
	if list := weeklies(); list[0].State != figures.Sent || list[0].Mails != 3 || list[0].DecidedBy != "mia" {
		t.Errorf("%+v", list[0])
	}
}
