package writeback_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/outbound"
	"offramp/internal/outbox"
	"offramp/migration"
	"offramp/migration/writeback"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var staff = migration.Actor{ID: "staff", Kind: audit.Staff}

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// call is one request that the receiver got.
type call struct {
	ID, Type, Subject string
	Version           int
	Header            http.Header
	Body              []byte
}

// receiver is another system. reply decides its answer.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
	reply func(w http.ResponseWriter, c call)
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{reply: func(http.ResponseWriter, call) {}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		var e struct {
			ID, Type, Subject string
			Data              struct{ Version int }
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		c := call{ID: e.ID, Type: e.Type, Subject: e.Subject, Version: e.Data.Version, Header: request.Header, Body: body}
		r.mu.Lock()
		r.calls = append(r.calls, c)
		reply := r.reply
		r.mu.Unlock()
		reply(w, c)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func (r *receiver) answer(reply func(w http.ResponseWriter, c call)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = reply
}

func status(code int) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, _ call) { w.WriteHeader(code) }
}

// fixture is one database with a dispatcher that delivers to one receiver.
type fixture struct {
	*testing.T
	database localtest.TestDatabase
	db       *db.DB
	clock    *clock.Manual
	receiver *receiver
	hooks    *writeback.Service
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: clock.NewManual(noon), database: localtest.Database(t), receiver: newReceiver(t)}
	f.db = f.database.Open(t, db.Options{Clock: f.clock})
	inEffect(t, f.database, 1, noon.Add(-time.Hour), "crm")
	f.hooks = service(f.db, f.receiver.URL, time.Second)
	return f
}

