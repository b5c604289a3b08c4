package portal_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/migration"
)

// TestH02_RefundPagesInABrowser goes the customer's and finance's way through a refund, in Chinese on a desk and in English on a
// phone.
func TestH02_RefundPagesInABrowser(t *testing.T) {
	w := newPrepaid(t)
	base, tab := w.browse(), localtest.Browser(t)
	for _, status := range []string{"404", "403", "409", "422"} {
		tab.Allow(status)
	}
	tour := func(who, name string, paths ...string) {
		t.Helper()
		tab.Open(base + "/test-as/" + who)
		for _, as := range []struct {
			tag    string
			widths []int
		}{{"zh-CN", []int{1280}}, {"en", []int{390}}} {
			w.speak(who, as.tag)
			for i, p := range paths {
				tab.Open(base + p)
				w.see(tab, "refund-"+name+string(rune('a'+i))+"-"+as.tag, as.widths...)
			}
		}
		w.speak(who, "en")
	}
	tour("owner", "estimate", "/plan", "/refund", "/refund/CNY/method", "/refund/CNY/bank")
	tab.Size(390, 900)
	tab.Open(base + "/refund")
	if over := localtest.Eval[int](tab, `Math.max(...[...document.querySelectorAll(".scroll")].map(e => e.scrollWidth - e.clientWidth))`); over > 0 {
		t.Errorf("the amounts of the calculation are out of sight on a phone by %d", over)
	}
	tab.Open(base + "/refund/CNY/bank")
	tab.Click("form .btn--primary")
	tab.Wait(".errors")
	w.see(tab, "refund-errors-en")
	tour("other", "nothing", "/refund")
	ref := w.asked("owner")
	w.paid("a", "INV-2", 365000)
	w.attached("owner", "/refund/"+ref+"/documents", nil, "银行 letter.pdf", "application/pdf", paper("x"))
	w.attached("finance_clerk", queue+"/"+ref+"/documents", nil, "a long name of a check that finance made before it asked the customer.pdf", "application/pdf", paper("y"))
	tour("owner", "asked", "/refund/"+ref, "/refund/"+ref+"/submitted", "/refund", "/refund/CNY/method")
	w.decided("finance_clerk", ref, "question", url.Values{"question": {"Which account did you pay from?"}})
	tour("owner", "question", "/refund/"+ref)
	body := w.get("owner", "/refund/"+ref).body
	w.sent("owner", "/refund/"+ref+"/answer", url.Values{"version": {w.found(shownVersion, body)}, "answer": {"The first."}}, 303)
	tour("finance_clerk", "clerk", queue, queue+"?currency=CNY&least=x", queue+"/"+ref, "/console/finance/batches", "/console/finance/reconciliation", "/console/finance/reports", "/console/finance/tasks")
	w.decided("finance_clerk", ref, "review", nil)
	tour("finance_approver", "approver", queue, queue+"/"+ref)
	tab.Open(base + queue)
	tab.Click(`input[name="ref"]`)
	tab.Click(".bulk .btn--primary")
	tab.Wait("#selected-caption")
	w.see(tab, "refund-bulk-en")
	tab.Click(".bulk .btn--primary")
	tab.Wait("#results-caption")
	w.see(tab, "refund-results-en")
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"bank"}, "currency": {"CNY"}}, 303).location
	tour("finance_releaser", "batch", batch, "/console/finance/batches")
	w.sent("finance_releaser", batch+"/release", nil, 303)
	tour("finance_releaser", "released", batch)
	end := w.found(shownEnd, w.get("finance_releaser", batch+"/file").body)
	csv := "end_to_end_id,amount,currency,state,date,reason\n" + end + ",3600.00,CNY,returned,2026-11-24,AC04\nFOREIGN,5.00,CNY,booked,2026-11-24,\n"
	a := w.upload("finance_clerk", "/console/finance/reconciliation", "results.csv", csv)
	if a.status != 303 {
		t.Fatalf("import: %d\n%s", a.status, a.body)
	}
	tour("finance_clerk", "bank", a.location, "/console/finance/reconciliation", "/console/finance/reports")
	tour("owner", "returned", "/refund/"+ref, "/refund/"+ref+"/account", "/plan")
	account := url.Values{"version": {w.found(shownVersion, w.get("owner", "/refund/"+ref+"/account").body)}, "kind": {"cn_card"}, "number": {"6222 0202 0000 0000 006"}, "holder": {"林晓雯"}}
	w.sent("owner", "/refund/"+ref+"/account", account, 303)
	tour("owner", "corrected", "/refund/"+ref)
}

// TestH02_EmptyTablesInABrowser reads on a phone, in both languages, what finance and support see in place of rows.
func TestH02_EmptyTablesInABrowser(t *testing.T) {
	w := newPrepaid(t)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404") // the icon that browsers ask for on the first page
	for who, paths := range map[string][]string{
		"finance_approver": {queue + "?q=nobody", "/console/finance/batches", "/console/finance/reconciliation", "/console/finance/reports?month=2026-09"},
		"support":          {"/console/support"},
	} {
		tab.Open(base + "/test-as/" + who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(who, tag)
			for i, path := range paths {
				tab.Open(base + path)
				w.see(tab, "empty-"+who+string(rune('a'+i))+"-"+tag, 390)
				if tab.Count("tbody td:only-child") == 0 {
					t.Errorf("%s has no empty table", path)
				}
			}
		}
	}
}

// upload sends a file as a browser does.
func (w *world) upload(who, path, name, content string) answer {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		w.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = form.Close()
	return w.do(who, "POST", path, body.String(), http.Header{"Content-Type": {form.FormDataContentType()}})
}

