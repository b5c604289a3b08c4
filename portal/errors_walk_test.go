package portal_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// conditional are the fields that a form asks for with one of its answers only.
var conditional = []string{
	"text",     // of a refusal: with "another reason"
	"shown",    // who sees a document: finance alone is an answer
	"optional", // whether tips are wanted
	"settled",  // with an answer: whether that ends the request
	"fields",   // what is handed over: nothing is an answer
	"sms",      // a number may be for calls alone
	"exports",  // who else gets the emails about exports: nobody is an answer
	"money",    // and about refunds
	"dataset", "spreadsheet", "browse", "locked", "volume", "replacement",
}

// Every form of every page, with too much in each field into which somebody writes: it comes back, and each of them is named beside
// it and above the page. Nothing is done by any of them, so that all of them see the same world.
func TestEveryFormNamesEachFieldThatIsTooLong(t *testing.T) {
	w := newPrepaid(t)
	tried := w.eachForm(func(b blank, typed []control) bool {
		written := url.Values{}
		for _, c := range typed {
			n := 900
			if c.name == "body" { // a whole paper
				n = 5100
			}
			written.Set(c.name, strings.Repeat("zebra ", n))
		}
		if len(typed) > 0 {
			a := w.send(b, written)
			w.names(b, a, typed)
			if !strings.Contains(a.body, "zeb") {
				t.Errorf("%s: what was written is lost", b.name())
			}
		}
		return len(typed) > 0
	})
	if tried < 50 {
		t.Errorf("%d forms tried", tried)
	}
}

// Every form of every page as it stands, with nothing written and nothing ticked: what has to be given is named, all at once, and
// no form answers with a page on which it is not.
func TestEveryFormNamesEachFieldThatIsMissing(t *testing.T) {
	w := newPrepaid(t)
	tried := w.eachForm(func(b blank, typed []control) bool {
		var asked []control
		written := url.Values{}
		for _, c := range b.controls {
			switch {
			case c.kind == "select":
				continue
			case c.kind == "radio" || c.kind == "checkbox":
				delete(b.given, c.name)
			default:
				written.Set(c.name, "")
			}
			if !c.optional && !slices.Contains(conditional, c.name) || b.action == "/exports/new/check" && c.name == "scope" {
				asked = append(asked, c)
			}
		}
		if b.method != "POST" || len(asked) == 0 {
			return false
		}
		if strings.HasPrefix(b.action, "/feedback/") || strings.HasPrefix(b.action, "/console/application/tables/") {
			return false // nobody has to answer a question, and a table without lines needs no source
		}
		w.names(b, w.send(b, written), asked)
		return true
	})
	if tried < 30 {
		t.Errorf("%d forms tried", tried)
	}
}

// eachForm tries the forms of all pages, each once for those who see it, and returns how many were tried.
func (w *world) eachForm(try func(b blank, typed []control) bool) (n int) {
	w.Helper()
	seen := map[string]bool{}
	for _, s := range w.sights() {
		for _, b := range s.blanks() {
			key := b.who + b.method + b.action
			if seen[key] {
				continue
			}
			seen[key] = true
			var typed []control
			for _, c := range b.controls {
				if c.typed() {
					typed = append(typed, c)
				}
			}
			if try(b, typed) {
				n++
			}
		}
	}
	return n
}

// names holds that an answer shows the form again with a word about each of the fields, beside it and above the page.
func (w *world) names(b blank, a answer, fields []control) {
	w.Helper()
	if a.status != 422 {
		w.Errorf("%s: %d %s, %s", b.name(), a.status, a.location, heading(w.T, a))
		return
	}
	for _, c := range fields {
		rows := strings.HasPrefix(c.id, "pick-") // of a table: said above the page, which leads to the first
		if !rows && !strings.Contains(a.body, `id="`+c.id+`-error"`) || !strings.Contains(a.body, `href="#`+c.id+`"`) {
			w.Errorf("%s: nothing is said of %s: %s", b.name(), c.id, heading(w.T, a))
		}
	}
}

// heading is what a page says first.
func heading(t testing.TB, a answer) string {
	t.Helper()
	var texts []string
	for _, n := range elements(parsed(t, a.body), "h1", "h2") {
		texts = append(texts, textOf(n))
	}
	return strings.Join(texts, " | ")
}

// What a colleague hands over stays on the checklist's page where it is refused, with the two who were chosen.
func TestARefusedHandOverComesBack(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.sent("programme_manager", "/console/workspace", url.Values{"template": {"light"}}, 303)
	for to, says := range map[string]string{"identity-support": "Choose another colleague", "nobody-knows": "Choose a colleague who has a role here"} {
		a := w.sent("programme_manager", "/console/workspace/hand-over", url.Values{"from": {"identity-support"}, "to": {to}, "plan": {"light"}}, 422)
		w.shownIn(a.body, `id="to-error"`, `href="#to"`, says, `<option value="identity-support" selected>`, "Write down why the product is retired")
	}
}
