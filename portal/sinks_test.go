package portal_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// connect declares two sinks: one that has worked, failed and given up, and one that no worker can serve.
func (w *world) connect() { w.connected("") }

// connected is connect under a version with this file.
func (w *world) connected(source string) {
	w.Helper()
	w.exec(`INSERT INTO programme_version (version, state, source, digest, proposed_by, proposed_at) VALUES (7, 'proposed', $2, '', 'one', $1)`, day.AddDate(0, -1, 0), source)
	w.exec(`UPDATE programme_version SET state = 'active', approved_by = 'two', approved_at = $1 WHERE version = 7`, day.AddDate(0, -1, 0))
	w.exec(`INSERT INTO programme_sinks (version, names) VALUES (7, '{crm,lake}')`)
	w.exec(`INSERT INTO sink (name, disabled_at, reason, tried_at, delivered_at, failing_since, answers) VALUES ('crm', $1, 'HTTP 410 Gone', $1, $1, $1,
		jsonb_build_array(jsonb_build_object('at', $1::timestamptz, 'event', 'msg_two', 'status', 410, 'fault', 'HTTP 410 Gone', 'ms', 12)))`, day)
	w.exec(`INSERT INTO sink_worker (sink, worker, want, seen_at) VALUES ('crm', 'worker-1', '', now()), ('lake', 'worker-1', 'secret', now())`)
	for i, id := range []string{"msg_one", "msg_two", "msg_three"} {
		w.exec(`INSERT INTO outbox_event (id, customer_id, version, type, subject, data, at, spread, spread_by)
			VALUES ($1, 'a', $2, 'test', 'HZ-20418', '{}', $3, true, 7)`, id, 90+i, day.AddDate(0, 0, -i-1))
	}
	w.exec(`INSERT INTO outbox_delivery (event_id, sink, customer_id, version, state, attempts, next_at, last_error, created_at, done_at) VALUES
		('msg_one', 'crm', 'a', 90, 'parked', 10, $1, 'HTTP 400 Bad Request', $1, $1), ('msg_two', 'crm', 'a', 91, 'pending', 1, $1, 'HTTP 410 Gone', $1, NULL)`, day)
}

func TestOperatorsSeeHowSinksStand(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.shows("operator", "/console/ops", "crm is switched off", "No worker can deliver to lake", "OFFRAMP_SINK_LAKE_SECRET")
	w.shows("operator", "/console/ops/sinks", "crm", "lake", "Switched off", "Nobody delivers")
	body := w.shows("operator", "/console/ops/sinks/crm", "HTTP 410 Gone", "HTTP 400 Bad Request", "msg_one", "worker-1", "Send the event again", "Switch on")
	w.hides(body, "HZ-20418")
	w.shows("operator", "/console/ops/sinks/lake", "worker-1 (no secret)")
	if a := w.do("operator", "GET", "/console/ops/sinks/nobody", "", nil); a.status != 404 {
		t.Errorf("a sink that does not exist: %d", a.status)
	}
}

func TestOperatorsSwitchASinkOnAndSendAgain(t *testing.T) {
	w := newWorld(t)
	w.connect()
	const crm = "/console/ops/sinks/crm"
	for _, c := range []struct {
		path   string
		form   url.Values
		status int
	}{
		{crm + "/enable", nil, 303},
		{crm + "/enable", nil, 409},
		{"/console/ops/sinks/nobody/enable", nil, 404},
		{crm + "/replay", url.Values{"event": {"msg_two"}}, 404},
		{crm + "/replay", url.Values{"event": {"msg_one"}}, 303},
		{crm + "/replay", nil, 303},
		{crm + "/replay", url.Values{"event": {strings.Repeat("x", 200)}}, 422},
		{crm + "/replay", url.Values{"other": {"x"}}, 400},
		{crm + "/send-missed", nil, 400},
		{crm + "/send-missed", url.Values{"since": {"2026-11-01T00:00:00Z"}, "until": {"2099-01-01T00:00:00Z"}}, 400},
		{crm + "/send-missed", url.Values{"since": {"2026-11-02T00:00:00Z"}, "until": {"2026-11-01T00:00:00Z"}}, 400},
	} {
		if a := w.post("operator", c.path, c.form); a.status != c.status {
			t.Errorf("%s %v: %d, want %d", c.path, c.form, a.status, c.status)
		}
	}
	for act, want := range map[string]int{"sink.enable": 1, "sink.replay": 2, "sink.send_missed": 0} {
		if acts := w.acts(act); len(acts) != want {
			t.Errorf("%s recorded: %q", act, acts)
		}
	}
}

// TestOperatorsCountBeforeTheySend goes through the form: what cannot be read comes back with its error, the count names each kind,
// and what is sent is what was counted.
func TestOperatorsCountBeforeTheySend(t *testing.T) {
	w := newWorld(t)
	w.connect()
	const crm = "/console/ops/sinks/crm"
	for value, says := range map[string]string{"yesterday": "Enter a date, or a date and a time", "2027-05-01": "Enter a time that has passed", "": "Enter a date"} {
		a := w.do("operator", "GET", crm+"?since="+url.QueryEscape(value), "", nil)
		if a.status != 422 || !strings.Contains(a.body, says) || !strings.Contains(a.body, `value="`+value+`"`) {
			t.Errorf("since %q: %d, without %q or the value", value, a.status, says)
		}
	}
	body := w.shows("operator", crm+"?since=2026-11-01+08%3A00", "3 events of", "Given up: 1", "Waiting for another try: 1", "Never meant for this sink: 1", "Send 3 events")
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="(since|until|again)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	if a := w.post("operator", crm+"/send-missed", form); a.status != 303 {
		t.Fatalf("%v: %d %s", form, a.status, a.body)
	}
	if n := w.count(`SELECT count(*) FROM outbox_delivery WHERE sink = 'crm' AND state = 'pending' AND attempts = 0`); n != 3 {
		t.Errorf("%d deliveries wait", n)
	}
	if acts := w.acts("sink.send_missed"); len(acts) != 1 || !strings.Contains(acts[0], "deliveries:3") {
		t.Errorf("recorded: %q", acts)
	}
}

// TestH02_SinksAndJobsInABrowser looks at the pages in both languages, and at River's inside ours.
func TestH02_SinksAndJobsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.requestExport("owner", "a")
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Open(base + "/test-as/operator")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("operator", tag)
		for _, path := range []string{"/console/ops/sinks", "/console/ops/sinks/crm?since=2026-11-01", "/console/ops/sinks/lake"} {
			w.look(tab, base, tag, path)
		}
	}
	tab.Open(base + "/console/ops/queue")
	if !localtest.Eval[bool](tab, `new Promise(done => { const look = () => document.querySelector('iframe').contentDocument?.querySelector("ul li a[href*='/jobs/']") ? done(true) : setTimeout(look, 100); look() })`) {
		t.Error("River's pages do not come inside ours")
	}
	w.see(tab, "queue-zh", 390, 1280)
}
