package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/export"
	"offramp/migration"
)

// deepen gives the programme what an export can be narrowed by, and a product to move to.
func (w *world) deepen() {
	p := w.programme.p
	p.Export.Filters = []migration.Filter{{Key: "project", Name: both("Project", "项目"), Query: migration.Query{Source: "product", SQL: "SELECT 1, 2"}}}
	p.Datasets[0].Description = both("Name and dates", "名称和日期")
	tasks := &p.Datasets[1]
	tasks.Filters, tasks.Period, tasks.Changed = map[string]string{"project": "project_id"}, "created_at", "changed_at"
	tasks.Columns = []migration.Column{{Name: "id", Type: "integer"}, {Name: "title", Type: "text"}, {Name: "colour", Type: "text"}}
	p.Replacements = []migration.Replacement{
		{Key: "heguang", Name: both("Heguang", "禾光"), Import: &migration.ImportProfile{
			Files: []migration.ImportFile{{Name: "issues.csv", Dataset: "tasks", Columns: []migration.ImportColumn{{Name: "Subject", From: "title"}}}},
			Loses: []migration.Loss{{Dataset: "tasks", Column: "colour", Text: both("There are no colours.", "没有颜色。")}},
		}},
		{Key: "plain", Name: both("Plain", "普通")},
	}
}

// weigh lays down what the customer's data comes to, as a worker would.
func (w *world) weigh(customer string, choices int) {
	w.Helper()
	var list []string
	for i := range choices {
		list = append(list, fmt.Sprintf(`{"value": "p%d", "label": "Project <%d>"}`, i+1, i+1))
	}
	w.exec(`INSERT INTO export_outline (customer_id, asked_at, made_at, version, data) VALUES ($1, $2, $2, 1, $3)
		ON CONFLICT (customer_id) DO UPDATE SET made_at = EXCLUDED.made_at, version = 1, data = EXCLUDED.data`, w.ids[customer], w.clock.Now(),
		`{"datasets": [{"dataset": "projects", "rows": 1, "bytes": 2000, "files": 0, "file_bytes": 0, "steady": true},
			{"dataset": "tasks", "rows": 1234567, "bytes": 6000000000, "files": 12, "file_bytes": 9000000000, "steady": false}],
		"filters": [{"filter": "project", "choices": [`+strings.Join(list, ",")+`]}]}`)
}

func (w *world) count(sql string) (n int) {
	w.Helper()
	if err := w.super.Super(w.T).QueryRow(w.Context(), sql).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// hidden are the values that a page's form for path carries.
func hidden(body, path string) url.Values {
	form := url.Values{}
	_, rest, _ := strings.Cut(body, `action="`+path+`"`)
	rest, _, _ = strings.Cut(rest, "</form>")
	for _, m := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
		form.Add(m[1], m[2])
	}
	return form
}

func TestExportIsCheckedBeforeItStarts(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	w.weigh("a", 14)
	w.shows("owner", "/exports/new", "All your data: 1,234,568 rows · 12 files · 15.0 GB", "Name and dates (1 row · 2 KB)", "1,234,567 rows · 12 files · 15.0 GB",
		"Project &lt;14&gt;", `data-search="Search in Project"`, "This does not narrow Projects: you get all of it.", `type="date"`, "Parquet", "50 GiB", "What Heguang cannot take", "/replacements/heguang/import")
	form := url.Values{
		"scope": {"some"}, "dataset": {"tasks"}, "filter-project": {"p2", "p3"}, "from": {"2026-01-01"}, "until": {"2026/2/28"}, "format": {"csv", "parquet"},
		"spreadsheet": {"yes"}, "volume": {"1"}, "replacement": {"heguang"},
	}
	before := w.stateSum()
	a := w.post("owner", "/exports/new/check", form)
	for _, text := range []string{
		"Nothing has started yet", "Tasks", "Project &lt;2&gt; · Project &lt;3&gt;", "1 January 2026 to 28 February 2026", "CSV · Parquet · copy for spreadsheets",
		"1 GiB at most", "Heguang", "at most about 1,234,567 rows · 12 files · 15.0 GB", "at most about 14.1 GB", "about 14 files of at most 1 GiB", "at most about 10 minutes",
		"Tasks: if something changes during the export", "o***@canary.example",
	} {
		if a.status != 200 || !strings.Contains(a.body, text) {
			t.Errorf("%d, no %q", a.status, text)
		}
	}
	if w.stateSum() != before {
		t.Error("the check changed something")
	}
	if diff := cmp.Diff(form, hidden(a.body, "/exports")); diff != "" {
		t.Error("what Start sends (-chosen +sent):\n" + diff)
	}
	back := w.post("owner", "/exports/new", hidden(a.body, "/exports/new"))
	for _, text := range []string{`value="tasks" checked`, `value="p3" checked`, `value="2026-01-01"`, `value="parquet" checked`, `value="heguang" checked`, `value="some" checked`, `value="1" checked`} {
		if back.status != 200 || !strings.Contains(back.body, text) {
			t.Errorf("back: %d, no %q", back.status, text)
		}
	}
	w.hides(back.body, `value="jsonl" checked`, `name="browse" id="browse" value="yes" checked`)
	w.speak("owner", "zh-CN")
	if a := w.post("owner", "/exports/new/check", form); !strings.Contains(a.body, "最多约1,234,567行") && !strings.Contains(a.body, "最多约1,234,567 行") {
		t.Error("no estimate in Chinese")
	}
	w.speak("owner", "en")
	w.exec(`UPDATE export_outline SET version = 0`) // of another programme
	if a := w.post("owner", "/exports/new/check", url.Values{"scope": {"all"}, "format": {"csv"}}); a.status != 200 || !strings.Contains(a.body, "We do not know the size yet") {
		t.Errorf("without sizes: %d", a.status)
	}
}

