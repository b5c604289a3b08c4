package writeback_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/writeback"
)

// keyless is a worker that was not told the sink's address and secret.
func (f *fixture) keyless() *writeback.Service {
	return worker(f.db, "keyless", writeback.Sink{}, time.Second)
}

// TestO02_ReceiverDownForADay is a receiver that gives no answer for 24 hours while customers move. Two workers that can serve it and
// one that cannot take turns; every event arrives, in order for each customer. OFFRAMP_TEST_FULL=1 takes 100,000 events.
func TestO02_ReceiverDownForADay(t *testing.T) {
	t.Parallel()
	customers, events := 100, 20
	if os.Getenv("OFFRAMP_TEST_FULL") != "" {
		customers = 5000
	}
	f := setUp(t)
	f.receiver.answer(func(http.ResponseWriter, call) { panic(http.ErrAbortHandler) })
	workers := []*writeback.Service{f.keyless(), f.hooks, service(f.database.Open(t, db.Options{Clock: f.clock}), f.receiver.URL, time.Second)}
	happen := func(from, to int) {
		const sql = `INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at)
			SELECT 'msg_' || md5(c || '-' || v), 'c' || c, v, 'offramp.customer.status.changed.v1', 'REF-c' || c, jsonb_build_object('version', v), $4
			  FROM generate_series(1, $1) c, generate_series($2::int, $3::int) v`
		if _, err := f.database.Super(t).Exec(t.Context(), sql, customers, from, to, f.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	round := func() {
		var group sync.WaitGroup
		for _, w := range workers {
			group.Go(func() {
				if err := w.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	happen(1, events/2)
	for range 24 {
		round()
		f.clock.Advance(time.Hour)
	}
	happen(events/2+1, events)
	if n := f.delivered(); n != 0 {
		t.Fatalf("%d events are taken for delivered to a receiver that is down", n)
	}
	down := len(f.receiver.got())
	f.receiver.answer(status(http.StatusNoContent))
	for range 40 { // what failed last waits for up to 14 hours and a tenth
		round()
		f.clock.Advance(time.Hour)
	}
	if n := f.delivered(); n != customers*events {
		t.Errorf("%d events are delivered, want %d", n, customers*events)
	}
	last := map[string]int{}
	for _, c := range f.receiver.got()[down:] {
		if c.Version != last[c.Subject]+1 {
			t.Fatalf("%s: version %d came behind %d", c.Subject, c.Version, last[c.Subject])
		}
		last[c.Subject] = c.Version
	}
	if len(last) != customers {
		t.Errorf("%d customers' events arrived, want %d", len(last), customers)
	}
	t.Logf("%d events, %d calls while the receiver was down", customers*events, down)
}

func (f *fixture) delivered() (n int) {
	f.Helper()
	if err := f.database.Super(f.T).QueryRow(f.Context(), `SELECT count(*) FROM outbox_delivery WHERE state = 'delivered'`).Scan(&n); err != nil {
		f.Fatal(err)
	}
	return n
}

func (f *fixture) sink(name string) writeback.Summary {
	f.Helper()
	s, err := f.hooks.Sink(f.Context(), db.SystemScope("test"), name)
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// TestO02_AWorkerThatCannotServeASinkLeavesItsEventsWaiting lets such a worker be the only one, and the first to see each event.
func TestO02_AWorkerThatCannotServeASinkLeavesItsEventsWaiting(t *testing.T) {
	t.Parallel()
	for want, end := range map[writeback.Want]writeback.Sink{
		writeback.Address: {Secret: secret}, writeback.Secret: {URL: "http://127.0.0.1:9"}, writeback.ValidSecret: {URL: "http://127.0.0.1:9", Secret: "whsec_!"},
	} {
		f := setUp(t)
		var log bytes.Buffer
		alone := worker(f.db, "poor", end, time.Second)
		alone.Logger = slog.New(slog.NewTextHandler(&log, nil))
		f.tell("a", 1, 2)
		for range 3 {
			if err := alone.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s := f.sink("crm")
		if s.Health() != writeback.Unserved || s.Pending != 2 || !slices.Equal(s.Workers, []writeback.Server{{Worker: "poor", Want: want}}) {
			t.Errorf("without %s: %s, %+v", want, s.Health(), s)
		}
		if n := strings.Count(log.String(), "cannot serve a sink"); n != 1 || !strings.Contains(log.String(), "wants="+string(want)) {
			t.Errorf("without %s it says so %d times: %s", want, n, log.String())
		}
		f.sweep()
		f.want(1, 2)
		if s := f.sink("crm"); s.Health() != writeback.Working || s.Workers[0] != (writeback.Server{Worker: "worker"}) {
			t.Errorf("%s, %+v", s.Health(), s.Workers)
		}
	}
}

// TestO02_TheProgrammeInTheDatabaseDecidesWhereEventsGo changes the programme behind workers that already run.
func TestO02_TheProgrammeInTheDatabaseDecidesWhereEventsGo(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.sweep()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.keyless().Run(ctx) }()
	f.tell("a", 1)
	f.until("the first event is spread", func() bool { return f.sink("crm").Pending == 1 })
	inEffect(t, f.database, 2, noon, "crm", "lake")
	if err := migration.NewProgrammes(f.db).RecordSinks(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.tell("a", 2) // less than the worker's look at the list later
	f.until("the second event is spread", func() bool { return f.sink("crm").Pending == 2 })
	if s := f.sink("lake"); s.Pending != 1 {
		t.Errorf("the sink that was just declared has %d events, want 1", s.Pending)
	}
	stop()
	<-done
}

// TestO02_WithoutAProgrammeEventsWait also for a version whose sinks nobody has written down.
func TestO02_WithoutAProgrammeEventsWait(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	if _, err := f.database.Super(t).Exec(t.Context(), `UPDATE programme_version SET state = 'superseded'`); err != nil {
		t.Fatal(err)
	}
	f.tell("a", 1)
	f.sweep()
	inEffect(t, f.database, 2, noon, "crm")
	forgetful := worker(f.db, "forgetful", writeback.Sink{URL: f.receiver.URL, Secret: secret}, time.Second)
	forgetful.Record = nil
	if err := forgetful.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.want()
	f.sweep()
	f.want(1)
}

// TestO02_LostEventsAreFoundAndSent has events that a binary of before spread to nobody, and one whose delivery vanished.
func TestO02_LostEventsAreFoundAndSent(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.sweep()
	f.tell("a", 1, 2)
	f.sweep()
	f.clock.Advance(time.Minute)
	f.tell("a", 3, 4)
	f.tell("b", 1)
	super := f.database.Super(t)
	for _, sql := range []string{
		`UPDATE outbox_event SET spread = true WHERE customer_id = 'a' AND version >= 3`,
		`UPDATE outbox_event SET at = '2026-11-01', spread = true WHERE customer_id = 'b'`, // before any sink was declared
		`DELETE FROM outbox_delivery WHERE version = 2`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	f.sweep()
	f.want(1, 2) // as it was
	for _, want := range []int{3, 0} {
		if n, err := f.hooks.Compare(t.Context()); n != want || err != nil {
			t.Fatalf("%d events had no delivery, want %d: %v", n, want, err)
		}
	}
	f.sweep()
	f.want(1, 2, 2, 3, 4)
}

// TestO02_LostEventsOfAnInstallationAreFoundAtStart is the repair that needs nobody.
func TestO02_LostEventsOfAnInstallationAreFoundAtStart(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 1, 2)
	if _, err := f.database.Super(t).Exec(t.Context(), `UPDATE outbox_event SET spread = true`); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.hooks.Run(ctx) }()
	f.until("both arrived", func() bool { return slices.Equal(f.versions(), []int{1, 2}) })
	stop()
	<-done
}

// until waits for something that other goroutines bring about.
func (f *fixture) until(what string, is func() bool) {
	f.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			f.Fatalf("not in time: %s", what)
		}
	}
}

// TestO06_WhatASinkHasMissedIsSentInOrder counts first, then sends: what was parked, what waits, and on demand all of it.
func TestO06_WhatASinkHasMissedIsSentInOrder(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 1)
	f.sweep()
	f.clock.Advance(time.Hour)
	since := f.clock.Now()
	f.tell("a", 2, 3)
	f.sweep()
	f.clock.Advance(time.Hour)
	f.receiver.answer(status(http.StatusInternalServerError))
	f.tell("a", 4, 5)
	f.sweep()
	ids := map[int]string{}
	for _, c := range f.receiver.got() {
		ids[c.Version] = c.ID
	}
	span := writeback.MissedSpan{Sink: "crm", Since: since, Until: f.clock.Now()}
	found, err := f.hooks.CountMissed(t.Context(), db.SystemScope("test"), span)
	if err != nil || found.Waiting != 2 || found.Delivered != 2 || found.Customers != 1 || found.Total(false) != 2 || found.Total(true) != 4 {
		t.Errorf("%+v, %v", found, err)
	}
	f.receiver.answer(status(http.StatusOK))
	if _, err := f.hooks.SendMissed(t.Context(), staff, span); err != nil {
		t.Fatal(err)
	}
	f.sweep()
	f.want(1, 2, 3, 4, 4, 5)
	span.Again = true
	if _, err := f.hooks.SendMissed(t.Context(), staff, span); err != nil {
		t.Fatal(err)
	}
	f.sweep()
	f.want(1, 2, 3, 4, 4, 5, 2, 3, 4, 5)
	for _, c := range f.receiver.got() {
		if known := ids[c.Version]; known != "" && known != c.ID {
			t.Errorf("version %d came as %s and as %s", c.Version, known, c.ID)
		}
	}
	for _, wrong := range []writeback.MissedSpan{{Sink: "crm", Since: span.Until, Until: since}, {Sink: "crm", Until: since}, {Sink: "nobody", Since: since, Until: span.Until}} {
		if _, err := f.hooks.SendMissed(t.Context(), staff, wrong); err == nil {
			t.Errorf("%+v is sent", wrong)
		}
	}
	if acts := f.acts("sink.send_missed"); len(acts) != 2 || !strings.Contains(acts[1], `"again": true`) {
		t.Errorf("recorded: %q", acts)
	}
}

func (f *fixture) acts(act string) (details []string) {
	f.Helper()
	rows, err := f.database.Super(f.T).Query(f.Context(), `SELECT (detail - 'recorded')::text FROM audit WHERE act = $1 ORDER BY seq`, act)
	if err != nil {
		f.Fatal(err)
	}
	if details, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		f.Fatal(err)
	}
	return details
}

// TestASinksAnswersAreKept shows its health as it goes from good to bad and back.
func TestASinksAnswersAreKept(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.sweep()
	if s := f.sink("crm"); s.Health() != writeback.Untried {
		t.Error(s.Health())
	}
	f.tell("a", 1)
	f.sweep()
	f.receiver.answer(status(http.StatusBadGateway))
	f.clock.Advance(time.Hour)
	f.tell("a", 2)
	f.sweep()
	s := f.sink("crm")
	if s.Health() != writeback.Failing || s.FailingSince == nil || !s.FailingSince.Equal(f.clock.Now()) || len(s.Answers) != 2 ||
		s.Answers[0].Status != 502 || s.Answers[0].Fault == "" || s.Answers[1].Status != 200 {
		t.Errorf("%s %+v", s.Health(), s)
	}
	f.clock.Advance(time.Minute)
	if lag := f.sink("crm").Lag(f.clock.Now()); lag != time.Minute {
		t.Errorf("lag %s", lag)
	}
	f.receiver.answer(status(http.StatusOK))
	for v := 3; v < 30; v++ {
		f.tell("b", v)
	}
	f.sweep()
	if s := f.sink("crm"); s.Health() != writeback.Working || len(s.Answers) != 20 || s.FailingSince != nil {
		t.Errorf("%s %d answers, failing since %v", s.Health(), len(s.Answers), s.FailingSince)
	}
	inEffect(t, f.database, 2, f.clock.Now())
	f.sweep()
	if s := f.sink("crm"); s.Health() != writeback.Removed || s.Named {
		t.Errorf("%s %+v", s.Health(), s)
	}
	if err := f.hooks.Enable(t.Context(), staff, "crm"); !errors.Is(err, writeback.ErrSinkOn) {
		t.Errorf("enabled a sink that is on: %v", err)
	}
	if err := f.hooks.Enable(t.Context(), staff, "nobody"); !errors.Is(err, writeback.ErrUnknownSink) {
		t.Errorf("enabled a sink that does not exist: %v", err)
	}
}

// TestReminderSpeaksInGrowingIntervals counts how often something that lasts a day is spoken of.
func TestReminderSpeaksInGrowingIntervals(t *testing.T) {
	t.Parallel()
	said := writeback.Remind(24*time.Hour, time.Second)
	if len(said) != 4+23 || said[0] != 0 || said[1] != time.Minute || said[2] != 6*time.Minute {
		t.Errorf("%d times: %v", len(said), said)
	}
}
