package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/export"
	"offramp/migration"
)

// request asks for an export of everything on behalf of somebody and returns its id.
func (w *world) requestExport(who, customer string) export.Export {
	w.Helper()
	by := migration.Who{CustomerID: w.ids[customer], ContactID: w.ids[who], Role: migration.Owner}
	e, err := w.exports.Request(w.Context(), by, w.programme.p, export.Selection{Formats: []string{"csv"}})
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// seal makes an export ready as a worker would leave it, with this receipt.
func (w *world) seal(e export.Export, customer, receipt string) {
	w.Helper()
	now, until := w.clock.Now(), w.clock.Now().AddDate(0, 0, 7)
	w.exec(`UPDATE export SET state = 'ready', object_size = 12345678, receipt = $2, as_of = $3, finished_at = $3, ready_at = $3, expires_at = $4 WHERE id = $1`,
		e.ID, receipt, now, until)
	w.exec(`INSERT INTO export_volume (export_id, number, customer_id, attempt, state, object_key, size, sha256, receipt, sealed_at)
		SELECT id, 1, customer_id, attempt, 'sealed', 'key-of-the-archive', object_size, $2, receipt, ready_at FROM export WHERE id = $1`,
		e.ID, strings.Repeat("ab", 32))
	w.put("key-of-the-archive")
	w.tell(customer, migration.Event{Kind: migration.ExportReady, Actor: "system", ExportID: e.ID, Number: e.Number, Bytes: 12345678, Until: until})
}

// put writes an object into the bucket, as a worker does.
func (w *world) put(key string) {
	w.Helper()
	up := w.bucket.Create(w.Context(), key, 7, "application/zip")
	defer up.Abort()
	if _, err := up.Write([]byte("archive")); err != nil {
		w.Fatal(err)
	}
	if _, err := up.Commit(); err != nil {
		w.Fatal(err)
	}
}

const whole = `{"schema": "x", "export": "EX-1", "customer": "HZ", "as_of": "2026-11-21T00:00:00Z", "created": "2026-11-21T00:00:00Z", "complete": true,
	"datasets": [{"dataset": "projects", "source": 1234, "exported": 1234, "failed": 0}, {"dataset": "gone", "source": 6, "exported": 6, "failed": 0}],
	"attachments": [{"dataset": "tasks", "source": 7, "exported": 7, "failed": 0}]}`

func partial() string {
	failures := make([]string, 25)
	for i := range failures {
		failures[i] = fmt.Sprintf(`{"item": "%d", "column": "title", "reason": "not_utf8"}`, i+1)
	}
	return `{"complete": false, "as_of": "2026-11-21T00:00:00Z", "datasets": [{"dataset": "projects", "source": 100, "exported": 75, "failed": 25, "failures": [` +
		strings.Join(failures, ",") + `]}], "attachments": [{"dataset": "tasks", "source": 1, "exported": 0, "failed": 1,
		"failures": [{"item": "a/b", "name": "<i>plan</i>.pdf", "reason": "missing"}]}]}`
}

// speak changes the language of somebody's pages.
func (w *world) speak(who, tag string) {
	w.Helper()
	if a := w.post(who, "/language/"+tag, url.Values{"return_to": {"/"}}); a.status != http.StatusSeeOther {
		w.Fatalf("%s cannot speak %s: %d", who, tag, a.status)
	}
}

func TestExportsFromNothingToRequested(t *testing.T) {
	w := newWorld(t)
	w.shows("owner", "/exports", "You have not exported your data yet", "usually takes a few minutes", `href="/exports/new"`)
	w.shows("owner", "/exports/new", "What do you want to export?", `value="projects"`, "Tasks", "CSV", "JSON Lines", "o***@canary.example")
	a := w.post("owner", "/exports", url.Values{"scope": {"some"}, "dataset": {"tasks"}, "format": {"csv", "jsonl"}, "spreadsheet": {"yes"}})
	if a.status != 303 || !strings.HasPrefix(a.location, "/exports/") {
		t.Fatalf("%d to %s\n%s", a.status, a.location, a.body)
	}
	w.shows("owner", a.location, "EX-10001", "Waiting to start", "Tasks", "CSV · JSON Lines · copy for spreadsheets", "You can close this page",
		`hx-get="`+a.location+`/progress?seen="`, "Update progress", "Cancel export", a.location+"/cancel")
	w.shows("owner", "/exports", "EX-10001", "Queued", "1 dataset", "We are making export EX-10001")
	w.shows("owner", "/exports/new", "We are making export EX-10001", a.location)
	if again := w.post("owner", "/exports", url.Values{"scope": {"all"}, "format": {"csv"}}); again.location != a.location {
		t.Errorf("a second request leads to %s", again.location)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", "/exports", "数据导出", "排队中", "1个数据集")
	w.shows("owner", a.location, "排队中", "取消导出", "任务")
	if c := w.post("owner", a.location+"/cancel", nil); c.status != 303 || c.location != a.location {
		t.Errorf("cancel: %d to %s", c.status, c.location)
	}
	w.speak("owner", "en")
	w.shows("owner", a.location, "You cancelled this export", `href="/exports/new"`)
}

func TestExportFormKeepsWhatWasChosen(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		form  url.Values
		texts []string
	}{
		{url.Values{"scope": {"some"}, "dataset": {"tasks", "nope"}, "format": {"csv"}}, []string{"Select datasets from the list", `value="tasks" checked`}},
		{url.Values{"scope": {"some"}, "dataset": {"tasks"}}, []string{"Select at least one of CSV, JSON Lines and Parquet", `value="tasks" checked`, `value="some" checked`}},
		{url.Values{"format": {"csv"}}, []string{"Select “Everything” or “Choose what to export”"}},
		{url.Values{"scope": {"all"}, "format": {"xml"}}, []string{"Select at least one of CSV, JSON Lines and Parquet"}},
		{nil, []string{"There are 2 problems", "<title>Error: "}},
	} {
		a := w.post("owner", "/exports", c.form)
		if a.status != 422 {
			t.Errorf("%v: %d", c.form, a.status)
		}
		for _, text := range c.texts {
			if !strings.Contains(a.body, text) {
				t.Errorf("%v lacks %q:\n%s", c.form, text, a.body)
			}
		}
	}
}

// hostile are values that no page of ours sends; see I1.
// TestNoDatasetSelectedTakesAll holds the form to its own hint.
func TestNoDatasetSelectedTakesAll(t *testing.T) {
	w := newWorld(t)
	w.shows("owner", "/exports/new", "Leave all boxes empty to include everything.")
	a := w.post("owner", "/exports", url.Values{"scope": {"some"}, "format": {"csv"}})
	if a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.shows("owner", a.location, "Everything")
}

var hostile = map[string]string{
	"empty": "", "long": strings.Repeat("a", 10_000), "NUL": "a\x00b", "UTF-8": "a\xff\xfe", "right to left": "\u202eabc",
	"joiner": "a\u200db", "CRLF": "a\r\nSet-Cookie: x=y", "markup": `"><script>alert(1)</script>`,
}

func TestI01_ExportFormTakesAnything(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	before := w.stateSum()
	for _, field := range []string{"scope", "dataset", "from", "until", "since", "format", "spreadsheet", "browse", "volume", "replacement", "filter-project"} {
		for name, value := range hostile {
			form := url.Values{"scope": {"some"}, "dataset": {"none"}, "format": {"csv"}}
			form.Set(field, value)
			path := []string{"/exports", "/exports/new/check"}[len(name)%2]
			a := w.post("owner", path, form)
			if a.status != 422 || strings.Contains(a.body, "<script>alert") || !strings.Contains(a.body, `class="errors"`) {
				t.Errorf("%s, %s: %d", field, name, a.status)
			}
		}
	}
	for _, form := range []string{"scope=all&scope=some&format=csv", "scope=all&format=csv&state=ready", "scope=all&format=csv&customer=customer-b"} {
		a := w.do("owner", "POST", "/exports", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		if a.status != 400 {
			t.Errorf("%s: %d", form, a.status)
		}
	}
	for _, query := range []string{"before=x", "before=-1", "before=99999999999999999999", "before=%00", "before=" + strings.Repeat("9", 300)} {
		if a := w.get("owner", "/exports?"+query); a.status != 200 {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	if w.stateSum() != before {
		t.Error("a refused form changed something")
	}
}

func TestExportPageByState(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	set := func(sql string, args ...any) {
		t.Helper()
		w.exec(`UPDATE export SET `+sql+` WHERE id = $1`, append([]any{e.ID}, args...)...)
	}
	set(`state = 'running', stage = 'reading', attempt = 1, started_at = $2`, day)
	w.exec(`UPDATE journey SET progress = jsonb_build_object('export_id', $2::text, 'stage', 'reading', 'percent', 62, 'rows_done', 9300, 'rows_total', 15000, 'bytes_done', 9300000000, 'bytes_total', 15000000000, 'left', 360000000000) WHERE customer_id = $1`, w.ids["a"], e.ID)
	w.shows("owner", path, "Reading your data – stage 2 of 4", "62%", "9,300 of 15,000 rows", "about 6 minutes left", "Started 21 November 2026, 10:24", "every 4s")
	fragment := w.shows("owner", path+"/progress?seen=counting", "stage 2 of 4", `role="status"`, "hx-swap-oob")
	w.hides(fragment, "<html", "<main")
	w.hides(w.shows("owner", path+"/progress?seen=reading", "stage 2 of 4"), "hx-swap-oob")

	set(`state = 'queued', stage = '', failures = 1, delayed = 'export.delayed_storage', cause = 'secret cause'`)
	w.hides(w.shows("owner", path, "Delayed: The storage for your archive cannot be reached."), "secret cause")

	set(`state = 'failed', finished_at = $2`, day)
	w.hides(w.shows("owner", path, "The export did not finish", "We read your data but could not store the file.", "Will we try again?",
		"No. Trying again automatically", "EX-10001", "Try again", path+"/retry"), "secret cause", "hx-get", "cannot be reached", "We keep trying", "Delayed")
	w.hides(w.shows("owner", path+"/progress", "The export did not finish"), "hx-get")
	w.hides(w.shows("owner", path), "Export all but")
	set(`delayed = 'export.delayed_source', delayed_dataset = 'tasks'`)
	body := w.shows("owner", path, "The trouble is with “Tasks”.", "Export all but “Tasks”", `action="/exports/new"`, `name="scope" value="some"`, `name="dataset" value="projects"`)
	w.hides(body, `name="dataset" value="tasks"`)
	if a := w.post("owner", path+"/retry", nil); a.status != 303 {
		t.Errorf("retry: %d", a.status)
	}
	w.hides(w.shows("owner", path, "Waiting to start"), "Tasks”")

	w.seal(e, "a", partial())
	body = w.shows("owner", path, "Your export is ready", "Download export (12.3 MB, ZIP)", strings.Repeat("ab", 32),
		"28 November 2026, 10:24, Beijing time (UTC+8)", "offramp verify hezhou-HZ-20418-EX-10001.zip", "26 items are missing.",
		"Row 1, title: the product&#39;s text is damaged", "5 more are listed", "&lt;i&gt;plan&lt;/i&gt;.pdf: no longer in the product")
	if n := strings.Count(body, "btn--primary"); n != 1 {
		t.Errorf("%d primary buttons", n)
	}
	w.hides(body, "key-of-the-archive")
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "您的数据已准备好", "下载数据（12.3 MB，ZIP）", "缺少26项内容", "产品中已不存在")
	w.speak("owner", "en")

	w.at(day.AddDate(0, 0, 8))
	w.shows("owner", path, "The download has expired", "You can make a new export until 2 March 2027.", "Expired")
	if a := w.get("owner", path+"/download"); a.status != 410 {
		t.Errorf("download after its time: %d", a.status)
	}
}

func TestDownloadThenCheckCompletesStep2(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	if a := w.get("owner", path+"/check"); a.status != 409 {
		t.Errorf("check before ready: %d", a.status)
	}
	w.seal(e, "a", whole)
	w.hides(w.shows("owner", path+"/check", "You have not downloaded this export yet", "1,234", "Projects", "gone", "Tasks: files"), "It is complete")
	if a := w.post("owner", path+"/check", nil); a.status != 409 {
		t.Errorf("confirmed without a download: %d", a.status)
	}
	a := w.get("owner", path+"/download")
	if a.status != 302 || !strings.Contains(a.location, "X-Amz-Signature=") || !strings.Contains(a.location, "key-of-the-archive") {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	if strings.Contains(w.log.String(), "X-Amz-Signature") {
		t.Error("the log holds the signature")
	}
	w.shows("owner", path, "Now check the file and confirm that it is complete.", path+"/check")
	w.shows("owner", path+"/check", "It is complete", path+"/help", "EX-10001", `data-volumes="`+path+`/volumes.json"`)
	if a := w.post("owner", path+"/check", nil); a.status != 303 || a.location != "/plan" {
		t.Errorf("%d to %s", a.status, a.location)
	}
	w.shows("owner", "/plan", "Downloaded and checked")
	w.shows("owner", path+"/check", "You confirmed on 21 November 2026, 10:24 that it is complete.")
	w.shows("owner", "/exports", "Checked")
}

func TestWhoMayExport(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", whole)
	form := url.Values{"scope": {"all"}, "format": {"csv"}}
	for _, path := range []string{"/exports", "/exports/new", "/exports/" + e.ID, "/exports/" + e.ID + "/check"} {
		w.hides(w.shows("member", path, "Only the owner of your account can export the data"), "<form method=\"post\" action=\"/exports", "/download\"")
	}
	if a := w.post("member", "/exports", form); a.status != 403 {
		t.Errorf("a member asks for an export: %d", a.status)
	}
	if a := w.get("member", "/exports/"+e.ID+"/download"); a.status != 403 {
		t.Errorf("a member downloads: %d", a.status)
	}
	w.programme.p.Export.Members = true
	w.shows("member", "/exports/"+e.ID, "/download")
	if a := w.post("member", "/exports", form); a.status != 303 {
		t.Errorf("a member of a programme that allows it: %d", a.status)
	}
}

func TestExportsEndWithTheDeadlineAndTheDaysNumber(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"scope": {"all"}, "format": {"csv"}}
	for range 10 {
		a := w.post("owner", "/exports", form)
		if c := w.post("owner", a.location+"/cancel", nil); a.status != 303 || c.status != 303 {
			t.Fatalf("%d, %d", a.status, c.status)
		}
	}
	if a := w.post("owner", "/exports", form); a.status != 429 || !strings.Contains(a.body, "You can request the next one in 24 h.") || !strings.Contains(a.body, `value="all" checked`) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	end := migration.NewDay(2027, time.March, 2).End(w.programme.p.Zone)
	w.at(end)
	w.shows("owner", "/exports/new", `action="/exports/new/check"`)
	w.at(end.Add(time.Second))
	w.hides(w.shows("owner", "/exports/new", "The last day to export was 2 March 2027."), `action="/exports/new/check"`)
	w.hides(w.shows("owner", "/exports", "The last day to export was 2 March 2027."), `href="/exports/new"`)
	if a := w.post("owner", "/exports", form); a.status != 410 {
		t.Errorf("%d", a.status)
	}
}

func TestExportsAreListedInPages(t *testing.T) {
	w := newWorld(t)
	w.exec(`INSERT INTO export (id, customer_id, requested_by, selection, locale, state, requested_at)
		SELECT 'export-' || n, $1, $2, '{"formats": ["csv"]}', 'en', 'cancelled', $3 FROM generate_series(1, 45) n`, w.ids["a"], w.ids["owner"], day)
	first := w.shows("owner", "/exports", "EX-10045", "EX-10026", `href="/exports?before=10026"`)
	w.hides(first, "EX-10025", "Newest exports")
	w.shows("owner", "/exports?before=10026", "EX-10025", "EX-10006", `href="/exports?before=10006"`, "Newest exports")
	w.hides(w.shows("owner", "/exports?before=10006", "EX-10001", "Newest exports"), "Next page")
}

func TestZ03_ExportPagesShowNothingOfOthers(t *testing.T) {
	w := newWorld(t)
	theirs := w.requestExport("other", "b")
	w.seal(theirs, "b", strings.ReplaceAll(whole, "gone", "canary-dataset"))
	mine := w.requestExport("owner", "a")
	for _, path := range []string{"/exports", "/exports/new", "/exports/" + mine.ID, "/exports/" + mine.ID + "/progress"} {
		w.hides(w.shows("owner", path), "Canary Works", theirs.ID, theirs.Reference(), "canary-dataset", "other@canary.example", "HZ-7")
	}
}
