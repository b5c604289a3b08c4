package portal_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/examples"
	"offramp/migration"
	"offramp/migration/replacement"
)

func TestComparisonIsForThisCustomer(t *testing.T) {
	w := newWorld(t)
	w.offer()
	body := w.shows("owner", "/replacements",
		"Heguang Space", "Our successor", "Partner product", "Do it yourself",
		"CN¥11,760.00", "20 seats for 12 months", "CN¥23,520.00 before the offer of 50% off", "CN¥98.00 per seat and month", "Storage included.",
		"Half price in the first year", "Until 31 January 2027", "The offer ended on 1 November 2026", "Free of charge", "About 2 hours",
		"Automations: it has no such feature. You use 14.", "Rules are rebuilt by hand.", "Tasks: does not move. Tasks stay behind.",
		"Covers 1 of the 2 features that you use", "You use: 14", "You do not use it", "We counted what you use on 20 November 2026",
		"Moves with loss", "Tasks stay behind.", "ISO 27001", "We suggest Heguang Space", "Suggested for you",
		`scope="col"`, `scope="row">`, `scope="rowgroup"`, `aria-current="page">Replacements`, `id="product-driftboard"`)
	if n := strings.Count(body, "cmp__differs"); n < 10 {
		t.Errorf("%d differences are marked", n)
	}
	w.hides(body, "7731", "7,731", "7,732")
	w.shows("other", "/replacements", "CN¥378,819.00", "7,731 seats for 1 month", "You use: 7,732")
	w.speak("owner", "zh-CN")
	w.shows("owner", "/replacements", "我们的后续产品", "20席，12个月", "¥11,760.00", "截至2027年1月31日", "覆盖您所用2项功能中的1项", "为您推荐", "约2小时")
}

// TestComparisonOfTwoCustomersIsTheirOwn compares the page put together from what customers share with the one that is
// rendered as a whole, which an address that no page leads to gets.
func TestComparisonOfTwoCustomersIsTheirOwn(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.exec(`UPDATE customer SET name = '<b>"R&D"</b> 远岸' WHERE id = $1`, w.ids["b"])
	same := func(state string) {
		t.Helper()
		for _, who := range []string{"owner", "member", "other", "owner"} {
			whole := strings.ReplaceAll(w.get(who, "/plan?x=1").body, "/plan?x=1", "/plan")
			if got := w.get(who, "/plan").body; got != whole {
				t.Errorf("%s, %s: the plan differs at %q", state, who, firstDifference(whole, got))
			}
		}
		for _, query := range []string{"?", "?all=yes&", "?with=driftboard&with=self&"} {
			for _, who := range []string{"owner", "member", "other", "owner"} {
				address := "/replacements" + strings.TrimRight(query, "?&")
				whole := strings.ReplaceAll(w.get(who, "/replacements"+query+"x=1").body, strings.ReplaceAll(query, "&", "&amp;")+"x=1", strings.ReplaceAll(strings.TrimRight(query, "?&"), "&", "&amp;"))
				if got := w.get(who, address).body; got != whole {
					t.Errorf("%s, %s: %s differs at %q", state, who, address, firstDifference(whole, got))
				}
			}
		}
	}
	same("new")
	w.choose("owner", "driftboard")
	same("chosen")
	w.uses("a", "forms", 5)
	same("counted")
	w.at(time.Date(2027, 2, 1, 2, 0, 0, 0, time.UTC))
	same("another day")
	w.speak("owner", "zh-CN")
	same("another language")
}

func firstDifference(a, b string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[max(0, i-80):min(len(a), i+80)] + " | " + b[max(0, i-20):min(len(b), i+80)]
		}
	}
	return "the end"
}

func TestComparisonShowsWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.hides(w.shows("owner", "/replacements?with=self&with=driftboard", "Driftboard", "Keep the files."), `id="product-heguang"`)
	w.hides(w.shows("owner", "/replacements?only=differences&with=heguang&with=driftboard", "The products are the same in 3 more rows.", `href="/replacements?all=yes&amp;with=heguang&amp;with=driftboard"`, "Moves with loss"), ">Where the data is stored<")
	w.shows("owner", "/replacements?with=gone&with=self", "so we left it out", "Keep the files.")
	p := w.programme.p
	for _, key := range []string{"four", "five"} {
		p.Replacements = append(p.Replacements, migration.Replacement{Key: key, Name: both("No. "+key, "第"+key)})
	}
	w.hides(w.shows("owner", "/replacements", `id="product-four"`), `id="product-five"`)
	a := w.get("owner", "/replacements?with=heguang&with=driftboard&with=self&with=four&with=five")
	if a.status != 422 || !strings.Contains(a.body, "Choose at most 4 products") || strings.Count(a.body, `checked`) < 5 {
		t.Errorf("five: %d", a.status)
	}
	p.Choice.Recommend = "off"
	p.Version++
	again := *p
	w.programme.p = &again
	w.hides(w.shows("owner", "/replacements"), "We suggest", "Suggested for you")
}

func TestWithoutReplacements(t *testing.T) {
	w := newWorld(t)
	w.hides(w.shows("owner", "/replacements", "This closure has no replacement", `href="/exports"`), `href="/replacements"`)
	w.hides(w.shows("owner", "/plan"), `id="replacements"`)
	w.offer()
	w.programme.p.Replacements = w.programme.p.Replacements[1:]
	w.shows("owner", "/replacements", "We have no successor of our own")
}

func TestWhereNothingHasToBeChosen(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.programme.p.Steps.Choose = false
	w.hides(w.shows("owner", "/replacements", "You do not have to choose anything in this closure"), "/replacements/none", "/replacements/later")
	w.hides(w.shows("owner", "/replacements/heguang", "You do not have to choose anything in this closure"), "/heguang/choose")
	for _, path := range []string{"/replacements/heguang/choose", "/replacements/none"} {
		w.hides(w.shows("owner", path, "You do not have to choose anything in this closure"), "btn--primary")
	}
}

func TestDetailsOfAReplacement(t *testing.T) {
	w := newWorld(t)
	w.offer()
	body := w.shows("owner", "/replacements/heguang", "One place for <strong>everything</strong>", `href="https://heguang.example/p.png"`, "Reminders have to be set again.",
		"Invite your colleagues", "100 GB", "Shanghai", "ISO 27001", "mailto:hello@heguang.example", "tel:4001112222", "CN¥11,760.00", "Choose Heguang Space", "/replacements/heguang/choose")
	w.hides(body, "<script>alert", "<img")
	w.shows("owner", "/replacements/driftboard", "The offer ended on 1 November 2026", "You can still choose Driftboard", "Choose Driftboard")
	w.hides(w.shows("member", "/replacements/heguang", "Only the owner of your account"), "/replacements/heguang/choose")
	w.programme.p.Replacements[1].Withdrawn = true
	w.hides(w.shows("owner", "/replacements/driftboard", "Driftboard is no longer on offer", "so you cannot choose it"), "/replacements/driftboard/choose")
	if a := w.get("owner", "/replacements/driftboard/choose"); a.status != 410 {
		t.Errorf("choosing what was withdrawn: %d", a.status)
	}
	if a := w.get("owner", "/replacements/nothing"); a.status != 404 {
		t.Errorf("unknown: %d", a.status)
	}
}

