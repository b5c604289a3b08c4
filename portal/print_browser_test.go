package portal_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/migration"
)

// onPaper lists what of a selection is laid out.
const onPaper = `[...document.querySelectorAll(%q)].filter(e => e.checkVisibility({contentVisibilityAuto: true}) && e.getClientRects().length).map(e => e.innerText.trim() || e.tagName)`

// TestPagesPrintAsPapers prints what people keep: the estimate, a request as the customer and as finance see it, and the
// comparison. Navigation, buttons and forms stay away; the lines, what is folded, and whose it is and as of when are there.
// OFFRAMP_TEST_SHOTS names a folder for the PDFs.
func TestPagesPrintAsPapers(t *testing.T) {
	w := newPrepaid(t)
	w.offer()
	w.paid("b", "INV-7", 365000)
	ref := w.asked("owner")
	w.attached("owner", "/refund/"+ref+"/documents", nil, "银行 letter.pdf", "application/pdf", paper("x"))
	w.decided("finance_clerk", ref, "question", url.Values{"question": {"Which account did you pay from?"}})
	e := w.requestExport("other", "b")
	w.seal(e, "b", partial())
	receipt := "/exports/" + e.ID
	w.customer("c", "HZ-8", "Another Works", "Europe/London")
	w.contact("third", "c", migration.Owner)
	w.sent("third", "/confirm", url.Values{"declare": {"yes"}, "override": {"yes"}}, 303)
	base, tab := w.browse(), localtest.Browser(t)
	for _, one := range []struct {
		who, name, path string
		keeps           map[string]string // by language: what has to be on the paper
	}{
		{"other", "estimate", "/refund", map[string]string{"en": "150 of 365 days|CN¥1,500.00|smallest coin|Canary Works", "zh-CN": "365天中有150天|¥1,500.00|最小货币单位|Canary Works"}},
		{"owner", "follow", "/refund/" + ref, map[string]string{"en": "150 of 365 days|CN¥3,600.00|smallest coin|Which account|银行 letter.pdf|Farshore Design Studio", "zh-CN": "¥3,600.00|最小货币单位|Which account|银行 letter.pdf"}},
		{"finance_clerk", "finance", queue + "/" + ref, map[string]string{"en": "150 of 365 days|pi_INV-1|银行 letter.pdf|Which account|HZ-20418", "zh-CN": "365天中有150天|pi_INV-1|银行 letter.pdf"}},
		{"owner", "plan", "/plan", map[string]string{"en": "Service stops|Farshore Design Studio|HZ-20418", "zh-CN": "Farshore Design Studio|HZ-20418"}},
		{"owner", "dates", "/plan/dates", map[string]string{"en": "Service stops|31 January 2027", "zh-CN": "2027年1月31日"}},
		{"other", "receipt", receipt, map[string]string{"en": "EX-|SHA-256", "zh-CN": "EX-|SHA-256"}},
		{"third", "confirmation", "/confirm/done", map[string]string{"en": "Another Works", "zh-CN": "Another Works"}},
		{"other", "comparison", "/replacements", map[string]string{"en": "Heguang Space|Driftboard|Reminders have to be set again", "zh-CN": "禾光空间|浮板"}},
	} {
		for _, tag := range []string{"en", "zh-CN"} {
			w.speak(one.who, tag)
			tab.Open(base + "/test-as/" + one.who)
			tab.Open(base + one.path)
			shown := func(css string) []string { return localtest.Eval[[]string](tab, fmt.Sprintf(onPaper, css)) }
			if got := shown(".on-paper"); len(got) > 0 || len(shown(".site__nav")) == 0 {
				t.Errorf("%s on the screen: %q", one.name, got)
			}
			tab.Size(703, 995) // A4 less its margins, at 96 to the inch
			tab.Media("print")
			if got := shown("nav, button, input, textarea, select, .btn, .site__tools, .skip, .back"); len(got) > 0 {
				t.Errorf("%s in %s has on paper: %q", one.name, tag, got)
			}
			day := map[string]string{"en": "21 November 2026", "zh-CN": "2026年11月21日"}[tag]
			line := strings.Join(shown(".on-paper"), "")
			if !strings.Contains(line, "http://portal.example"+one.path) || !strings.Contains(line, day) {
				t.Errorf("%s in %s says of itself %q", one.name, tag, line)
			}
			text := localtest.Eval[string](tab, "document.body.innerText")
			for want := range strings.SplitSeq(one.keeps[tag], "|") {
				if !strings.Contains(text, want) {
					t.Errorf("%s in %s lacks %q on paper:\n%s", one.name, tag, want, text)
				}
			}
			if over := localtest.Eval[int](tab, `Math.max(0, ...[...document.querySelectorAll("table")].map(e => e.scrollWidth - e.parentElement.clientWidth))`); over > 0 {
				t.Errorf("%s in %s: a table is cut by %d", one.name, tag, over)
			}
			tab.Media("")
			tab.Size(1280, 900)
			pdf := tab.Print()
			if dir := os.Getenv("OFFRAMP_TEST_SHOTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, "print-"+one.name+"-"+tag+".pdf"), pdf, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
