package archive

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"offramp/deploy/local/localtest"
)

// hostile are texts that would run, fetch, or mislead if a page took them for more than text.
var hostile = []string{
	`<script>window.hacked=1</script>`, `"><img src=http://192.0.2.1/x onerror="window.hacked=2">`, `'><svg/onload=window.hacked=3>`,
	`</title></style></bdi></table><script src=//192.0.2.1/x.js></script>`, `javascript:window.hacked=4`, `data:text/html,<script>alert(5)</script>`,
	`<meta http-equiv=refresh content="0;url=http://192.0.2.1/">`, `<link rel=stylesheet href=http://192.0.2.1/x.css><style>@import url(http://192.0.2.1/y)</style>`,
	`<iframe srcdoc="<script>parent.hacked=6</script>"></iframe><base href=http://192.0.2.1/><form action=http://192.0.2.1/><input name=q>`,
	`{{.Header}}${window.hacked=7}`, "invoice\u202egpj.exe \u2066\u202b", "nul\x00byte\x1f\x7f", "bad\xff\xfeutf8", `=HYPERLINK("http://192.0.2.1/","x")`,
	`<!--`, `]]>--!><plaintext>`, `&lt;script&gt;&#60;`, "שלום עולם", "\u200b", "z" + strings.Repeat("\u0335", 150),
}

// hostileArchive writes an archive whose every text is hostile, with or without all rows in the viewer.
func hostileArchive(t *testing.T, tag string, browse bool) []byte {
	t.Helper()
	h := sampleHeader
	h.Locale, h.Product, h.CustomerName, h.Customer, h.Export = tag, hostile[3], hostile[1], hostile[4], hostile[0]
	h.Volumes = 2
	var b bytes.Buffer
	w, err := NewWriter(&b, h, Options{Spreadsheet: true, Browse: browse})
	must(t, err)
	columns := []Column{{Name: "id", Type: "integer"}, {Name: "at", Type: "instant"}, {Name: "open", Type: "boolean"}, {Name: "blob", Type: "binary"}, {Name: "odd", Type: hostile[0]}}
	for _, name := range hostile {
		columns = append(columns, Column{Name: name, Type: "text", Meaning: name, Unit: name})
	}
	rows := hostileRows(len(columns))
	must(t, w.AddDataset(t.Context(), Dataset{Name: "rows", Title: hostile[1], Columns: columns, Source: int64(len(rows))}, reader(rows)))
	must(t, w.AddDataset(t.Context(), Dataset{Name: "turned", Title: hostile[10], Columns: columns[:2]}, reader(nil)))
	wide := make([]Column, 250)
	for i := range wide {
		wide[i] = Column{Name: fmt.Sprintf("c%d", i), Type: "text"}
	}
	must(t, w.AddDataset(t.Context(), Dataset{Name: "wide", Title: hostile[18], Columns: wide, Source: 1}, reader([][][]byte{make([][]byte, 250)})))
	files := kept{"cut-1": noise(2 << 20)}
	all := []Attachment{{Key: hostile[0], Name: hostile[1]}, {Key: "cut-1", Name: "cut.bin", Size: 2 << 20}, {Key: hostile[4], Name: ""}}
	for i, name := range append(hostile, "page.html", "pic.svg", "100% #1?.txt", "报告 2026.pdf") {
		key := fmt.Sprint(i)
		files[key] = "<script>window.hacked=8;alert(1)</script>"
		all = append(all, Attachment{Key: key, Name: name, Size: -1})
	}
	for i := range 250 {
		key := fmt.Sprint("n", i)
		files[key] = key
		all = append(all, Attachment{Key: key, Name: key + ".txt", Size: 1})
	}
	must(t, w.AddAttachments(t.Context(), "rows", int64(len(all)), listed(all...), files))
	_, err = w.Close()
	must(t, err)
	return b.Bytes()
}

