package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

func TestI01_TheBucketsFormKeepsWhatWasTypedButTheSecret(t *testing.T) {
	w := newDelivered(t, 1000)
	page := w.shows("owner", w.path("/deliver"), "Script for macOS and Linux", "Script for Windows", "Check the bucket and copy", "s3:AbortMultipartUpload",
		"arn:aws:s3:::example-bucket/*", `type="password"`)
	w.hides(page, `name="role"`, "Stop the script", "sts:AssumeRole")
	bad := url.Values{"bucket": {"Not A Bucket"}, "prefix": {"moving"}, "endpoint": {"ftp://x"}, "access_key": {"AKIA"}, "secret_key": {"CANARY-of-the-form"}}
	a := w.post("owner", w.path("/deliver"), bad)
	for _, text := range []string{`href="#bucket"`, `id="bucket-error"`, `id="endpoint-error"`, `value="Not A Bucket"`, "<title>Error: "} {
		if !strings.Contains(a.body, text) {
			t.Errorf("the form lacks %s", text)
		}
	}
	if a.status != 422 || strings.Contains(a.body, "CANARY-of-the-form") {
		t.Errorf("%d, secret shown: %t", a.status, strings.Contains(a.body, "CANARY-of-the-form"))
	}
	for name, value := range map[string]string{"empty": "", "long": strings.Repeat("x", 1<<15), "nul": "a\x00b", "utf8": "\xff\xfe", "lines": "a\r\nb", "markup": "<b>x</b>", "bidi": "a\u202eb"} {
		for _, field := range []string{"bucket", "prefix", "region", "endpoint", "access_key", "secret_key"} {
			form := url.Values{"bucket": {"good-bucket"}, "access_key": {"AKIA"}, "secret_key": {"sssss"}, "endpoint": {"ftp://x"}}
			form.Set(field, value)
			if a := w.post("owner", w.path("/deliver"), form); field != "endpoint" && a.status != 422 || a.status >= 500 || strings.Contains(a.body, "<b>x</b>") {
				t.Errorf("%s in %s: %d", name, field, a.status)
			}
			w.post("owner", w.path("/deliver/cancel"), nil)
		}
	}
	if a := w.post("owner", w.path("/deliver"), url.Values{"state": {"done"}, "bucket": {"good-bucket"}}); a.status != 400 {
		t.Errorf("an extra field: %d", a.status)
	}
}

func TestADeliveryIsShownFromItsStartToItsFault(t *testing.T) {
	w := newDelivered(t, 1000)
	good := url.Values{"bucket": {"acme-archive"}, "prefix": {"moving"}, "endpoint": {"https://s3.example.com"}, "access_key": {"AKIA"}, "secret_key": {"CANARY-secret"}}
	if a := w.post("owner", w.path("/deliver"), good); a.status != 303 || a.location != w.path("/deliver") {
		t.Fatalf("%d to %s\n%s", a.status, a.location, a.body)
	}
	w.hides(w.shows("owner", w.path("/deliver"), "Waiting to continue", "acme-archive", "Stop the copy", `hx-get="`+w.path("/deliver/progress")), "Check the bucket and copy", "CANARY-secret")
	w.shows("owner", w.path("/deliver/progress"), "Waiting to continue", "0%")
	if a := w.post("owner", w.path("/deliver"), good); a.status != 409 {
		t.Errorf("a second one: %d", a.status)
	}
	for path, want := range map[string]int{"/deliver": 404, "/deliver/progress": 404, "/receipt.jws": 404} {
		if a := w.get("other", w.path(path)); a.status != want {
			t.Errorf("%s for another customer: %d", path, a.status)
		}
	}
	w.hides(w.shows("member", w.path("/deliver"), "Only the owner of your account can export the data"), "/deliver/cancel", `/script"`)
	w.storedNowhere("CANARY-secret")
	w.exec(`UPDATE export_delivery SET state = 'failed', secret = NULL, finished_at = $1, field = 'bucket', problem = 'delivery.problem.bucket', attempt = 1`, w.clock.Now())
	// A page that is open is loaded anew, so that its form comes with the fault beside the field.
	if a := w.get("owner", w.path("/deliver/progress")); a.status != 200 || a.header.Get("HX-Refresh") != "true" || a.body != "" {
		t.Errorf("the poll of a copy that failed: %d %v %.80s", a.status, a.header, a.body)
	}
	w.shows("owner", w.path("/deliver"), "The copy did not work", `id="bucket-error"`, "The service has no bucket of this name.", `value="acme-archive"`, "Check the bucket and copy")
	w.at(w.clock.Now().Add(time.Minute))
	if a := w.post("owner", w.path("/deliver"), good); a.status != 303 {
		t.Errorf("again: %d", a.status)
	}
	if a := w.post("owner", w.path("/deliver/cancel"), nil); a.status != 303 {
		t.Errorf("cancel: %d", a.status)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", w.path("/deliver"), "复制已停止", "检查存储桶并复制", "用脚本下载")
	w.at(w.clock.Now().AddDate(0, 0, 8))
	w.hides(w.shows("owner", w.path("/deliver"), "复制已停止"), `/script"`, "检查存储桶并复制")
}

func TestE14_ThePlanSaysThatTheLastDayIsNearOrMoved(t *testing.T) {
	w := newWorld(t)
	const near = "export your data by 2 March 2027"
	at := func(days int) {
		w.at(migration.NewDay(2027, time.March, 2).AddDays(-days).Start(w.programme.p.Zone).Add(9 * time.Hour))
	}
	at(8)
	w.hides(w.shows("owner", "/plan"), near)
	w.hides(w.shows("owner", "/exports"), near)
	at(7)
	w.shows("owner", "/exports", "7 days left: "+near, `href="/exports/new"`)
	w.shows("owner", "/plan", "7 days left: "+near, "After that day you can no longer export", `href="/exports/new"`)
	e := w.requestExport("owner", "a")
	w.shows("owner", "/plan", near, "You requested your export in time", "/exports/"+e.ID)
	w.tell("a", migration.Event{Kind: migration.ExportReady, Actor: "system", ExportID: e.ID, Number: e.Number, Bytes: 1, Until: w.clock.Now().AddDate(0, 0, 7)})
	w.shows("owner", "/exports", near, "Download it and confirm that it is complete")
	w.shows("owner", "/plan", near, "Download it and confirm that it is complete")
	w.tx(func(tx *db.Tx) error {
		_, _, err := w.customers.Extend(w.Context(), tx, w.programme.p, migration.Grant{
			CustomerID: w.ids["a"], Milestone: migration.ExportDeadline, Day: migration.NewDay(2027, 3, 12), Reason: migration.LateExport, Actor: "worker", ActorKind: audit.System,
		})
		return err
	})
	w.hides(w.shows("owner", "/plan", "We were late with your export, so your last day to export moved from 2 March 2027 to 12 March 2027."), near, "late_export")
	w.hides(w.shows("owner", "/exports", "We were late with your export"), near)
	w.shows("owner", "/plan/dates", "Your export took longer than we promised.")
	w.hides(w.shows("other", "/plan", near), "We were late")
	w.tell("a", migration.Event{Kind: migration.ExportChecked, Actor: w.ids["owner"], ExportID: e.ID, Number: e.Number})
	w.at(migration.NewDay(2027, time.March, 10).Start(w.programme.p.Zone))
	w.hides(w.shows("owner", "/plan"), "export your data by")
}
