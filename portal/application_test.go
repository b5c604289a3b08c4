package portal_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"offramp/deploy/local/localtest"
)

const applying = "/console/application"

// reported writes the five sections and a table of risks.
func (w *world) reported(why string) url.Values {
	w.Helper()
	form := url.Values{
		"version": {w.text(`SELECT coalesce(max(version), 0)::text FROM application_report`)}, "title": {"Retire the product"}, "background": {why}, "feasibility": {"It is feasible."},
		"timetable": {"Within a year."}, "resources": {"Two people."}, "benefit": {"Four servers."}, "budget": {"1,200"}, "currency": {"eur"},
	}
	w.sent("programme_manager", applying+"/write", form, 303)
	return form
}

// TestG10_TheApplicationIsWrittenAndFrozen writes a applying with figures of both kinds, submits it, changes it and submits it again.
func TestG10_TheApplicationIsWrittenAndFrozen(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.shows("support", applying, "Application report", "This section has not been written yet.", "Customers by tier", "Nobody has entered these figures.")
	w.sent("support", applying+"/write", nil, 403)
	a := w.sent("programme_manager", applying+"/write", url.Values{"version": {"0"}, "title": {""}, "background": {"Kept words"}, "budget": {"a lot"}}, 422)
	w.shownIn(a.body, "Kept words", `value="a lot"`, `id="title-error"`, `id="budget-error"`)
	w.sent("programme_manager", applying+"/write", url.Values{"version": {"0"}, "title": {"T"}, "background": {"Why"}}, 303)
	a = w.sent("programme_manager", applying+"/submit", url.Values{"version": {"1"}}, 422)
	w.shownIn(a.body, "Write this section before you submit the report", `href="#benefit"`)
	form := w.reported("We *focus* on one <b>product</b>.\n\n- Fewer users")
	w.sent("programme_manager", applying+"/write", url.Values{"version": {"1"}, "title": {"Late"}}, 409) // of a page that is out of date
	w.hides(w.shows("support", applying, "Retire the product", "1200 EUR", "<em>focus</em>"), "<b>product</b>")

	// Figures that people enter.
	for lines, says := range map[string]string{
		"Risk | Plan | Owner": "at least one row", "Risk|Plan|Owner\nLoss|Copies": "Row 2 has 2 cells, the head has 3", "Risk|Plan|Owner\nLoss| |Ada": "Each risk needs a plan and an owner",
	} {
		a = w.sent("programme_manager", applying+"/tables/risks", url.Values{"version": {"0"}, "lines": {lines}, "source": {"The team"}, "day": {"2026-11-01"}}, 422)
		w.shownIn(a.body, says, `value="The team"`)
	}
	a = w.sent("programme_manager", applying+"/tables/money", url.Values{"version": {"0"}, "lines": {"Year|Revenue\n2025|9"}, "day": {"2099-01-01"}}, 422)
	w.shownIn(a.body, "Enter where the figures are from", "The day must not be in the future", "2025|9")
	w.sent("programme_manager", applying+"/tables/none", url.Values{"version": {"0"}}, 404)
	w.sent("programme_manager", applying+"/tables/risks", url.Values{"version": {"0"}, "lines": {"Risk\tPlan\tOwner\nLost files\tCopies first\tAda"}, "source": {"The team"}, "day": {"2026-11-01"}}, 303)
	w.sent("programme_manager", applying+"/tables/risks", url.Values{"version": {"0"}, "lines": {"A|B|C\n1|2|3"}, "source": {"x"}, "day": {"2026-11-01"}}, 409)
	w.sent("programme_manager", applying+"/tables/money", url.Values{"version": {"0"}, "lines": {"Year|Revenue\n2025|=9"}, "source": {"Ledger"}, "day": {"2026-01-31"}}, 303)
	w.shows("auditor", applying, "Lost files", "Copies first", "Source: The team. As of 1 November 2026.", "Service stops", "No workplan has been started.")

	// Files say the same.
	file := w.get("support", applying+"/application.docx").body
	z, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	part, err := z.Open("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	w.shownIn(string(text), "We focus on one", "Fewer users", "Lost files", "Source: Ledger. As of 31 January 2026.", "Customers by tier")
	book, err := excelize.OpenReader(bytes.NewBufferString(w.get("support", applying+"/application.xlsx").body))
	if err != nil {
		t.Fatal(err)
	}
	if kind, err := book.GetCellType("Revenue, cost and profit", "B2"); err != nil || kind == excelize.CellTypeFormula {
		t.Errorf("%v %v", kind, err)
	}
	rows, err := book.GetRows("Customers by tier")
	if err != nil || len(rows) < 3 || rows[len(rows)-2][0] != "All" || rows[len(rows)-2][1] != w.text(`SELECT count(*)::text FROM customer WHERE state = 'active'`) {
		t.Errorf("%v %v", rows, err)
	}

	// Submitted, it is a paper; a change of the applying leaves that as it is until it is submitted again.
	w.sent("programme_manager", applying+"/submit", url.Values{"version": {"1"}}, 409)
	a = w.sent("programme_manager", applying+"/submit", url.Values{"version": {"2"}}, 303)
	paper := "/console/approvals/" + w.text(`SELECT paper_id FROM application_report`)
	if a.location != paper {
		t.Errorf("led to %s", a.location)
	}
	body := w.text(`SELECT body FROM approval_paper WHERE kind = 'application' AND budget = 1200 AND currency = 'EUR'`)
	w.shownIn(body, "# 1. Background and reasons", "- **Lost files** Plan: Copies first · Owner: Ada", "Source: Ledger. As of 31 January 2026.", "Attachment 4: Competitors and replacements")
	w.shows("support", paper, "Background and reasons", "Lost files")
	w.sent("programme_manager", applying+"/submit", url.Values{"version": {"2"}}, 409) // nothing new
	w.sent("programme_manager", "/console/approvals/paths", url.Values{"source": {twoSteps}}, 303)
	w.sent("programme_manager", paper+"/submit", url.Values{"version": {"1"}, "path": {"two_steps"}, "node-legal": {"identity-support"}, "node-board": {"identity-auditor"}}, 303)
	hash, was := w.text(`SELECT hash FROM approval_paper`), "Customers: 2 · Moved: 0"
	w.shownIn(body, was)
	w.stepped(`UPDATE journey SET confirm = 'completed' WHERE customer_id = $1`, w.ids["a"])
	w.hides(w.shows("support", applying, "50.0%"), was)
	if w.text(`SELECT hash FROM approval_paper`) != hash || w.text(`SELECT content FROM approval_round`) == "" || !strings.Contains(w.text(`SELECT content FROM approval_round`), body) {
		t.Error("later data changed what was submitted")
	}
	form.Set("version", "2")
	form.Set("background", "We focus elsewhere.")
	w.sent("programme_manager", applying+"/write", form, 303)
	w.shows("programme_manager", applying, "What changed since the submitted version", "<ins", "elsewhere", "voids every decision")
	w.shows("support", paper, "Being decided")
	w.sent("programme_manager", applying+"/submit", url.Values{"version": {"3"}}, 303)
	w.shows("support", paper, "Void: its words changed", "We focus elsewhere.")
	if n := w.count(`SELECT count(*) FROM approval_paper`); n != 1 {
		t.Errorf("%d papers", n)
	}
	if len(w.acts("application.submit")) != 2 || len(w.acts("application.enter")) != 2 {
		t.Error("acts were not recorded")
	}
	w.speak("support", "zh-CN")
	w.hides(w.get("support", applying).body, "与已提交版本相比的变化") // said in the paper's language, nothing differs
	w.shows("support", applying, "退市申请报告", "背景与理由", "各等级客户")
}

// TestH02_TheApplicationInABrowser looks at the pages, wide and narrow, in both languages.
func TestH02_TheApplicationInABrowser(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.reported("We focus on one product.")
	w.sent("programme_manager", applying+"/tables/risks", url.Values{"version": {"0"}, "lines": {"Risk|Plan|Owner\nLost files|Copies first|Ada"}, "source": {"The team"}, "day": {"2026-11-01"}}, 303)
	w.sent("programme_manager", applying+"/submit", url.Values{"version": {"1"}}, 303)
	base, tab := w.browse(), localtest.Browser(t)
	tab.Open(base + "/test-as/programme_manager")
	for tag, width := range map[string]int{"en": 390, "zh-CN": 1280} {
		w.speak("programme_manager", tag)
		for name, path := range map[string]string{"report": applying, "write": applying + "/write", "table": applying + "/tables/risks"} {
			tab.Open(base + path)
			w.see(tab, "application-"+name+"-"+tag, width)
		}
	}
}