func TestAChoiceIsCheckedBeforeItIsMade(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.codes("heguang", "HG-1111-AAAA")
	body := w.shows("owner", "/replacements/heguang/choose", "Tasks: only partly moves. Reminders have to be set again.", "You get a code with this choice.", "accept that we give it up")
	form := hidden(body, "/replacements/heguang/check")
	a := w.post("owner", "/replacements/heguang/check", form)
	if a.status != 422 || !strings.Contains(a.body, `id="accept-error"`) || !strings.Contains(a.body, `href="#accept"`) || !strings.Contains(a.body, "<title>Error: ") {
		t.Errorf("nothing accepted: %d\n%s", a.status, a.body)
	}
	form.Set("accept", "yes")
	before := w.stateSum()
	if a = w.post("owner", "/replacements/heguang/check", form); a.status != 200 || !strings.Contains(a.body, "You have not chosen anything yet") || !strings.Contains(a.body, "1 thing, accepted") {
		t.Fatalf("check: %d\n%s", a.status, a.body)
	}
	if w.stateSum() != before {
		t.Error("the check changed something")
	}
	if a := w.choose("owner", "heguang"); a.status != 303 || a.location != "/replacements/heguang/done" {
		t.Fatalf("%d to %s\n%s", a.status, a.location, a.body)
	}
	for range 2 { // it stays there
		w.shows("owner", "/replacements/heguang/done", "You chose Heguang Space", "HG-1111-AAAA", "You can use it until 31 January 2027.", "Sign up at Heguang Space", "0 of 3 steps done", "Take this decision back")
	}
	w.hides(w.shows("member", "/replacements/heguang/done", "The owner of your account can see the code here."), "HG-1111-AAAA", "Take this decision back", "hand-over")
	w.shows("owner", "/replacements", "You chose Heguang Space on 21 November 2026", "Your choice")
	w.post("owner", "/plan/dates", nil)
	w.tell("a", migration.Event{Kind: migration.ExportRequested, Actor: w.ids["owner"], ExportID: "e1", Number: 10001})
	w.tell("a", migration.Event{Kind: migration.ExportChecked, Actor: w.ids["owner"], ExportID: "e1"})
	w.shows("owner", "/plan", "You chose Heguang Space", "Continue with the move to Heguang Space", `class="product product--rec"`)
	w.shows("owner", "/replacements/driftboard/choose", "You have chosen Heguang Space", "Keep Heguang Space")
	w.shows("owner", "/replacements/heguang/choose", "You have already chosen Heguang Space")
	if a := w.get("owner", "/replacements/driftboard/done"); a.location != "/replacements/driftboard" {
		t.Errorf("done with another: %d to %s", a.status, a.location)
	}
	w.choose("owner", "driftboard")
	w.hides(w.shows("owner", "/replacements/driftboard/done", "You chose Driftboard"), "DRIFT-2026") // its offer was over
	if got := w.choiceOf("a"); got != "chosen driftboard made" {
		t.Errorf("the choice is %s", got)
	}
}

func TestAnExhaustedPoolPutsOnTheWaitingList(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.shows("owner", "/replacements/heguang/choose", "The codes have run out for now")
	w.choose("owner", "heguang")
	w.shows("owner", "/replacements/heguang/done", "You are on the waiting list for a code")
	w.shows("programme_manager", "/console/programme/replacements", "Heguang Space has run out of codes", "1 customer is waiting", "Farshore Design Studio", "Chosen")
	w.shows("support", screen, "On the waiting list since")
	w.codes("heguang", "HG-2222-BBBB")
	w.shows("owner", "/replacements/heguang/done", "HG-2222-BBBB")
	w.hides(w.shows("support", screen, "****BB", "Covers 1 of the 2 features"), "HG-2222-BBBB")
}

func TestWhatChangesMeanwhileIsShownAgain(t *testing.T) {
	w := newWorld(t)
	w.offer()
	form := hidden(w.get("owner", "/replacements/driftboard/choose").body, "/replacements/driftboard/check")
	form.Set("accept", "yes")
	w.uses("a", "forms", 2) // so forms are lost, too
	if a := w.post("owner", "/replacements/driftboard/choose", form); a.status != 409 || !strings.Contains(a.body, "What you give up has changed") || !strings.Contains(a.body, "Forms: it has no such feature. You use 2.") {
		t.Errorf("losses: %d\n%s", a.status, a.body)
	}
	form = hidden(w.get("owner", "/replacements/heguang/choose").body, "/replacements/heguang/check")
	form.Set("accept", "yes")
	w.at(time.Date(2027, 2, 1, 2, 0, 0, 0, time.UTC))
	if a := w.post("owner", "/replacements/heguang/choose", form); a.status != 409 || !strings.Contains(a.body, "The offer has ended") || !strings.Contains(a.body, "CN¥23,520.00") {
		t.Errorf("offer: %d\n%s", a.status, a.body)
	}
	if got := w.choiceOf("a"); got != "" {
		t.Errorf("chosen all the same: %s", got)
	}
	w.programme.p.Replacements[1].Withdrawn = true
	if a := w.post("owner", "/replacements/driftboard/choose", url.Values{"accept": {"yes"}}); a.status != 410 {
		t.Errorf("withdrawn: %d", a.status)
	}
}