func hostileRows(width int) [][][]byte {
	var rows [][][]byte
	for i, s := range append(hostile, strings.Repeat("<b>1 MB</b>", 100_000)) {
		row := make([][]byte, width)
		copy(row, text(fmt.Sprint(i), "2026-03-01 14:05:00.5+00", "t", `\x`+strings.Repeat("3c", 5000), s))
		for j := 5; j < width; j++ {
			if row[j] = []byte(s); len(s) > 1000 && j > 6 {
				row[j] = nil // twice is enough
			}
		}
		rows = append(rows, row)
	}
	return append(rows, make([][]byte, width), text(slices.Repeat([]string{""}, width)...))
}

// extract unpacks an archive into a folder whose own name needs escaping.
func extract(t *testing.T, b []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "导出 #1 100%")
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	for _, f := range z.File {
		must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(f.Name)), 0o755))
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, f.Name), data, 0o644))
	}
	return dir
}

// witness records all that a tab asks for and says.
type witness struct {
	mu       sync.Mutex
	requests []string
	words    []string
}

func watch(t *testing.T, tab *localtest.Tab) *witness {
	w := new(witness)
	must(t, chromedp.Listen(tab.Ctx, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			w.requests = append(w.requests, ev.Request.URL)
		case *network.EventWebSocketCreated:
			w.requests = append(w.requests, ev.URL)
		case *page.EventJavascriptDialogOpening:
			w.words = append(w.words, "dialog: "+ev.Message)
		case *runtime.EventConsoleAPICalled:
			w.words = append(w.words, fmt.Sprintf("console: %+v", ev.Args))
		case *runtime.EventExceptionThrown:
			w.words = append(w.words, "exception: "+ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			w.words = append(w.words, "log: "+ev.Entry.Text)
		}
	}))
	return w
}

// take returns what was recorded since the last time.
func (w *witness) take() (requests, words []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests, words, w.requests, w.words = w.requests, w.words, nil, nil
	return requests, words
}

// TestI08_NothingRunsInTheViewer opens the page of a hostile archive from a folder, in both languages and themes.
// OFFRAMP_TEST_SHOTS names a folder for screenshots.
func TestI08_NothingRunsInThePage(t *testing.T) {
	for _, tag := range []string{"en", "zh-CN"} {
		t.Run(tag, func(t *testing.T) {
			b := hostileArchive(t, tag, false)
			if r := verify(t, b); !r.OK() {
				t.Fatal(r.Problems)
			}
			dir := extract(t, b)
			address := (&url.URL{Scheme: "file", Path: filepath.Join(dir, rootPath(IndexPath, 1, 2))}).String()
			tab := localtest.Browser(t)
			w := watch(t, tab)
			for _, theme := range []string{"light", "dark"} {
				tab.Theme(theme)
				for _, width := range []int{320, 390, 1280} {
					tab.Size(width, 900)
					tab.Open(address)
					quiet(t, tab, w, address)
					if over := tab.Overflow(); over > 0 {
						t.Errorf("%s at %d px scrolls sideways by %d", theme, width, over)
					}
					if width > 320 {
						localtest.Axe(t, tab)
					}
					shoot(tab, fmt.Sprintf("page-%s-%s-%d.png", tag, theme, width))
				}
			}
			holdsOnlyOurMarkup(t, tab, "")
			linksLeadToFiles(t, tab, dir)
			if got := localtest.Eval[string](tab, `document.documentElement.lang`); got != tag {
				t.Errorf("lang is %q", got)
			}
			policyHolds(t, tab)
		})
	}
}

func shoot(tab *localtest.Tab, name string) {
	if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
		tab.Screenshot(filepath.Join(dir, name))
	}
}

// quiet checks that the page asked for itself only, and that nothing ran.
func quiet(t *testing.T, tab *localtest.Tab, w *witness, address string) {
	t.Helper()
	hacked := localtest.Eval[string](tab, `String(window.hacked) + document.scripts.length + document.title.includes("script")`)
	if hacked != "undefined0true" {
		t.Errorf("in the page: %s", hacked)
	}
	requests, words := w.take()
	if len(requests) != 1 || requests[0] != address {
		t.Errorf("requests: %q", requests)
	}
	if len(words) > 0 {
		t.Errorf("the page said %q", words)
	}
}

