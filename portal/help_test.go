package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// asked opens a request for help and returns the address of its page at the customer's and at support's.
func (w *world) askedHelp(who string, form url.Values) (mine, theirs string) {
	w.Helper()
	mine = w.sent(who, "/help/new", form, 303).location
	return mine, "/console/support" + mine
}

func TestHelpIsAskedFromAnyPageWithWhatItIsAbout(t *testing.T) {
	w := newPrepaid(t)
	e := w.requestExport("owner", "a")
	ref := w.brought("owner", url.Values{"method": {"original"}})
	for from, says := range map[string][]string{
		"/exports/" + e.ID + "/check":         {"EX-10001", `value="export" checked`},
		"/refund/" + ref:                      {ref, `value="refund" checked`},
		"/plan/dates":                         {`value="dates" checked`},
		"//evil.example/x":                    {`name="page" value=""`},
		"/exports/" + strings.Repeat("X", 26): {`value="export" checked`},
	} {
		w.shows("owner", "/help/new?"+url.Values{"page": {from}}.Encode(), append(says, "What do you need help with?")...)
	}
	w.hides(w.shows("other", "/help/new?page=/exports/"+e.ID), "EX-10001")
	a := w.do("owner", "GET", "/help/new", "", http.Header{"Referer": {w.url + "/refund/" + ref}})
	if !strings.Contains(a.body, ref) {
		t.Error("the page that the reader comes from is not attached")
	}
	w.shows("owner", "/help/new?incident=ABC-123&page=/plan", "ABC-123", `value="error" checked`)
	for _, c := range []struct {
		form url.Values
		says string
	}{
		{url.Values{"text": {"x"}}, "Select what it is about"},
		{url.Values{"topic": {"nope"}, "text": {"x"}}, "Select what it is about"},
		{url.Values{"topic": {"refund"}, "text": {" "}}, "Write what you need help with"},
		{url.Values{"topic": {"refund"}, "text": {strings.Repeat("a", 4001)}, "page": {"/refund/" + ref}}, ref},
	} {
		if a := w.post("owner", "/help/new", c.form); a.status != 422 || !strings.Contains(a.body, c.says) || !strings.Contains(a.body, `class="errors"`) {
			t.Errorf("%.60v: %d, want %q", c.form, a.status, c.says)
		}
	}
	mine, theirs := w.askedHelp("owner", url.Values{"topic": {"refund"}, "text": {"Where is <b>my money</b>?"}, "page": {"/refund/" + ref}, "incident": {"ABC-123"}})
	w.shows("owner", mine, "Your question about a refund", ref, "ABC-123", "&lt;b&gt;my money", "Answer by")
	w.shows("support", "/console/support/queue", "HR-10001", "Refund or credit", ref, "Nobody yet")
	w.shows("support", theirs, "&lt;b&gt;my money", ref, "ABC-123", "/refund/"+ref, "Answer by")
	if a := w.get("other", mine); a.status != 404 {
		t.Errorf("another customer reads it: %d", a.status)
	}
	if a := w.post("other", mine+"/say", url.Values{"text": {"x"}}); a.status != 404 {
		t.Errorf("another customer writes: %d", a.status)
	}
}

func TestSupportWorksOnARequest(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.askedHelp("owner", url.Values{"topic": {"other"}, "text": {"Help me."}})
	w.sent("support", theirs+"/note", url.Values{"note": {"CANARY: called twice."}}, 303)
	w.sent("support", theirs+"/owner", url.Values{"owner": {"identity-support"}}, 303)
	w.shows("support", "/console/support/queue?shelf=mine", "HR-10001")
	w.hides(w.shows("support", "/console/support/queue?shelf=unowned", "Each open request has been taken."), "HR-10001")
	w.sent("support", theirs+"/snooze", url.Values{"days": {"3"}}, 303)
	w.hides(w.shows("support", "/console/support/queue"), "HR-10001")
	w.shows("support", "/console/support/queue?shelf=snoozed", "HR-10001")
	w.sent("support", theirs+"/snooze", url.Values{"days": {"0"}}, 303)
	w.sent("support", theirs+"/answer", url.Values{"answer": {"Done."}, "heard": {"0"}, "settled": {"yes"}}, 303)
	w.hides(w.shows("owner", mine, "Done.", "Settled", "Support"), "CANARY")
	w.sent("owner", mine+"/say", url.Values{"text": {"Not quite."}}, 303)
	w.shows("support", theirs, "Not quite.", "Opened again by the customer", "CANARY", "Note, for colleagues only", "First answer, round 1")
	w.shows("owner", mine, "Not quite.", "Being looked into", "Opened again")
	w.sent("support", theirs+"/close", nil, 303)
	w.shows("owner", mine, "Write again")
	for path, form := range map[string]url.Values{
		"/owner": {"owner": {"identity-nobody"}}, "/note": {"note": {""}},
	} {
		if a := w.post("support", theirs+path, form); a.status != 422 && a.status != 409 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.post("support", theirs+"/presence", url.Values{"heard": {"0"}}); a.status != 200 || !strings.Contains(a.body, "Something new was said") {
		t.Errorf("presence: %d %s", a.status, a.body)
	}
	if a := w.get("support", "/console/support/queue?after=nonsense"); a.status != 400 {
		t.Errorf("a place that is none: %d", a.status)
	}
	w.speak("support", "zh-CN")
	w.shows("support", theirs, "对话", "备注")
}

// TestHelpInABrowser looks at the pages of a request on both sides, in two languages and widths.
func TestHelpInABrowser(t *testing.T) {
	w := newPrepaid(t)
	e := w.requestExport("owner", "a")
	mine, theirs := w.askedHelp("owner", url.Values{"topic": {"export"}, "text": {"The tasks of 2019 are missing.\nAll of them."}, "page": {"/exports/" + e.ID}})
	w.sent("support", theirs+"/note", url.Values{"note": {"They have called twice."}}, 303)
	w.sent("support", theirs+"/answer", url.Values{"answer": {"They are in part two."}, "heard": {"0"}}, 303)
	w.sent("owner", mine+"/say", url.Values{"text": {"They are not."}}, 303)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Allow("409")
	for _, side := range []struct {
		who   string
		pages []string
	}{{"owner", []string{"/help", "/help/new?page=/exports/" + e.ID, mine}}, {"support", []string{"/console/support/queue", theirs}}} {
		tab.Open(base + "/test-as/" + side.who)
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(side.who, tag)
			for i, p := range side.pages {
				tab.Open(base + p)
				w.see(tab, "help-"+side.who+string(rune('a'+i))+"-"+tag)
			}
		}
	}
	w.speak("support", "en")
	tab.Open(base + theirs)
	tab.Click("#answer")
	tab.Press("Look again.")
	w.sent("owner", mine+"/say", url.Values{"text": {"Wait."}}, 303)
	tab.Click("#reply-form .btn--primary")
	tab.Wait(".banner--warn")
	w.see(tab, "help-warned")
}