func TestI03_DatesOfAPeriod(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	for _, c := range []struct{ from, until, field, says string }{
		{"2026-03-02", "2026-03-01", "until", "The last day is before the first day"},
		{"2026-11-22", "", "from", "This day is in the future"},
		{"", "2999-01-01", "until", "This day is in the future"},
		{"2026-02-29", "", "from", "Enter a real date"},
		{"2026-02-30", "", "from", "Enter a real date"},
		{"29.2.2024", "", "from", "Enter a real date"},
		{"2024-2-29", "2024年2月29日", "", ""},
		{"2026.11.21", " 2026/11/21 ", "", ""},
		{"٢٠٢٦-٠١-٠١", "", "from", "Enter a real date"},
		{"1e3", "", "from", "Enter a real date"},
		{"-1", "NaN", "from", "Enter a real date"},
		{"", "9223372036854775808", "until", "Enter a real date"},
	} {
		a := w.post("owner", "/exports/new/check", url.Values{"scope": {"some"}, "from": {c.from}, "until": {c.until}, "format": {"csv"}})
		if c.field == "" {
			if a.status != 200 {
				t.Errorf("%q to %q: %d", c.from, c.until, a.status)
			}
			continue
		}
		_, beside, _ := strings.Cut(a.body, `id="`+c.field+`-error"`)
		if a.status != 422 || !strings.Contains(beside[:min(len(beside), 200)], c.says) || !strings.Contains(a.body, `href="#`+c.field+`"`) || !strings.Contains(a.body, `id="part-some" open`) {
			t.Errorf("%q to %q: %d, beside %s: %q", c.from, c.until, a.status, c.field, beside[:min(len(beside), 100)])
		}
	}
}

func TestSizesAreLookedUpByPostOnly(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	const jobs = `SELECT count(*) FROM river_job WHERE kind = 'export_outline'`
	w.shows("owner", "/exports/new", `hx-post="/exports/outline"`, "Look up sizes", "size not known yet")
	if w.count(jobs) != 0 {
		t.Error("a page that was read asked the sources")
	}
	if a := w.post("owner", "/exports/outline", nil); a.status != 303 || a.location != "/exports/new" {
		t.Errorf("%d to %s", a.status, a.location)
	}
	w.hides(w.shows("owner", "/exports/new", "We are looking up", `hx-get="/exports/outline"`), "Look up sizes")
	a := w.do("owner", "POST", "/exports/outline", "", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "HX-Request": {"true"}})
	if a.status != 200 || !strings.Contains(a.body, "We are looking up") || strings.Contains(a.body, "<main") || w.count(jobs) != 1 {
		t.Errorf("%d, %d jobs: %.300s", a.status, w.count(jobs), a.body)
	}
	w.weigh("a", 3)
	w.hides(w.shows("owner", "/exports/outline", "All your data", `id="dataset-2-hint-text" hx-swap-oob="true"`, `id="filter-project-list"`, "Project &lt;3&gt;"), "hx-get", "<main")
	w.exec(`UPDATE export_outline SET failed = true, made_at = NULL, data = NULL`)
	w.shows("owner", "/exports/new", "We could not look up the sizes", "Look up sizes")
	if a := w.post("member", "/exports/outline", nil); a.status != 403 {
		t.Errorf("a member: %d", a.status)
	}
}

func TestChangesSinceAnEarlierExport(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	w.hides(w.shows("owner", "/exports/new"), `name="since"`)
	e := w.requestExport("owner", "a")
	w.seal(e, "a", whole)
	theirs := w.requestExport("other", "b")
	w.seal(theirs, "b", whole)
	w.hides(w.shows("owner", "/exports/new", "Changes since EX-10001 (21 November 2026, 10:24)", "Rows that were deleted are not listed", "We have no record of changes for Projects"), theirs.ID)
	a := w.post("owner", "/exports/new/check", url.Values{"scope": {"some"}, "since": {e.ID}, "format": {"csv"}})
	if a.status != 200 || !strings.Contains(a.body, "Changes since EX-10001") || !strings.Contains(a.body, "Keep that export as well") || !strings.Contains(a.body, "We have no record of changes for Projects: you get all of it") {
		t.Errorf("%d", a.status)
	}
	var answers []string
	for _, id := range []string{theirs.ID, "nothing"} { // Z2: another's is like none
		a := w.post("owner", "/exports/new/check", url.Values{"scope": {"some"}, "since": {id}, "format": {"csv"}})
		if a.status != 422 || !strings.Contains(a.body, "Select one of the exports in the list") {
			t.Errorf("%s: %d", id, a.status)
		}
		answers = append(answers, a.body)
	}
	if answers[0] != answers[1] {
		t.Error("another customer's export is answered otherwise than one that does not exist")
	}
}

