package portal_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// sameOrigin is what a browser says of a request by our own page.
var sameOrigin = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"}}

func TestOperatorsSeeWhatRunsAndWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.requestExport("owner", "a")
	w.exec(`INSERT INTO river_queue (name, created_at, updated_at, paused_at) VALUES ('export', now(), now(), now())`)
	w.shows("operator", "/console/ops", "No worker is running", "export", "Paused", "Queued")
	w.shows("operator", "/console/ops/jobs/api/jobs?state=available&limit=20", `"kind":"export"`)
}

// TestA10_ChangesToTheQueueAreRecordedAndOurOwn holds that River's pages change nothing unseen, and nothing for other sites.
func TestA10_ChangesToTheQueueAreRecordedAndOurOwn(t *testing.T) {
	w := newWorld(t)
	w.requestExport("owner", "a")
	w.exec(`INSERT INTO river_queue (name, created_at, updated_at) VALUES ('export', now(), now())`)
	const pause = "/console/ops/jobs/api/queues/export/pause"
	for _, c := range []struct {
		who, origin string
		status      int
	}{{"support", "same-origin", 403}, {"operator", "cross-site", 403}, {"operator", "same-origin", 200}} {
		a := w.do(c.who, "PUT", pause, "", http.Header{"Sec-Fetch-Site": {c.origin}})
		if a.status != c.status {
			t.Fatalf("%s pauses a queue from %s: %d, want %d: %s", c.who, c.origin, a.status, c.status, a.body)
		}
	}
	w.shows("operator", "/console/ops", "The queue export is paused")
	if acts := w.acts("queue.change"); len(acts) != 1 || !strings.Contains(acts[0], "queues/export/pause") {
		t.Errorf("recorded: %q", acts)
	}
	if a := w.do("operator", "POST", "/console/ops/jobs/api/jobs/cancel", `{"ids":["`+strings.Repeat("1", 70<<10)+`"]}`, sameOrigin); a.status != 413 {
		t.Errorf("a giant change is answered with %d", a.status)
	}
	if a := w.do("operator", "DELETE", pause, "", sameOrigin); a.status != 405 {
		t.Errorf("DELETE is answered with %d", a.status)
	}
}

// TestL03_AChangeToTheQueueThatCannotBeRecordedDoesNotHappen takes the audit log away.
func TestL03_AChangeToTheQueueThatCannotBeRecordedDoesNotHappen(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO river_queue (name, created_at, updated_at) VALUES ('export', now(), now())`)
	if _, err := w.super.Owner(t).Exec(t.Context(), `REVOKE INSERT ON audit FROM offramp_app, offramp_serve`); err != nil {
		t.Fatal(err)
	}
	if a := w.do("operator", "PUT", "/console/ops/jobs/api/queues/export/pause", "", sameOrigin); a.status != 500 {
		t.Fatalf("answered with %d", a.status)
	}
	w.hides(w.shows("operator", "/console/ops", "Open"), "is paused")
}

// TestH02_OperatorsPagesInABrowser looks at ours as at all others, and at River's for breaches of the policy.
func TestH02_OperatorsPagesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.requestExport("owner", "a")
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Open(base + "/test-as/operator")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("operator", tag)
		w.look(tab, base, tag, "/console/ops")
	}
	tab.Open(base + "/console/ops/jobs")
	tab.Wait("table, ul li a[href*='/jobs/']") // the list has come
	if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, "river.png"))
	}
}
