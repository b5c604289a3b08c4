package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
)

// TestH02_TheOwnBucketInABrowser fills in the form wrongly and rightly, watches the copy, and sees how it ends, in two languages
// and widths.
func TestH02_TheOwnBucketInABrowser(t *testing.T) {
	w := newDelivered(t, 1000, 2000)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Allow("422")
	tab.Open(base + "/test-as/owner")
	page := base + w.path("/deliver")
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("owner", tag)
		tab.Open(page)
		tab.Click("#bucket-card summary")
		tab.Click("#script summary")
		w.see(tab, "deliver-"+tag)
		tab.Fill("#bucket", "Not A Bucket")
		tab.Fill("#access_key", "AKIA")
		tab.Fill("#secret_key", "CANARY-of-the-form")
		tab.Follow("#bucket-card .btn--primary")
		tab.Wait(".errors")
		w.see(tab, "deliver-errors-"+tag)
		if tab.Count("#bucket-error") != 1 || tab.Count(`#bucket[value="Not A Bucket"]`) != 1 || tab.Count(`#secret_key[value]:not([value=""])`) != 0 {
			t.Error("the error is not beside its field, or the field lost what it held, or the secret was kept")
		}
		tab.Fill("#bucket", "acme-archive")
		tab.Fill("#secret_key", "aSecretKey")
		tab.Follow("#bucket-card .btn--primary") // to its end: the page has a #delivery already when an earlier one is shown
		tab.Wait("#delivery-progress")
		w.exec(`UPDATE export_delivery SET state = 'copying', attempt = 1, started_at = $1, bytes_done = 1500 WHERE finished_at IS NULL`, w.clock.Now())
		tab.Wait(`#delivery-progress [value="50"], #delivery-progress [aria-valuenow="50"]`) // by itself
		w.see(tab, "deliver-copying-"+tag)
		w.exec(`UPDATE export_delivery SET state = 'failed', secret = NULL, finished_at = $1, field = 'bucket', problem = 'delivery.problem.denied_write'
			WHERE finished_at IS NULL`, w.clock.Now())
		tab.Wait("#bucket-error") // by itself, too: the form, with the fault beside its field
		tab.Wait(".errors")
		w.see(tab, "deliver-failed-"+tag)
		w.at(w.clock.Now().Add(time.Minute))
		w.post("owner", w.path("/deliver"), url.Values{"bucket": {"acme-archive"}, "access_key": {"AKIA"}, "secret_key": {"aSecretKey"}})
		w.exec(`UPDATE export_delivery SET state = 'done', secret = NULL, finished_at = $1, problem = 'delivery.check_left', bytes_done = bytes_total
			WHERE finished_at IS NULL`, w.clock.Now())
		w.post("owner", w.path("/script"), url.Values{"kind": {"sh"}})
		tab.Open(page)
		if text := tab.Text("#delivery"); !strings.Contains(text, "offramp-check.txt") {
			t.Errorf("nothing is said of the file that stays: %s", text)
		}
		w.see(tab, "deliver-done-"+tag)
		w.at(w.clock.Now().Add(time.Minute))
	}
}
