package portal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"offramp/export"
)

// split gives a ready export three files.
func (w *world) split(e export.Export) {
	w.Helper()
	w.exec(`DELETE FROM export_volume WHERE export_id = $1`, e.ID)
	for n := range 3 {
		w.exec(`INSERT INTO export_volume (export_id, customer_id, number, state, attempt, size, sha256, slices, rows, files, pieces, object_key, tries, receipt, sealed_at)
			VALUES ($1, $2, $3, 'sealed', 1, 1000000000, $4, $5, 10, 1, '[{"dataset": "tasks"}]', $6, 2, '{}', $7)`,
			e.ID, e.CustomerID, n+1, strings.Repeat(fmt.Sprint(n+1), 64), make([]byte, 32), fmt.Sprint("key-of-", n+1), day)
	}
	w.exec(`UPDATE export SET attempt = 1, object_sha256 = '', object_size = 3000000000 WHERE id = $1`, e.ID)
}

func TestExportOfSeveralFiles(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", whole)
	w.split(e)
	path := "/exports/" + e.ID
	body := w.shows("owner", path, "The export has several files", "File 3", "1.0 GB", strings.Repeat("3", 64), path+"/volumes/3", path+"/deliver", "hezhou-HZ-20418-EX-10001-*.zip",
		path+"/receipt.json", path+"/receipt.jws", "with the list above")
	if n := strings.Count(body, "btn--primary"); n != 1 {
		t.Errorf("%d primary buttons", n)
	}
	w.hides(body, "key-of-", path+`/download"`, "Rebuild only")
	w.hides(w.shows("member", path, "File 3", "Only the owner"), path+"/volumes/3")
	a := w.get("owner", path+"/volumes.json")
	var list struct {
		Export  string
		Slice   int64
		Volumes []struct {
			Number int
			Name   string
			Size   int64
			Slices []string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 || list.Export != "EX-10001" || list.Slice != export.SliceSize || len(list.Volumes) != 3 ||
		list.Volumes[2].Name != "hezhou-HZ-20418-EX-10001-03.zip" || len(list.Volumes[2].Slices) != 1 || strings.Contains(a.body, "key-of-") {
		t.Errorf("%d %v %s", a.status, err, a.body)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "此导出分为几个文件", "文件3")
	w.hides(w.shows("support", screen, "EX-10001 from inside", "Tries", strings.Repeat("2", 64)), "key-of-")
}

// TestTheReceiptSaysWhatItIsOf on the export's page, while it is checked, and as a file.
func TestTheReceiptSaysWhatItIsOf(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", strings.TrimSuffix(whole, "}")+`, "narrowed": [{"by": "period", "from": "2026-03-01", "datasets": ["tasks"], "whole": ["projects", "gone"]},
		{"by": "filter", "filter": "x", "name": "<b>Team</b>", "values": ["1"], "datasets": ["tasks"]}]}`)
	path := "/exports/" + e.ID
	w.get("owner", path+"/download")
	for _, p := range []string{path, path + "/check"} {
		w.hides(w.shows("owner", p, "This is not all your data", "Period: From 1 March 2026. Not narrowed, so complete: Projects, gone.", "&lt;b&gt;Team&lt;/b&gt;: only what you chose"), "<b>Team")
	}
	if a := w.get("owner", path+"/receipt.json"); !strings.Contains(a.body, `"narrowed": [`) {
		t.Errorf("the file is silent: %s", a.body)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "本次导出不是全部数据", "以下数据集不受此项影响，为完整内容：")
	w.exec(`UPDATE export SET receipt = $2 WHERE id = $1`, e.ID, whole)
	w.hides(w.shows("owner", path), "本次导出不是全部数据")
}

func TestZ02_VolumesOfOthersDoNotExist(t *testing.T) {
	w := newWorld(t)
	theirs := w.requestExport("other", "b")
	w.seal(theirs, "b", whole)
	for _, path := range []string{"/volumes.json", "/help", ""} {
		a, b := w.get("owner", "/exports/"+theirs.ID+path), w.get("owner", "/exports/nothing"+path)
		if a.status != 404 || b.status != 404 {
			t.Errorf("%s: %d and %d", path, a.status, b.status)
		}
	}
	for _, path := range []string{"/repair", "/help"} {
		form := url.Values{}
		if path == "/help" {
			form.Set("text", "x")
		}
		a, b := w.post("owner", "/exports/"+theirs.ID+path, form), w.post("owner", "/exports/nothing"+path, form)
		if a.status != 404 || b.status != 404 {
			t.Errorf("POST %s: %d and %d", path, a.status, b.status)
		}
	}
}

func TestExportWaitsAndGoesOn(t *testing.T) {
	w := newWorld(t)
	w.requestExport("other", "b")
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.hides(w.shows("owner", path, "1 other export is before yours"), "Canary")
	w.exec(`UPDATE export SET state = 'running', stage = 'reading', attempt = 1, started_at = $2 WHERE id = $1`, e.ID, day)
	w.split(e)
	w.exec(`UPDATE export_volume SET state = 'building' WHERE export_id = $1 AND number > 1`, e.ID)
	w.shows("owner", path, "1 of 3 files done", "You can close this page")
	w.shows("support", screen, "Being built", "/console/support/exports/"+e.ID+"/cancel")
	if a := w.post("support", "/console/support/exports/"+e.ID+"/cancel", nil); a.status != 303 || a.location != screen {
		t.Errorf("cancel: %d to %s", a.status, a.location)
	}
	if got := w.acts("export.cancel"); len(got) != 1 || !strings.HasPrefix(got[0], "identity-support export EX-") {
		t.Errorf("recorded %v", got)
	}
	w.shows("owner", path, "You cancelled this export")
}

func TestSomethingIsMissing(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", partial())
	path := "/exports/" + e.ID
	w.get("owner", path+"/download")
	w.shows("owner", path+"/check", "Something is missing", path+"/help")
	w.shows("owner", "/help", "You have not asked for help yet.")
	w.shows("owner", path+"/help", "What is missing?", "EX-10001", `<option value="tasks">Tasks</option>`)
	for _, c := range []struct {
		form url.Values
		says string
	}{
		{url.Values{}, "Say what is missing, or select the dataset"},
		{url.Values{"dataset": {"nope"}}, "Select one of the datasets"},
		{url.Values{"text": {"x"}, "expected": {"-5"}}, "Enter the number in digits"},
		{url.Values{"text": {"x"}, "expected": {"1e3"}}, "Enter the number in digits"},
		{url.Values{"text": {"x"}, "expected": {"9223372036854775808"}}, "Enter the number in digits"},
		{url.Values{"text": {"x"}, "expected": {"٣"}}, "Enter the number in digits"},
		{url.Values{"text": {strings.Repeat("a", 4001)}}, "4000"},
	} {
		a := w.post("owner", path+"/help", c.form)
		if a.status != 422 || !strings.Contains(a.body, c.says) || !strings.Contains(a.body, `class="errors"`) {
			t.Errorf("%.60v: %d, want %q", c.form, a.status, c.says)
		}
	}
	form := url.Values{"dataset": {"tasks"}, "expected": {"1,250"}, "text": {"The tasks <b>of 2019</b>.\r\nAll of them."}}
	for range 2 { // the button was pressed twice
		if a := w.post("owner", path+"/help", form); a.status != 303 || a.location != path+"/help" {
			t.Fatalf("%d to %s\n%.300s", a.status, a.location, a.body)
		}
	}
	if n := w.count(`SELECT count(*) FROM help_request`); n != 1 {
		t.Errorf("%d requests", n)
	}
	w.shows("owner", path+"/check", "Request HR-10001", "1,250", "&lt;b&gt;of 2019&lt;/b&gt;", "Being looked into", "It is complete")
	w.shows("owner", "/plan", "Your export is ready") // the journey goes on as before

	w.exec(`UPDATE export SET cause = 'column colour is gone', failures = 2 WHERE id = $1`, e.ID)
	list := w.shows("support", "/console/support", "HR-10001", "Farshore Design Studio · HZ-20418", "EX-10001")
	_, id, _ := strings.Cut(list, "/console/support/help/")
	id, _, _ = strings.Cut(id, `"`)
	request := "/console/support/help/" + id
	w.shows("support", request, "The tasks &lt;b&gt;of 2019", "1,250", "column colour is gone", "Projects · 1 title · the product&#39;s text is damaged", "Lin owner")
	w.hides(w.shows("support", screen, "HR-10001"), "has not asked for help")
	for _, answer := range []string{"", "  ", strings.Repeat("a", 4001)} {
		if a := w.post("support", request+"/answer", url.Values{"answer": {answer}, "heard": {"0"}}); a.status != 422 || !strings.Contains(a.body, `id="answer-error"`) {
			t.Errorf("%.10q: %d", answer, a.status)
		}
	}
	if a := w.post("support", request+"/answer", url.Values{"answer": {"They are in the archive now."}, "heard": {"0"}}); a.status != 303 {
		t.Errorf("answer: %d", a.status)
	}
	if a := w.post("support", request+"/answer", url.Values{"answer": {"Also this."}, "heard": {"0"}}); a.status != 409 || !strings.Contains(a.body, "Your answer has not been sent") || !strings.Contains(a.body, "Also this.") || !strings.Contains(a.body, "They are in the archive now.") {
		t.Errorf("a second answer at once: %d\n%.300s", a.status, a.body)
	}
	if a := w.post("support", request+"/answer", url.Values{"answer": {"Again."}, "heard": {"2"}}); a.status != 303 {
		t.Errorf("answered again: %d", a.status)
	}
	w.shows("support", "/console/support", "HR-10001", `href="`+request+`"`)
	w.shows("owner", path+"/help", "Again.", "Answered", `href="/help/`+id+`"`)
	w.shows("owner", "/help/"+id, "They are in the archive now.", "Again.", "Answered", "/help/"+id+"/close")
	if a := w.post("other", "/help/"+id+"/close", nil); a.status != 404 {
		t.Errorf("closed by another customer: %d", a.status)
	}
	if a := w.post("owner", "/help/"+id+"/close", nil); a.status != 303 {
		t.Errorf("close: %d", a.status)
	}
	w.shows("owner", "/help", "HR-10001", "Exporting my data", "Settled")
	w.hides(w.shows("owner", "/help/"+id, "Settled"), "/close")
	for act, want := range map[string]string{"help.open": "contact-owner", "help.view": "identity-support", "help.answer": "identity-support", "help.close": "contact-owner"} {
		if got := w.acts(act); len(got) == 0 || !strings.HasPrefix(got[0], want+" request for help HR-10001") {
			t.Errorf("%s: recorded %v", act, got)
		}
	}
	w.hides(w.shows("other", "/help"), "HR-10001")
}

func TestI01_HelpFormTakesAnything(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", whole)
	path := "/exports/" + e.ID + "/help"
	for _, field := range []string{"dataset", "expected", "text"} {
		for name, value := range hostile {
			a := w.post("owner", path, url.Values{field: {value}})
			if a.status != 422 && a.status != 303 || strings.Contains(a.body, "<script>alert") || a.header.Get("Set-Cookie") == "x=y" {
				t.Errorf("%s, %s: %d", field, name, a.status)
			}
		}
	}
	for _, form := range []string{"text=a&text=b", "text=a&state=answered", "text=a&customer=customer-b"} {
		if a := w.do("owner", "POST", path, form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}); a.status != 400 {
			t.Errorf("%s: %d", form, a.status)
		}
	}
}

func TestOnlyWhatFailedIsBuiltAgain(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", partial())
	path := "/exports/" + e.ID
	w.shows("owner", path, "Rebuild only what failed", `action="`+path+`/repair"`)
	w.hides(w.shows("member", path), path+"/repair")
	a := w.post("owner", path+"/repair", nil)
	if a.status != 303 || a.location == path {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	w.shows("owner", a.location, "Only what failed in EX-10001")
	w.hides(w.shows("owner", path), "Rebuild only what failed") // it is being built
}