func TestNoneLaterAndUndo(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.shows("owner", "/replacements/none", "Features that we need are missing")
	for _, c := range []struct {
		path, reason, text, says string
		status                   int
	}{
		{"none", "", "", "Choose a reason.", 422},
		{"none", "budget", "", "Choose a reason.", 422}, // a reason of the other form
		{"none", "other", "", "Write a few words", 422},
		{"none", "other", strings.Repeat("字", replacement.MaxText+1), "2000", 422},
		{"none", "other", "x\x00y", `aria-invalid="true"`, 422},
		{"none", "other", "\xff\xfe", `aria-invalid="true"`, 422},
		{"none", strings.Repeat("a", 41), "", "40", 422},
		{"later", "colleagues", "\u202e <b>soon</b> 👩\u200d💻\r\nreally", "", 303},
		{"none", "missing_features", "", "", 303},
	} {
		a := w.post("owner", "/replacements/"+c.path, url.Values{"reason": {c.reason}, "text": {c.text}})
		if a.status != c.status || !strings.Contains(a.body, c.says) {
			t.Errorf("%s %q %.20q: %d\n%s", c.path, c.reason, c.text, a.status, a.body)
		}
	}
	if got := w.choiceOf("a"); got != "none  made" {
		t.Errorf("decided: %q", got)
	}
	w.shows("owner", "/plan", "You want none of the replacements")
	w.shows("owner", "/replacements", "you want none of these")
	w.shows("support", screen, "None of these", "It lacks features that they need")
	w.shows("programme_manager", "/console/programme/replacements", "None of these", "It lacks features that they need")
	w.shows("owner", "/replacements/undo", "None of these", "Take it back")
	if a := w.post("owner", "/replacements/undo", nil); a.status != 303 || a.location != "/replacements" || w.choiceOf("a") != "" {
		t.Errorf("undo: %d to %s", a.status, a.location)
	}
	w.shows("owner", "/replacements/undo", "You have no decision to take back.")
	if a := w.post("owner", "/replacements/undo", nil); a.status != 409 {
		t.Errorf("undo twice: %d", a.status)
	}
}