// holdsOnlyOurMarkup compares every element and attribute of the page with those that the template has.
func holdsOnlyOurMarkup(t *testing.T, tab *localtest.Tab, more string) {
	t.Helper()
	const ours = "html head meta title style body header div h1 bdi p dl dt dd time main nav h2 ul li a section table thead tbody tr th td h3 span code footer " +
		"@lang @charset @http-equiv @content @name @class @datetime @aria-labelledby @aria-label @id @href @role @tabindex @scope @dir"
	found := localtest.Eval[[]string](tab, `[...new Set([...document.querySelectorAll("*")].flatMap(e =>
		[e.localName, ...[...e.attributes].map(a => "@" + a.name)]))]`)
	for _, name := range found {
		if !slices.Contains(strings.Fields(ours+" "+more), name) {
			t.Errorf("the page has %s", name)
		}
	}
	body := localtest.Eval[string](tab, `document.body.textContent`)
	for _, s := range []string{hostile[0], hostile[4], hostile[9], hostile[13], "invoice[U+202E]gpj.exe", "nul[U+0000]byte[U+001F]", "<b>1 MB</b>", "--", "2026-03-01 14:05:00.5"} {
		if !strings.Contains(body, s) {
			t.Errorf("the page does not show %q", s)
		}
	}
	if strings.ContainsAny(body, "\u202a\u202b\u202c\u202d\u202e\x00") || strings.Contains(body, "⟦") {
		t.Error("the page has a mark of direction, a NUL, or a message without words")
	}
	if n := localtest.Eval[int](tab, `document.documentElement.outerHTML.length`); n > 600_000 {
		t.Errorf("the page has %d characters", n)
	}
}

// linksLeadToFiles checks that links lead to parts of the page and to files of the archive that a browser does not run.
func linksLeadToFiles(t *testing.T, tab *localtest.Tab, dir string) {
	t.Helper()
	seen := map[string]bool{}
	for _, href := range localtest.Eval[[]string](tab, `[...document.links].map(a => a.href)`) {
		u, err := url.Parse(href)
		must(t, err)
		inside, err := filepath.Rel(dir, u.Path)
		if err != nil || u.Scheme != "file" || !filepath.IsLocal(inside) {
			t.Errorf("a link leads to %s", href)
			continue
		}
		if _, err := os.Stat(u.Path); err != nil {
			t.Error(err)
		}
		seen[inside] = true
		if ext := filepath.Ext(inside); u.Fragment == "" && (ext == ".html" || ext == ".svg" || ext == ".exe" || ext == "") {
			t.Errorf("a link leads to what could run: %s", inside)
		}
		if id := u.Fragment; id != "" && tab.Count(`[id="`+id+`"]`) != 1 {
			t.Errorf("no single part of the page has the id %s", id)
		}
	}
	for _, name := range []string{"data/rows.csv", "data/rows.jsonl", "data/rows.spreadsheet.csv", "attachments/rows/volume-01/100% #1_.txt", "attachments/rows/volume-01/报告 2026.pdf", "manifest-01.json"} {
		if !seen[name] {
			t.Errorf("no link leads to %s", name)
		}
	}
}

// policyHolds brings in what escaping keeps out, to see that the browser would not run or fetch it either.
func policyHolds(t *testing.T, tab *localtest.Tab) {
	t.Helper()
	tab.Allow("Content Security Policy")
	refused := localtest.Eval[[]string](tab, `new Promise(done => {
		const refused = [];
		document.addEventListener("securitypolicyviolation", e => {
			if (refused.push(e.effectiveDirective) == 4) done(refused.sort());
		});
		document.body.insertAdjacentHTML("beforeend", '<img src="file:///x.png"><b onclick="window.hacked=9" style="color:red">x</b>');
		document.body.lastChild.click();
		const s = document.createElement("script");
		s.textContent = "window.hacked=10";
		document.body.append(s);
	})`)
	if want := "img-src script-src-attr script-src-elem style-src-attr"; strings.Join(refused, " ") != want {
		t.Errorf("refused %q", refused)
	}
	if hacked := localtest.Eval[string](tab, `String(window.hacked)`); hacked != "undefined" {
		t.Errorf("script %s ran", hacked)
	}
}
