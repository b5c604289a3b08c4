package portal_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/examples"
	"offramp/deploy/local/localtest"
	"offramp/migration"
	"offramp/portal"
	"offramp/portal/ops"
)

// wider names what has to be scrolled sideways on the page, or lies outside of the window: the page, regions, tables' cells.
const wider = `(() => {
	const found = [], name = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + (e.className ? "." + e.className : "")
	const page = document.documentElement
	if (page.scrollWidth > page.clientWidth) found.push("the page by " + (page.scrollWidth - page.clientWidth))
	for (const e of document.querySelectorAll("main *")) {
		const style = getComputedStyle(e)
		if (/auto|scroll/.test(style.overflowX) && e.tagName != "TEXTAREA" && e.scrollWidth > e.clientWidth + 1) {
			const table = e.querySelector("table")
			found.push(name(e) + (table ? " with " + table.caption?.textContent : "") + " by " + (e.scrollWidth - e.clientWidth))
		}
	}
	for (const e of document.querySelectorAll("td, th")) {
		const box = e.getBoundingClientRect()
		if (box.width > 2 && (box.right > innerWidth + 1 || box.left < -1)) found.push(name(e) + " ends at " + Math.round(box.right))
	}
	return found.join("; ")
})()`

// phonePages says where the pages with variable addresses have something to show.
func (w *world) phonePages() map[string][]string {
	w.Helper()
	w.plans()
	w.exec(`INSERT INTO programme_version (version, state, source, digest, proposed_by, proposed_at) VALUES (1, 'proposed', $1, 'x', 'somebody', now())`, string(examples.Hezhou))
	p := w.programme.p
	w.offer()
	p.Steps = migration.StepRules{Choose: true, Settle: true}
	for _, id := range []string{"a", "b"} {
		w.tell(id, migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: p.Steps})
	}
	w.deepImport()
	w.exec(`UPDATE customer SET attributes = attributes || '{"plan": "Team yearly"}' WHERE id = $1`, w.ids["a"])
	w.exec(`INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, 'export_deadline', '2027-03-20', 'Long illness.', 'identity-support', $2)`,
		w.ids["a"], day)
	w.codes("heguang", "HG-1111-AAAA")
	w.choose("owner", "heguang")

	w.toldAndUntold()
	w.exec(`UPDATE programme_version SET state = 'withdrawn'`)
	w.connected(string(examples.Hezhou))
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"retirement"}}, 303) // its gates would hold the notices
	application := w.applied()
	risk := w.fearing()
	e := w.requestExport("owner", "a")
	w.seal(e, "a", partial())
	w.split(e)
	for n := range 3 {
		w.put(fmt.Sprint("key-of-", n+1))
	}
	files := "/exports/" + e.ID
	w.get("owner", files+"/volumes/1")
	for _, text := range []string{"The tasks of 2019 are missing.", "So are those of 2018."} {
		w.sent("owner", files+"/help", url.Values{"text": {text}}, 303)
	}
	w.exec(`UPDATE help_request SET state = 'answered', answer = 'They are in the second volume.', answered_at = $1, answered_by = 'identity-support' WHERE text LIKE '%2018%'`, day)
	var asked string
	if err := w.super.Super(w.T).QueryRow(w.Context(), `SELECT id FROM help_request WHERE state = 'open' LIMIT 1`).Scan(&asked); err != nil {
		w.Fatal(err)
	}
	w.exec(`UPDATE customer SET tier = 'core' WHERE id = $1`, w.ids["b"])
	broken := w.requestExport("other", "b")
	w.exec(`UPDATE export SET state = 'failed', failures = 3, cause = 'column "a_rather_long_name_of_a_column" does not exist (SQLSTATE 42703)', finished_at = $2 WHERE id = $1`,
		broken.ID, day)
	w.surveyed(true)
	version := fmt.Sprintf("/console/programme/%d", w.propose("operator", strings.Replace(string(examples.Hezhou), "day: 2027-03-02", "day: 2027-02-27", 1)))

	ref := w.brought("owner", url.Values{"method": {"original"}})
	w.paid("b", "INV-9", 365000)
	second := w.askedFor("other", url.Values{"method": {"original"}})
	w.attached("owner", "/refund/"+ref+"/documents", nil, "银行 letter of quite some length and no breaks_in_its_name_at_all.pdf", "application/pdf", paper("x"))
	w.prepaid("third", "c", "HZ-8", "Another Works")
	w.sent("third", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"original"}, "currency": {"CNY"}}, 303).location
	csv := "end_to_end_id,amount,currency,state,date,reason\nFOREIGN-0123456789-0123456789-01234,5.00,CNY,booked,2026-11-24,\n,,,,,\n"
	bank := w.upload("finance_clerk", "/console/finance/reconciliation", "results.csv", csv).location
	w.manager("second")
	w.sent("second", "/console/people/staff/identity-finance_clerk/disable", url.Values{"reason": {"A reason of quite some length, with no_breaks_in_its_words_at_all_anywhere."}}, 303)
	w.alive("worker-1")
	back := w.broughtBack()
	w.prepaid("fifth", "e", "HZ-10", "Fifth Works") // approved and in no batch, and waiting for a code
	w.brought("fifth", url.Values{"method": {"original"}})
	w.choose("fifth", "heguang")
	w.exec(`INSERT INTO refund_task (id, kind, key, opened_at) VALUES ('t', 'second_refund', 'k', $1)`, day)
	w.counts()
	w.exec(`INSERT INTO figure_weekly (week, content, made_at) VALUES ('2026-11-09', '{"lead": {"en": "All of it"}}', now())`)
	waiting := w.erased()
	return map[string][]string{
		"/console/figures/:report":                          {"/console/figures/completion?from=&to=", "/console/figures/reach?from=&to=", "/console/figures/requests?from=&to=", "/console/figures/refunds?from=&to="},
		"/console/figures/:report/table.csv":                nil,
		"/console/figures/:report/table.xlsx":               nil,
		"/console/erasure/customer":                         {"/console/erasure/customer?ref=HZ-20418"},
		"/console/erasure/runs/:id":                         {waiting, waiting + " second"},
		"/console/erasure/certificates/:id":                 {"/console/erasure/certificates/erased"},
		"/console/erasure/certificates/:id/certificate.jws": nil, // a file
		"/:locale/":                                   {"/en/"},
		"/:locale/faq":                                {"/en/faq"},
		"/exports/:id":                                {files, "/exports/" + broken.ID + " other"},
		"/exports/:id/check":                          {files + "/check"},
		"/exports/:id/delete":                         {files + "/delete"},
		"/exports/:id/deliver":                        {files + "/deliver"},
		"/exports/:id/help":                           {files + "/help"},
		"/refund/:currency/method":                    {"/refund/CNY/method third"},
		"/refund/:currency/bank":                      {"/refund/CNY/bank third"},
		"/refund/:currency/check":                     {"/refund/CNY/check third"},
		"/refund/:ref":                                {"/refund/" + ref, "/refund/" + second + " other"},
		"/refund/:ref/submitted":                      {"/refund/" + ref + "/submitted"},
		"/replacements":                               {"/replacements", "/replacements other"},
		"/replacements/:key/choose":                   {"/replacements/driftboard/choose", "/replacements/driftboard/choose other"},
		"/console/support":                            {"/console/support", "/console/support?q=canary"},
		"/console/support/customers/:id":              {"/console/support/customers/" + w.ids["a"], "/console/support/customers/" + w.ids["b"]},
		"/console/support/help/:id":                   {"/console/support/help/" + asked},
		"/console/support/queue":                      {"/console/support/queue", "/console/support/queue?shelf=answered"},
		"/help/new":                                   {"/help/new?page=" + url.QueryEscape(files)},
		"/help/:id":                                   {"/help/" + asked},
		"/console/programme/:id":                      {version},
		"/console/audit/:id":                          {"/console/audit/1"},
		"/account/mail/:token":                        {"/account/mail/abc"},
		"/go/:token/:place":                           nil,
		"/feedback/:token":                            {"/feedback/" + feedbackToken, "/feedback/" + feedbackToken + "?page=1", "/feedback/" + feedbackToken + "?page=2", "/feedback/" + feedbackToken + "?page=9"},
		"/console/feedback.csv":                       nil,
		"/console/feedback.xlsx":                      nil,
		"/unsubscribe/:token":                         {"/unsubscribe/" + reportSeals.LeaveToken(strings.Repeat("0", 32))},
		"/console/finance/refunds":                    {"/console/finance/refunds", "/console/finance/refunds finance_approver"},
		"/console/finance/refunds/:ref":               {"/console/finance/refunds/" + ref, "/console/finance/refunds/" + second},
		"/console/finance/batches/:id":                {batch},
		"/console/finance/reconciliation/:id":         {bank},
		"/console/people":                             {"/console/people", "/console/people?q=hz-20418"},
		"/console/people/:kind/:id":                   {"/console/people/staff/identity-finance_clerk second", "/console/people/customer/" + w.ids["member"]},
		"/console/programme/:id/source":               {version + "/source"},
		"/console/finance/refunds/:ref/documents/:id": nil, // a file
		"/console/finance/batches/:id/file":           nil,
		"/refund/:ref/documents/:id":                  nil,
		"/refund/:ref/account":                        {"/refund/" + back + "/account fourth"},
		"/console/notices/:key":                       {"/console/notices/announcement?customer=HZ-20418", "/console/notices/export"},
		"/console/notices/day":                        {"/console/notices/day", "/console/notices/day?day=2027-01-31"},
		"/console/workspace/:plan":                    {"/console/workspace/retirement programme_manager", "/console/workspace/retirement"},
		"/console/workspace/:plan/items":              {"/console/workspace/retirement/items?show=all programme_manager"},
		"/console/workspace/:plan/items/:key":         {"/console/workspace/retirement/items/decision programme_manager", "/console/workspace/retirement/items/unreached"},
		"/console/risks/:id":                          {risk + " programme_manager", risk + " auditor"},
		"/console/approvals/:id":                      {application + " support", application + " programme_manager"},
		"/console/approvals/:id/edit":                 {application + "/edit programme_manager"},
		"/console/approvals/:id/record":               {application + "/record"},
		"/console/application":                        {"/console/application programme_manager", "/console/application support"},
		"/console/application/application.docx":       nil, // files
		"/console/application/application.xlsx":       nil,
		"/console/application/tables/:key":            {"/console/application/tables/risks programme_manager"},
		"/console/overview/funnel.csv":                nil, // files
		"/console/overview/days.csv":                  nil,
		"/console/overview/customers":                 {"/console/overview/customers?step=5 programme_manager"},
		"/console/notices/:key/preview":               nil, // a mail in a frame
		"/console/notices/:key/messages":              {"/console/notices/announcement/messages"},
		"/console/notices/:key/messages.csv":          nil, // a file
		"/console/ops/sinks/:id":                      {"/console/ops/sinks/crm", "/console/ops/sinks/crm?since=2026-11-01", "/console/ops/sinks/lake"},
		"/exports/:id/download":                       nil,
		"/exports/:id/receipt.json":                   nil,
		"/exports/:id/receipt.jws":                    nil,
		"/exports/:id/volumes/:number":                nil,
		"/exports/:id/volumes/:number/file":           nil,
	}
}