func TestBankResultsAreTakenOrRefusedAsAWhole(t *testing.T) {
	w := newPrepaid(t)
	const path = "/console/finance/reconciliation"
	for name, tt := range map[string]struct {
		file, content string
		status        int
	}{
		"no file":       {"", "", 422},
		"not a table":   {"x.csv", "hello", 422},
		"markup":        {"<b>x</b>.xml", "<Document/>", 422},
		"a wrong line":  {"x.csv", "end_to_end_id,amount,currency,state,date,reason\nA,1e3,CNY,booked,2026-11-24,\n", 422},
		"a hostile one": {"x.xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><Document>&b;</Document>`, 422},
	} {
		a := w.upload("finance_clerk", path, tt.file, tt.content)
		if a.status != tt.status || !strings.Contains(a.body, `id="file-error"`) || strings.Contains(a.body, "<b>x") {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	w.shows("finance_clerk", path, "No files have been imported yet.")
	good := "end_to_end_id,amount,currency,state,date,reason\nFOREIGN,5.00,CNY,booked,2026-11-24,\n"
	a := w.upload("finance_clerk", path, "results.csv", good)
	w.shows("finance_clerk", a.location, "Not matched", "FOREIGN", "CN¥5.00", "Mark as dealt with")
	if a := w.upload("finance_clerk", path, "again.csv", good); a.status != 409 {
		t.Errorf("the same file again: %d", a.status)
	}
	line := w.found(shownLine, w.get("finance_clerk", a.location).body)
	if a := w.post("finance_clerk", line+"/match", url.Values{"ref": {"RF-2026-999999"}}); a.status != 422 || !strings.Contains(a.body, `value="RF-2026-999999"`) {
		t.Errorf("a match with nothing: %d", a.status)
	}
	if a := w.post("finance_clerk", line+"/settle", url.Values{"note": {""}}); a.status != 422 {
		t.Errorf("settled without a note: %d", a.status)
	}
	w.sent("finance_clerk", line+"/settle", url.Values{"note": {"Somebody else's."}}, 303)
	w.shows("finance_clerk", a.location, "Somebody else&#39;s.", "Mark as open again")
	w.sent("finance_clerk", line+"/reopen", nil, 303)
	w.shows("finance_clerk", a.location, "Mark as dealt with")
}

// TestTheBoxInTheHeadTellsWhatIsTicked looks at the box that ticks all, where all is ticked from the start and where nothing is.
func TestTheBoxInTheHeadTellsWhatIsTicked(t *testing.T) {
	w := newPrepaid(t)
	w.paid("b", "INV-7", 365000)
	refs := []string{w.asked("owner"), w.asked("other")}
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	head := func(want string) {
		t.Helper()
		const state = `(b => (b.hidden ? "hidden" : b.indeterminate ? "some" : b.checked ? "all" : "none"))(document.querySelector("input[data-all]")) + " " + document.querySelectorAll("tbody .check:checked").length`
		if got := localtest.Eval[string](tab, state); got != want {
			t.Errorf("the head says %s, want %s", got, want)
		}
	}
	for _, ref := range refs {
		w.decided("finance_clerk", ref, "review", nil)
	}
	tab.Open(base + "/test-as/finance_approver")
	tab.Open(base + queue)
	head("none 0")
	tab.Click("tbody .check")
	head("some 1")
	tab.Click("input[data-all]")
	head("all 2")
	tab.Click("input[data-all]")
	head("none 0")
	for _, ref := range refs {
		w.decided("finance_approver", ref, "approve", nil)
	}
	tab.Open(base + "/test-as/finance_clerk")
	tab.Open(base + "/console/finance/batches/new")
	head("all 2")
	tab.Click("tbody .check")
	head("some 1")
	tab.Click("input[data-all]")
	head("all 2")
}

// TestTheFirstScreenAnswers looks at finance's pages on a small desk: what the page is about, and the one thing to do, are in sight.
func TestTheFirstScreenAnswers(t *testing.T) {
	w := newPrepaid(t)
	w.programme.p.Refund.Within = migration.Within{Review: 1, Pay: 1, Bank: 1}
	ref := w.asked("owner")
	w.at(day.AddDate(0, 0, 4))
	w.credentials(day.AddDate(0, 0, 4))
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("404")
	tab.Size(1280, 850)
	look := func(who, path string, selectors ...string) {
		t.Helper()
		tab.Open(base + "/test-as/" + who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(who, tag)
			tab.Open(base + path)
			for _, one := range selectors {
				if at := localtest.Eval[int](tab, `Math.round((e => e ? e.getBoundingClientRect().bottom : 9999)(document.querySelector("`+one+`")))`); at > 850 {
					t.Errorf("%s in %s: %s ends at %d", path, tag, one, at)
				}
			}
			if n := localtest.Eval[int](tab, `document.querySelectorAll("main .btn--primary").length`); n > 1 {
				t.Errorf("%s in %s has %d actions in front", path, tag, n)
			}
		}
		w.speak(who, "en")
	}
	look("finance_clerk", queue, ".tiles", "#budget", "#queue-caption + thead + tbody tr, #queue tbody tr, main tbody tr")
	look("finance_clerk", queue+"/"+ref+"?in=status%3Dto_review", ".sum", "#request .btn--primary", "#facts")
	w.decided("finance_clerk", ref, "review", nil)
	look("finance_approver", queue+"/"+ref, ".sum", "#request .btn--primary", "#facts")
	w.decided("finance_approver", ref, "approve", nil)
	look("finance_clerk", "/console/finance/batches/new", "main tbody tr", ".bulk .btn--primary")
	look("finance_clerk", "/console/finance/batches", "main .btn--primary, main .btn")
	look("finance_clerk", "/console/finance/reconciliation", "main .btn--primary")
	look("finance_clerk", "/console/finance/reports", "main tbody tr")
}
