package portal_test

import (
	"bytes"
	"encoding/csv"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"offramp/internal/db"
	"offramp/migration/figures"
)

// counts has a worker count figures now.
func (w *world) counts() {
	w.Helper()
	s := figures.New(w.super.Work(w.T, db.Options{Clock: w.clock}), w.programme, slog.New(slog.DiscardHandler))
	if err := s.CountNow(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func TestReportsShowWhatWasCountedAndFilesHaveTheSame(t *testing.T) {
	w := newWorld(t)
	w.offer()
	w.sent("support", "/console/figures", nil, 405)
	if a := w.get("support", "/console/figures"); a.status != 303 || a.header.Get("Location") != "/console/figures/completion" {
		t.Errorf("the first report: %d %s", a.status, a.header.Get("Location"))
	}
	w.shows("support", "/console/figures/completion", "Nothing has been counted yet", "Requests for help")
	w.choose("owner", "driftboard")
	w.counts()
	w.shows("auditor", "/console/figures/completion", "Confirmed", "0 (0.0%)", "Counted ")
	w.shows("programme_manager", "/console/figures/choices", "Driftboard", "Download Excel")
	w.shows("programme_manager", "/console/figures/reach", "Nothing in these weeks")
	if a := w.get("owner", "/console/figures/completion"); a.status == 200 {
		t.Error("a customer sees the company's figures")
	}
	w.sent("support", "/console/figures/weather", nil, 405)
	if a := w.get("support", "/console/figures/weather"); a.status != 404 {
		t.Errorf("a report that there is not: %d", a.status)
	}
	if a := w.get("support", "/console/figures/completion?from=tomorrow&to="); a.status != 422 || !strings.Contains(a.body, `value="tomorrow"`) || !strings.Contains(a.body, `id="from-error"`) {
		t.Errorf("a bad day: %d", a.status)
	}
	if a := w.get("support", "/console/figures/completion?from=2027-02-01&to=2026-01-01"); a.status != 422 || !strings.Contains(a.body, "The first day must come before the last.") {
		t.Errorf("days in the wrong order: %d", a.status)
	}

	a := w.get("support", "/console/figures/choices/table.csv?from=&to=")
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 2 || lines[0][1] != "Decision" || lines[1][1] != "Driftboard" || lines[1][2] != "1" {
		t.Errorf("CSV: %v %q", err, lines)
	}
	book, err := excelize.OpenReader(bytes.NewReader([]byte(w.get("support", "/console/figures/choices/table.xlsx?from=&to=").body)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil || len(rows) != 2 || strings.Join(rows[1], " ") != strings.Join(lines[1], " ") {
		t.Errorf("Excel: %v %q, CSV has %q", err, rows, lines)
	}
}

func TestTheWeeklyReportIsSentByOneClick(t *testing.T) {
	w := newWorld(t)
	w.shows("support", "/console/figures/weekly", "No weekly report yet")
	w.exec(`INSERT INTO figure_weekly (week, content, made_at) VALUES ('2026-11-09', '{"support": {"en": "**Support** was *busy*"}, "lead": {"en": "All of it"}}', now()), ('2026-11-02', '{"lead": {"en": "Old"}}', now())`)
	w.hides(w.shows("support", "/console/figures/weekly", "Week from 9 November 2026", "<em>busy</em>", "Draft"), "Approve and send")
	w.shows("programme_manager", "/console/figures/weekly", "Approve and send", "Drop it")
	w.sent("support", "/console/figures/weekly/2026-11-09/send", nil, 403)
	w.sent("programme_manager", "/console/figures/weekly/soon/send", nil, 404)
	a := w.sent("programme_manager", "/console/figures/weekly/2026-11-09/send", url.Values{"note": {strings.Repeat("x", 2001)}}, 422)
	w.shownIn(a.body, `id="note-2026-11-09-error"`, "xxxx")
	w.sent("programme_manager", "/console/figures/weekly/2026-11-09/send", url.Values{"note": {"Well done."}}, 303)
	w.sent("programme_manager", "/console/figures/weekly/2026-11-09/send", nil, 409)
	w.sent("programme_manager", "/console/figures/weekly/2026-11-02/drop", nil, 303)
	w.shows("support", "/console/figures/weekly", "Sent", "Dropped", "Well done.")
	if n := w.text(`SELECT count(*)::text FROM staff_mail WHERE kind = 'weekly' AND about = '2026-11-09'`); n == "0" {
		t.Error("nobody is written to")
	}
}