// toldAndUntold tells customers of the closure, and has some of it fail: an address that sends back, a mail of which nobody knows, a
// mail that is sent once more, and a call that has to be made.
func (w *world) toldAndUntold() {
	w.Helper()
	w.exec(`UPDATE identity SET signed_in_at = '2026-01-01' WHERE realm = 'customer'`)
	w.tellAll()
	id := w.text(`SELECT mail_id FROM notice_delivery WHERE customer_id = $1 LIMIT 1`, w.ids["a"])
	w.hook("/hooks/mail", "msg_1", fmt.Sprintf(`{"events": [{"type": "bounced", "mail": "%s@x.example", "status": "5.1.1", "detail": "no such user"}]}`, reportSeals.Token(id)))
	w.exec(`INSERT INTO notice_delivery (message_id, customer_id, contact_id, channel, mail_id, state, subject, started_at)
		SELECT d.message_id, d.customer_id, k.id, 'email', 'other', 'lapsed', d.subject, d.started_at
		  FROM notice_delivery d JOIN contact k ON k.customer_id = d.customer_id AND k.id <> d.contact_id LIMIT 1`)
	w.sent("programme_manager", "/console/reach/"+w.ids["b"]+"/call", nil, 303)
}

// briefed gives the programme the briefing of the example's.
func (w *world) briefed() {
	w.Helper()
	example, err := migration.ReadProgramme(examples.Hezhou)
	if err != nil {
		w.Fatal(err)
	}
	p := *w.programme.p
	p.Notices.Briefing = example.Notices.Briefing
	w.programme.p = &p
}