func TestWhatAReplacementTakesOver(t *testing.T) {
	w := newWorld(t)
	w.deepen()
	w.shows("owner", "/replacements/heguang/import", "What Heguang can take", "There are no colours.", "import/heguang/issues.csv", "Subject", "You lose nothing for good")
	for _, key := range []string{"plain", "nothing", "%00", "..%2f"} {
		if a := w.get("owner", "/replacements/"+key+"/import"); a.status != 404 {
			t.Errorf("%s: %d", key, a.status)
		}
	}
	for field, value := range map[string]string{"replacement": "plain", "volume": "3"} {
		a := w.post("owner", "/exports/new/check", url.Values{"scope": {"all"}, "format": {"csv"}, field: {value}})
		if a.status != 422 || !strings.Contains(a.body, `href="#`+field+`"`) {
			t.Errorf("%s=%s: %d", field, value, a.status)
		}
	}
}

// TestFilesAreLockedWithAPassword goes through form, check and start, and meets each thing that can be wrong with a password.
func TestFilesAreLockedWithAPassword(t *testing.T) {
	w := newWorld(t)
	w.shows("owner", "/exports/new", "Lock the files with a password", `name="locked"`)
	form := url.Values{"scope": {"all"}, "format": {"csv"}, "volume": {"2"}, "locked": {"yes"}}
	a := w.post("owner", "/exports/new/check", form)
	field := regexp.MustCompile(`name="password" type="text" value="([a-z0-9]{5}(?:-[a-z0-9]{5}){3})"`)
	made := field.FindStringSubmatch(a.body)
	if a.status != 200 || made == nil || !strings.Contains(a.body, "If you lose it, nobody can open the files") || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d, %q\n%s", a.status, a.header.Get("Cache-Control"), a.body)
	}
	if again := field.FindStringSubmatch(w.post("owner", "/exports/new/check", form).body); again[1] == made[1] {
		t.Error("two people are given one password")
	}
	carried := hidden(a.body, "/exports")
	for password, say := range map[string]string{
		"":                      "Enter a password",
		"short":                 "Enter a password of at least 12 characters",
		"passwordpassword":      "This password is easy to guess",
		"密码密码密码密码密码密码":          "Use only letters, digits and signs of an English keyboard",
		strings.Repeat("a", 70): "Enter a password of at most 64 characters",
	} {
		carried.Set("password", password)
		a := w.post("owner", "/exports", carried)
		if a.status != 422 || !strings.Contains(a.body, say) || !strings.Contains(a.body, `id="password-error"`) || !strings.Contains(a.body, `value="`+password+`"`) {
			t.Errorf("%q: %d\n%s", password, a.status, a.body)
		}
	}
	const password = "heron lantern quarry tuesday"
	carried.Set("password", password)
	a = w.post("owner", "/exports", carried)
	if a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.hides(w.shows("owner", a.location, "The files open only with your password"), password)
	w.storedNowhere(password)
	if n := w.count(`SELECT count(*) FROM export_password p JOIN export e ON e.id = p.export_id WHERE e.selection->>'locked' = 'true'`); n != 1 {
		t.Errorf("%d passwords wait for a worker", n)
	}
}

// TestWhatIsBuiltOnceMoreIsLockedOnceMore: we no longer have the first password.
func TestWhatIsBuiltOnceMoreIsLockedOnceMore(t *testing.T) {
	w := newWorld(t)
	by := migration.Who{CustomerID: w.ids["a"], ContactID: w.ids["owner"], Role: migration.Owner}
	e, err := w.exports.Request(w.Context(), by, w.programme.p, export.Selection{Formats: []string{"csv"}, Locked: true, Password: "heron lantern quarry tuesday"})
	if err != nil {
		t.Fatal(err)
	}
	w.seal(e, "a", partial())
	path := "/exports/" + e.ID
	w.shows("owner", path, "The files are locked", "-locked.zip --password-file password.txt")
	a := w.post("owner", path+"/repair", nil)
	if a.status != 200 || !strings.Contains(a.body, "Choose a password for the new files") || !strings.Contains(a.body, `action="`+path+`/repair"`) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = w.post("owner", path+"/repair", url.Values{"password": {"short"}}); a.status != 422 || !strings.Contains(a.body, "at least 12 characters") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	a = w.post("owner", path+"/repair", url.Values{"password": {"quarry heron lantern monday"}})
	if a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.shows("owner", a.location, "Only what failed in EX-10001", "The files open only with your password")
}