func TestGuideKeepsItsProgress(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.shows("owner", "/replacements/heguang/guide", "0 of 3 steps done", "1. Invite your colleagues", "<em>Members</em>", "Watch the video")
	if a := w.post("member", "/replacements/heguang/guide", url.Values{"step": {"import"}, "done": {"yes"}}); a.status != 303 || a.location != "/replacements/heguang/guide#step-2" {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	w.shows("owner", "/replacements/heguang/guide", "1 of 3 steps done", "Ticked off by Lin member", "Not done after all")
	w.shows("other", "/replacements/heguang/guide", "0 of 3 steps done")
	w.post("owner", "/replacements/heguang/guide", url.Values{"step": {"import"}, "done": {"no"}})
	w.shows("owner", "/replacements/heguang/guide", "0 of 3 steps done")
	for _, step := range []string{"", "nothing", "a\x00", strings.Repeat("x", 101), "\xff", "import\u200d", "<b>"} {
		if a := w.post("owner", "/replacements/heguang/guide", url.Values{"step": {step}, "done": {"yes"}}); a.status < 400 || a.status >= 500 {
			t.Errorf("%.20q: %d", step, a.status)
		}
	}
	body := w.shows("owner", "/replacements/heguang/guide/share", "mailto:?subject=Guide%3A%20moving", "1.%20Invite%20your%20colleagues", "http://portal.example/replacements/heguang/guide", "data-copy", "Everybody needs an account.")
	main := body[strings.Index(body, "<main"):strings.Index(body, "</main>")]
	w.hides(main, "Farshore", "HZ-20418", "owner@", "Lin ")
	if a := w.get("owner", "/replacements/self/guide"); a.status != 404 {
		t.Errorf("without a guide: %d", a.status)
	}
}

func TestHandOverAsksFieldByField(t *testing.T) {
	w := newWorld(t)
	w.offer()
	if a := w.get("owner", "/replacements/heguang/hand-over"); a.status != 409 {
		t.Errorf("before a choice: %d", a.status)
	}
	w.choose("owner", "heguang")
	body := w.shows("owner", "/replacements/heguang/hand-over", "Name of the account", "Farshore Design Studio", "owner@canary.example", "Seats", ">20<")
	w.hides(body, "HZ-20418", " checked")
	for _, fields := range []url.Values{{"fields": {"customer_ref"}}, {"fields": {"role"}}, {"fields": {"\x00"}}, {"fields": {strings.Repeat("a", 201)}}} {
		if a := w.post("owner", "/replacements/heguang/hand-over", fields); a.status != 422 || !strings.Contains(a.body, `id="fields-error"`) {
			t.Errorf("%.60v: %d", fields, a.status)
		}
	}
	a := w.post("owner", "/replacements/heguang/hand-over", url.Values{"fields": {"customer_name", "seats"}})
	if a.status != 303 || a.location != "/replacements/heguang/hand-over/leaving" {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	as := func(path, cookie string) answer {
		return w.do("anonymous", "GET", path, "", map[string][]string{"Cookie": {cookie + "; offramp-session=" + w.cookies["owner"]}})
	}
	if a := as("/replacements/heguang/hand-over/leaving", cookie); a.header.Get("Refresh") != "0; url=/replacements/heguang/hand-over/leave" {
		t.Errorf("leaving: %v\n%s", a.header, a.body)
	}
	out := as("/replacements/heguang/hand-over/leave", cookie)
	if out.status != 303 || !strings.HasPrefix(out.location, "https://heguang.example/join?offramp_token=") || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("leave: %d to %s", out.status, out.location)
	}
	w.hides(out.location, "Farshore", "20418")
	// Whatever the cookie says, it leads nowhere else.
	for _, forged := range []string{"aHR0cHM6Ly9ldmlsLmV4YW1wbGUvam9pbj94PTE", "aHR0cHM6Ly9oZWd1YW5nLmV4YW1wbGVAZXZpbC5leGFtcGxlL2pvaW4", "%%%", ""} {
		if a := as("/replacements/heguang/hand-over/leave", "offramp-hand-over="+forged); a.location != "/replacements/heguang/hand-over" {
			t.Errorf("forged %q leads to %s", forged, a.location)
		}
	}
	w.shows("owner", "/replacements/heguang/done", "not finished there yet")
	w.clock.Advance(11 * time.Minute)
	w.shows("owner", "/replacements/heguang/done", "the link has expired")
	w.shows("support", screen, "the link has expired")
	w.exec(`UPDATE replacement_choice SET state = 'importing'`)
	w.shows("owner", "/replacements/heguang/done", "Heguang Space is moving your data", "Data is being moved")
	w.exec(`UPDATE replacement_choice SET state = 'moved'`)
	w.hides(w.shows("owner", "/replacements/heguang/done", "You have moved to Heguang Space"), "Take this decision back")
	w.shows("owner", "/replacements/none", "You have already moved")
}

func TestConfirmingTheMove(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.shows("owner", "/plan", "Already moved? You can confirm now, even if some steps are still open.")
	w.shows("owner", "/confirm", "Do this now", `href="/exports"`, `href="/replacements"`, "I know that some steps are still open", "On 1 April 2027 we delete your data permanently")
	if a := w.get("owner", "/confirm/done"); a.location != "/confirm" {
		t.Errorf("done before: %d to %s", a.status, a.location)
	}
	for _, c := range []struct {
		form   url.Values
		status int
		field  string
	}{
		{nil, 422, "declare-error"},
		{url.Values{"declare": {"yes"}}, 422, "override-error"},
		{url.Values{"override": {"yes"}}, 422, "declare-error"},
		{url.Values{"declare": {"YES"}, "override": {"yes"}}, 422, "declare-error"},
		{url.Values{"declare": {"yes"}, "override": {"yes"}}, 303, ""},
	} {
		if a := w.post("owner", "/confirm", c.form); a.status != c.status || !strings.Contains(a.body, c.field) {
			t.Errorf("%v: %d\n%s", c.form, a.status, a.body)
		}
	}
	w.shows("owner", "/confirm/done", "You have confirmed that you have moved", "We send it after your data is deleted on Thu, 1 April 2027", "Still open, if you want to complete it")
	if a := w.get("owner", "/confirm"); a.location != "/confirm/done" {
		t.Errorf("again: %d to %s", a.status, a.location)
	}
	w.shows("owner", "/plan", "Confirmed on 21 November 2026")
	w.hides(w.shows("member", "/plan"), "Moved already?")
	w.shows("support", screen, "Confirmed the move")
	w.tell("b", migration.Event{Kind: migration.ExportChecked, Actor: "x"})
	w.hides(w.shows("other", "/confirm"), "You have confirmed")
}

func TestRefreshAsksForACount(t *testing.T) {
	w := newWorld(t)
	w.offer()
	for range 2 {
		if a := w.post("member", "/replacements/refresh", nil); a.status != 303 || a.location != "/replacements" {
			t.Fatalf("%d to %s", a.status, a.location)
		}
	}
	w.hides(w.shows("owner", "/replacements", "We are counting what you use."), "Count again")
	w.exec(`DELETE FROM feature_usage WHERE feature = 'forms'`)
	w.exec(`UPDATE feature_request SET counted_at = $1`, day.Add(time.Minute))
	w.exec(`UPDATE feature_count SET tried_at = $1, problem = 'statement timeout' WHERE feature = 'boards'`, day)
	w.shows("owner", "/replacements", "failed for some features", "20 November 2026")
	w.shows("programme_manager", "/console/programme/replacements", "“Boards” cannot be counted right now", "statement timeout", "Nobody uses it")
}

// TestTheGuideKnowsTheImportFiles reads the guide before an export with a replacement's files exists, while it is made, and after.
func TestTheGuideKnowsTheImportFiles(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.deepImport()
	const guide = "/replacements/heguang/guide"
	w.shows("owner", guide, "You have not made such an export yet.", `href="/exports/new"`)
	e := w.requestExport("owner", "a")
	w.exec(`UPDATE export SET selection = selection || '{"replacement": "heguang"}' WHERE id = $1`, e.ID)
	w.shows("owner", guide, "We are making export EX-10001 with these files.", `href="/exports/`+e.ID+`"`)
	w.seal(e, "a", whole)
	w.shows("owner", guide, "They are in export EX-10001.", `href="/exports/`+e.ID+`"`)
	w.hides(w.shows("other", guide), "EX-10001")
}

// deepImport has the replacement heguang read a file of an export.
func (w *world) deepImport() {
	p := w.programme.p
	p.Datasets[1].Columns = []migration.Column{{Name: "id", Type: "integer"}, {Name: "title", Type: "text"}, {Name: "colour", Type: "text"}}
	p.Replacements[0].Import = &migration.ImportProfile{
		Files: []migration.ImportFile{{Name: "issues-with-quite-a-long-name.csv", Dataset: "tasks", Columns: []migration.ImportColumn{{Name: "Subject", From: "title"}}}},
		Loses: []migration.Loss{{Dataset: "tasks", Column: "colour", Text: both("There are no colours.", "没有颜色。")}},
	}
}

// hezhou puts the demonstration's whole programme in effect, whose replacements differ in much.
func (w *world) hezhou() *migration.Programme {
	w.Helper()
	p, err := migration.ReadProgramme(examples.Hezhou)
	if err != nil {
		w.Fatal(err)
	}
	p.Version, p.Steps = 1, migration.StepRules{Choose: true}
	w.programme.p = p
	w.exec(`UPDATE customer SET tier = $1, attributes = '{"seats": "20", "period": "year"}', imported_at = $2`, p.Tiers[0].Key, day.AddDate(0, 0, -7))
	for _, id := range []string{"a", "b"} {
		w.tell(id, migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: p.Steps})
	}
	for i, f := range p.Features {
		w.exec(`INSERT INTO feature_count (feature, counted_at, tried_at) VALUES ($1, $2, $2)`, f.Key, day.AddDate(0, 0, -1))
		w.uses("a", f.Key, i%3)
	}
	return p
}