// alive holds the lock of a worker, as the process does that runs it.
func (w *world) alive(worker string) {
	w.Helper()
	conn, err := w.tables.Acquire(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = conn.Conn().Close(context.Background()) // the lock is the session's
		conn.Release()
	})
	if _, err := conn.Exec(w.Context(), `SELECT pg_advisory_lock(hashtextextended('offramp worker ' || $1, 0))`, worker); err != nil {
		w.Fatal(err)
	}
	w.exec(`INSERT INTO queue_worker (id, since) VALUES ($1, now())`, worker)
}

// prepaid adds a customer with an owner and something to be given back.
func (w *world) prepaid(who, id, ref, name string) {
	w.Helper()
	w.customer(id, ref, name, "Europe/London")
	w.contact(who, id, migration.Owner)
	w.exec(`INSERT INTO entitlement (customer_id, version, import_id, programme, changed_at, due_at) VALUES ($1, 1, 'i', 1, $2, $2)`, w.ids[id], day)
	w.tell(id, migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: w.programme.p.Steps})
	w.paid(id, "INV-"+ref, 365000)
	w.credentials(day)
}

// broughtBack is a request whose payment the bank sent back: its customer gives another account.
func (w *world) broughtBack() string {
	w.Helper()
	w.prepaid("fourth", "d", "HZ-9", "Fourth Works")
	ref := w.asked("fourth")
	w.decided("finance_clerk", ref, "review", nil)
	w.decided("finance_approver", ref, "approve", nil)
	batch := w.sent("finance_clerk", "/console/finance/batches", url.Values{"method": {"bank"}, "currency": {"CNY"}}, 303).location
	w.sent("finance_releaser", batch+"/release", nil, 303)
	end := w.found(shownEnd, w.get("finance_releaser", batch+"/file").body)
	csv := "end_to_end_id,amount,currency,state,date,reason\n" + end + ",1500.00,CNY,returned,2026-11-24,AC04\n"
	if a := w.upload("finance_clerk", "/console/finance/reconciliation", "returned.csv", csv); a.status != 303 {
		w.Fatalf("import: %d", a.status)
	}
	return ref
}