// inEffect puts a version of a programme into effect that names these sinks.
func inEffect(t testing.TB, d localtest.TestDatabase, version int, at time.Time, sinks ...string) {
	t.Helper()
	source := "sinks: []\n"
	if len(sinks) > 0 {
		source = "sinks: [{name: " + strings.Join(sinks, "}, {name: ") + "}]\n"
	}
	super := d.Super(t)
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO programme_version (version, state, source, digest, proposed_by, proposed_at) VALUES ($1, 'proposed', $2, '', 'one', $3)`, []any{version, source, at}},
		{`UPDATE programme_version SET state = 'superseded' WHERE state = 'active'`, nil},
		{`UPDATE programme_version SET state = 'active', approved_by = 'two', approved_at = $2 WHERE version = $1`, []any{version, at}},
	} {
		if _, err := super.Exec(t.Context(), s.sql, s.args...); err != nil {
			t.Fatal(err)
		}
	}
}

func service(d *db.DB, url string, timeout time.Duration) *writeback.Service {
	return worker(d, "worker", writeback.Sink{URL: url, Secret: secret}, timeout)
}

// worker is a dispatcher that was told this of every sink.
func worker(d *db.DB, name string, end writeback.Sink, timeout time.Duration) *writeback.Service {
	return writeback.New(d, writeback.Options{
		Worker: name, End: func(string) writeback.Sink { return end }, Record: migration.NewProgrammes(d).RecordSinks,
		Client: outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: timeout}),
		Source: "https://moving.example.com", Logger: slog.New(slog.DiscardHandler),
	})
}

func (f *fixture) tell(customer string, versions ...int) {
	f.Helper()
	for _, v := range versions {
		if err := f.db.InTx(f.Context(), db.CustomerScope(customer), func(tx *db.Tx) error { return appendEvent(f.Context(), tx, customer, v) }); err != nil {
			f.Fatal(err)
		}
	}
}

func appendEvent(ctx context.Context, tx *db.Tx, customer string, version int) error {
	return outbox.Append(ctx, tx, outbox.Event{
		Type: "offramp.customer.status.changed.v1", CustomerID: customer, Version: version, Subject: "REF-" + customer,
		Data: map[string]any{"version": version},
	})
}

func (f *fixture) sweep() {
	f.Helper()
	if err := f.hooks.Sweep(f.Context()); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) deliveries() []writeback.Delivery {
	f.Helper()
	list, err := f.hooks.List(f.Context(), db.SystemScope("test"), writeback.Filter{Limit: 10_000})
	if err != nil {
		f.Fatal(err)
	}
	slices.Reverse(list) // oldest first
	return list
}

func (f *fixture) versions() (got []int) {
	for _, c := range f.receiver.got() {
		got = append(got, c.Version)
	}
	return got
}

func (f *fixture) want(versions ...int) {
	f.Helper()
	if got := f.versions(); !slices.Equal(got, versions) {
		f.Errorf("receiver got versions %v, want %v", got, versions)
	}
}

func TestO01_RollbackTellsNothingAndCommitTellsOnce(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	boom := errors.New("boom")
	err := f.db.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error {
		return errors.Join(appendEvent(t.Context(), tx, "a", 1), boom)
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	f.sweep()
	f.want()
	f.tell("a", 1)
	f.sweep()
	f.sweep()
	f.want(1)
	if d := f.deliveries(); len(d) != 1 || d[0].State != writeback.Delivered || d[0].Attempts != 1 {
		t.Errorf("%+v", d)
	}
}

func TestEventsAreSignedCloudEvents(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 7)
	f.sweep()
	calls := f.receiver.got()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	c := calls[0]
	key, err := webhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(c.Body, c.Header); err != nil {
		t.Error(err)
	}
	if got := c.Header.Get("Content-Type"); got != "application/cloudevents+json" {
		t.Error(got)
	}
	if c.Header.Get("Webhook-Id") != c.ID || !strings.HasPrefix(c.ID, "msg_") {
		t.Errorf("id %q in the header, %q in the event", c.Header.Get("Webhook-Id"), c.ID)
	}
	var e map[string]any
	if err := json.Unmarshal(c.Body, &e); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"specversion": "1.0", "type": "offramp.customer.status.changed.v1", "source": "https://moving.example.com", "subject": "REF-a",
		"time": "2026-11-21T12:00:00Z", "datacontenttype": "application/json", "sequence": "0000000007", "partitionkey": "REF-a",
	} {
		if e[name] != want {
			t.Errorf("%s is %v, want %s", name, e[name], want)
		}
	}
}

func TestACustomersEventsArriveInOrder(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 1, 2, 3)
	f.receiver.answer(status(http.StatusInternalServerError))
	f.sweep()
	f.want(1) // 2 and 3 wait for 1
	f.receiver.answer(status(http.StatusNoContent))
	f.tell("a", 4)
	f.sweep()
	f.want(1) // not due yet
	f.clock.Advance(6 * time.Second)
	f.sweep()
	f.want(1, 1, 2, 3, 4)
}

func TestALongRowOfEventsIsDeliveredInOneSweep(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	var all []int
	for v := 1; v <= 65; v++ {
		all = append(all, v)
	}
	f.tell("a", all...)
	f.sweep()
	f.want(all...)
}

func TestO03_GoneDisablesTheSink(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 1, 2)
	f.tell("b", 1)
	f.receiver.answer(status(http.StatusGone))
	f.sweep()
	before := len(f.receiver.got())
	f.clock.Advance(100 * time.Hour)
	f.sweep()
	if n := len(f.receiver.got()); n != before {
		t.Errorf("%d more calls after 410", n-before)
	}
	summary, err := f.hooks.Summary(t.Context(), db.SystemScope("test"))
	if err != nil {
		t.Fatal(err)
	}
	if s := summary[0]; s.DisabledAt == nil || s.Reason != "HTTP 410 Gone" || s.Pending != 3 {
		t.Errorf("%+v", s)
	}
	var acts int
	read := func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), `SELECT count(*) FROM audit WHERE act = 'sink.disable' AND actor_kind = $1`, audit.System).Scan(&acts)
	}
	if err := f.db.InTx(t.Context(), db.SystemScope("test"), read); err != nil || acts != 1 {
		t.Errorf("%d audit rows, %v", acts, err)
	}
	f.receiver.answer(status(http.StatusOK))
	if err := f.hooks.Enable(t.Context(), staff, "crm"); err != nil {
		t.Fatal(err)
	}
	f.sweep()
	for _, d := range f.deliveries() {
		if d.State != writeback.Delivered {
			t.Errorf("%s %d is %s after the sink was enabled", d.CustomerID, d.Version, d.State)
		}
	}
}

func TestO03_RetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		f := setUp(t)
		f.tell("a", 1)
		f.receiver.answer(func(w http.ResponseWriter, _ call) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(code)
		})
		f.sweep()
		f.receiver.answer(status(http.StatusOK))
		f.tell("b", 1) // the sink as a whole rests
		f.clock.Advance(119 * time.Second)
		f.sweep()
		f.want(1)
		f.clock.Advance(2 * time.Second)
		f.sweep()
		f.want(1, 1, 1)
	}
}

func TestO03_WhatIsNoSuccessIsTriedAgain(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	for name, reply := range map[string]func(http.ResponseWriter, call){
		"a redirect": func(w http.ResponseWriter, _ call) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		},
		"a refusal": status(http.StatusBadRequest),
		"silence":   func(http.ResponseWriter, call) { <-release },
		"a huge body": func(w http.ResponseWriter, _ call) {
			for range 200 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1024))
				w.(http.Flusher).Flush()
			}
		},
	} {
		f := setUp(t)
		f.hooks = service(f.db, f.receiver.URL, 200*time.Millisecond)
		f.tell("a", 1)
		f.receiver.answer(reply)
		f.sweep()
		if d := f.deliveries()[0]; d.State != writeback.Pending || d.Attempts != 1 || d.LastError == "" || !d.NextAt.After(noon) {
			t.Errorf("after %s: %+v", name, d)
		}
	}
	close(release)
}

func TestO04_ASinkAtAnInternalAddressIsNotReached(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.hooks = service(f.db, "http://169.254.169.254/latest/meta-data", time.Second)
	f.tell("a", 1)
	f.sweep()
	if d := f.deliveries()[0]; d.Attempts != 1 || !strings.Contains(d.LastError, "not public") || strings.Contains(d.LastError, "meta-data") {
		t.Errorf("%+v", d)
	}
}

func TestO05_TwoDispatchersSendNothingTwice(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	const customers, events = 60, 5
	for c := range customers {
		f.tell(fmt.Sprintf("c%02d", c), 1, 2, 3, 4, 5)
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			other := service(f.database.Open(t, db.Options{Clock: f.clock}), f.receiver.URL, time.Second)
			for range 5 {
				if err := other.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	f.sweep() // a sweep may have left what the other had claimed
	last, ids := map[string]int{}, map[string]bool{}
	for _, c := range f.receiver.got() {
		if ids[c.ID] {
			t.Errorf("%s came twice", c.ID)
		}
		ids[c.ID] = true
		if c.Version != last[c.Subject]+1 {
			t.Errorf("%s: version %d after %d", c.Subject, c.Version, last[c.Subject])
		}
		last[c.Subject] = c.Version
	}
	if len(ids) != customers*events {
		t.Errorf("%d events arrived, want %d", len(ids), customers*events)
	}
}

// TestDispatcherProcess is no test of its own: TestO05_ADuplicateAfterAKillKeepsItsID starts and kills it.
func TestDispatcherProcess(t *testing.T) {
	database, sink := os.Getenv("OFFRAMP_TEST_DISPATCHER_DATABASE"), os.Getenv("OFFRAMP_TEST_DISPATCHER_SINK")
	if database == "" {
		t.Skip("started by another test")
	}
	d, err := db.Open(t.Context(), database, db.Options{Clock: clock.NewManual(noon)})
	if err != nil {
		t.Fatal(err)
	}
	if err := service(d, sink, time.Minute).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestO05_ADuplicateAfterAKillKeepsItsID(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	f.receiver.answer(func(http.ResponseWriter, call) { arrived <- struct{}{}; <-release })
	f.tell("a", 1, 2)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDispatcherProcess$")
	cmd.Env = append(os.Environ(), "OFFRAMP_TEST_DISPATCHER_DATABASE="+f.database.AppURL, "OFFRAMP_TEST_DISPATCHER_SINK="+f.receiver.URL)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("the process sent nothing")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	close(release)
	f.receiver.answer(status(http.StatusOK))

	f.sweep()
	f.want(1) // the dead dispatcher's lease still holds
	f.clock.Advance(4 * time.Minute)
	f.sweep()
	f.want(1, 1, 2)
	if calls := f.receiver.got(); calls[0].ID != calls[1].ID || calls[0].ID == calls[2].ID {
		t.Errorf("ids %s, %s, %s", calls[0].ID, calls[1].ID, calls[2].ID)
	}
}

func TestO06_APoisonEventIsParkedAndTheOthersFlow(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.tell("a", 1, 2)
	f.tell("b", 1)
	f.receiver.answer(func(w http.ResponseWriter, c call) {
		if c.Subject == "REF-a" && c.Version == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	for range 10 {
		f.sweep()
		f.clock.Advance(27 * time.Hour)
	}
	byKey := map[string]writeback.Delivery{}
	for _, d := range f.deliveries() {
		byKey[fmt.Sprint(d.CustomerID, d.Version)] = d
	}
	if d := byKey["a1"]; d.State != writeback.Parked || d.Attempts != 10 {
		t.Errorf("the poison event: %+v", d)
	}
	if byKey["a2"].State != writeback.Delivered || byKey["b1"].State != writeback.Delivered {
		t.Errorf("the others: %s, %s", byKey["a2"].State, byKey["b1"].State)
	}
	f.receiver.answer(status(http.StatusOK))
	if n, err := f.hooks.Replay(t.Context(), staff, "crm", byKey["a1"].EventID); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	f.sweep()
	if c := f.receiver.got(); c[len(c)-1].ID != byKey["a1"].EventID {
		t.Error("the replayed event did not arrive under its id")
	}
	if _, err := f.hooks.Replay(t.Context(), staff, "crm", byKey["a1"].EventID); !errors.Is(err, writeback.ErrUnknownDelivery) {
		t.Errorf("replay of a delivered event: %v", err)
	}
}

func TestRunDeliversSoonAndStopsCleanly(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.hooks.Run(ctx) }()
	arrived := make(chan struct{}, 1)
	f.receiver.answer(func(http.ResponseWriter, call) { arrived <- struct{}{} })
	began := time.Now()
	f.tell("a", 1)
	select {
	case <-arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing arrived")
	}
	t.Logf("arrived after %v", time.Since(began))
	stop()
	<-done
	if d := f.deliveries()[0]; d.State != writeback.Delivered {
		t.Errorf("%s after the dispatcher stopped", d.State)
	}
}
