package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/internal/db"
	"offramp/internal/outbound"
	"offramp/migration"
	"offramp/migration/writeback"
)

// TestSinksCommand takes a receiver from down to given up and back by the command line alone.
func TestSinksCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("sinks").want(t, 0, "The programme has no sinks.")
	w.inEffect()
	w.run("import").want(t, 0)
	w.run("sinks", "list").want(t, 0, "crm", "unserved", "nobody")

	var code atomic.Int32
	code.Store(http.StatusGone)
	var got atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var e struct{ ID string }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil || !strings.HasPrefix(e.ID, "msg_") {
			t.Errorf("%+v, %v", e, err)
		}
		got.Add(1)
		rw.WriteHeader(int(code.Load()))
	}))
	t.Cleanup(receiver.Close)
	deliver := func() {
		t.Helper()
		d := w.database.Open(t, db.Options{})
		hooks := writeback.New(d, writeback.Options{
			Worker: "worker-1", End: func(string) writeback.Sink {
				return writeback.Sink{URL: receiver.URL, Secret: w.env["OFFRAMP_SINK_CRM_SECRET"]}
			},
			Record: migration.NewProgrammes(d).RecordSinks, Source: "https://moving.example.com", Logger: slog.New(slog.DiscardHandler),
			Client: outbound.NewClient(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 10 * time.Second}),
		})
		if err := hooks.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	deliver()
	w.run("sinks", "list").want(t, 0, "crm", "off", "worker-1", "switched off", "HTTP 410 Gone", "offramp sinks enable crm")
	w.run("sinks", "enable", "crm", "--by", "ops").want(t, 0, "crm is on. 2 deliveries wait")
	w.run("sinks", "enable", "crm").want(t, 1, "This sink is not switched off")
	w.run("sinks", "enable", "nobody").want(t, 1, "The programme has no sink with this name")
	if _, err := w.database.Super(t).Exec(t.Context(), `UPDATE outbox_delivery SET state = 'parked', done_at = now(), last_error = 'HTTP 400 Bad Request'`); err != nil {
		t.Fatal(err)
	}
	w.run("sinks", "list").want(t, 0, "given up:", "HTTP 400 Bad Request", "B-1", "B-2")
	w.run("sinks", "send-missed", "crm", "--since", "1h", "--dry-run").want(t, 0, "2 given up", "2 events of 2 customers would be sent; nothing was done.")
	w.run("sinks", "send-missed", "crm", "--since", "soon").want(t, 1, `--since: "soon" is neither an instant`)
	w.run("sinks", "send-missed", "crm", "--since", "2099-01-01T00:00:00Z").want(t, 1, "has not come yet")
	w.run("sinks", "send-missed", "crm").want(t, 2, "missing flags: --since")
	w.run("sinks", "replay", "crm", "--event", "msg_none").want(t, 1, "not waiting to be sent again")
	w.run("sinks", "replay", "crm", "--by", "ops").want(t, 0, "crm: 2 deliveries are sent again.")
	code.Store(http.StatusOK)
	before := got.Load()
	deliver()
	if n := got.Load() - before; n != 2 {
		t.Errorf("%d arrived, want 2", n)
	}
	w.run("sinks", "send-missed", "crm", "--since", "1h", "--again").want(t, 0, "2 delivered", "2 events of 2 customers are sent.")
	w.run("sinks", "list").want(t, 0, "working", "last answers:", "HTTP 200, delivered")
	if n := w.count(`SELECT count(*) FROM audit WHERE actor_kind = 'operator' AND act IN ('sink.enable', 'sink.replay', 'sink.send_missed')`); n != 3 {
		t.Errorf("%d acts are recorded", n)
	}
}