// visitors are who looks at a page, the first of those who may.
var visitors = []string{"owner", "support", "finance_clerk", "programme_manager", "auditor", "operator", "finance_releaser", "anonymous"}

// TestH02_NothingScrollsSidewaysOnAPhone opens every page of the list of routes, as one of those who may see it, 390 px wide in each
// language. A new page with variable parts in its address needs a line in phonePages.
func TestH02_NothingScrollsSidewaysOnAPhone(t *testing.T) {
	w := newPrepaid(t)
	pages := w.phonePages()
	w.briefed()
	base, tab := w.browse(), localtest.Browser(t)
	for _, status := range []string{"404", "403", "409", "422"} {
		tab.Allow(status)
	}
	tab.Size(390, 900)
	seen := 0
	for _, who := range []string{"owner", "other", "third", "support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor", "operator", "anonymous"} {
		paths := w.pagesOf(who, pages)
		tab.Open(base + "/test-as/" + who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(who, tag)
			for _, path := range paths {
				if a := w.get(who, path); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
					if a.status >= 400 {
						t.Errorf("%s for %s: %d; name a page in phonePages", path, who, a.status)
					}
					continue
				}
				seen++
				tab.Open(base + path)
				if found := localtest.Eval[string](tab, wider); found != "" {
					t.Errorf("%s for %s in %s scrolls sideways: %s", path, who, tag, found)
				}
				if date := localtest.Eval[string](tab, `(document.body.innerText.match(/\b\d{4}-\d\d-\d\d\b/) || [""])[0]`); date != "" && !strings.HasPrefix(path, "/console") {
					t.Errorf("%s for %s in %s writes a date as %s", path, who, tag, date)
				}
				if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
					name := strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(path)
					tab.Screenshot(filepath.Join(dir, "phone-"+who+name+"-"+tag+".png"))
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d pages seen", seen)
	}
}

// pagesOf are the addresses that somebody looks at: those where they are the first of the visitors who may, and those named for them.
func (w *world) pagesOf(who string, pages map[string][]string) []string {
	var paths []string
	for _, r := range w.server.Routes() {
		if r.Method != "GET" || r.Bare || r.Quiet || strings.HasPrefix(r.Path, ops.JobsPath) { // River's pages are its own
			continue
		}
		samplesOf, named := pages[r.Path]
		if !named {
			samplesOf = []string{samples.Replace(r.Path)}
		}
		for _, path := range samplesOf {
			path, by, _ := strings.Cut(path, " ")
			if by == "" {
				by = firstWhoMay(r.Access)
			}
			if by == who {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

func firstWhoMay(a portal.Access) string {
	for _, who := range visitors {
		if accessOf[who]&a != 0 {
			return who
		}
	}
	return ""
}