var (
	listed   = regexp.MustCompile(`(?s)<ul class="losses"[^>]*>(.*?)</ul>`)
	given    = regexp.MustCompile(`(?s)<p class="fit__head cmp__none">.*?<ul class="fit__list">(.*?)</ul>`)
	sentence = regexp.MustCompile(`(?s)<li>(.*?)</li>`)
)

// sentencesIn are the items of the first list that where finds.
func sentencesIn(where *regexp.Regexp, body string) (list []string) {
	m := where.FindStringSubmatch(body)
	if m == nil {
		return nil
	}
	for _, x := range sentence.FindAllStringSubmatch(m[1], -1) {
		list = append(list, strings.TrimSpace(x[1]))
	}
	return list
}

// TestLossesAgree reads what is given up on each page that says it: one list, each sentence once, no name of a column.
func TestLossesAgree(t *testing.T) {
	w := newWorld(t)
	p := w.hezhou()
	found := 0
	for _, tag := range p.Locales {
		w.speak("owner", tag)
		for _, r := range p.Offered() {
			asked := sentencesIn(listed, w.shows("owner", "/replacements/"+r.Key+"/choose"))
			found += len(asked)
			pages := map[string][]string{
				"comparison": sentencesIn(given, w.shows("owner", "/replacements?with="+r.Key)), "details": sentencesIn(given, w.shows("owner", "/replacements/"+r.Key)),
			}
			if r.Import != nil {
				pages["import"] = sentencesIn(listed, w.shows("owner", "/replacements/"+r.Key+"/import"))
			}
			for name, list := range pages {
				if diff := cmp.Diff(asked, list); diff != "" {
					t.Errorf("%s in %s, %s (-choice +%s):\n%s", r.Key, tag, name, name, diff)
				}
			}
			for i, text := range asked {
				if slices.Contains(asked[:i], text) {
					t.Errorf("%s says twice: %s", r.Key, text)
				}
				for _, d := range p.Datasets {
					for _, c := range d.Columns {
						if strings.Contains(c.Name, "_") && strings.Contains(text, c.Name) {
							t.Errorf("%s names a column: %s", r.Key, text)
						}
					}
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("%d losses in all", found)
	}
}

// TestTheComparisonIsShort holds the first view's size as it travels, with a programme of full size.
func TestTheComparisonIsShort(t *testing.T) {
	w := newWorld(t)
	w.hezhou()
	for _, tag := range []string{"en", "zh-CN"} {
		w.speak("owner", tag)
		sizes := map[string]int{}
		for _, address := range []string{"/replacements", "/replacements?all=yes"} {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			if _, err := io.WriteString(z, w.shows("owner", address)); err != nil {
				t.Fatal(err)
			}
			_ = z.Close()
			sizes[address] = packed.Len()
		}
		t.Log(tag, sizes)
		if first := sizes["/replacements"]; first > 25_000 {
			t.Errorf("in %s: %v bytes", tag, sizes)
		}
	}
}
