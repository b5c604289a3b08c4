package portal_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/migration/governance/rollup"
)

// fiveDays has a customer move on the fourth of five days, with a worker's look at each of them.
func (w *world) fiveDays() {
	w.Helper()
	keep := rollup.New(w.db, w.programme, slog.New(slog.DiscardHandler))
	for day := range 5 {
		if day == 3 {
			w.stepped(`UPDATE journey SET dates = 'completed', confirm = 'completed' WHERE customer_id = $1`, w.ids["a"])
		}
		if err := keep.Tick(w.Context()); err != nil {
			w.Fatal(err)
		}
		if day < 4 {
			w.clock.Advance(24 * time.Hour)
			w.exec(`UPDATE session SET seen_at = seen_at + interval '1 day', created_at = created_at + interval '1 day', expires_at = expires_at + interval '1 day'`)
		}
	}
}

// stepped changes journeys as the product does, within a scope.
func (w *world) stepped(sql string, args ...any) {
	w.Helper()
	tx, err := w.super.Super(w.T).Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if _, err := tx.Exec(w.Context(), `SELECT set_config('offramp.scope', 'system', true)`); err != nil {
		w.Fatal(err)
	}
	if _, err := tx.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
	if err := tx.Commit(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// TestTheOverviewShowsWhereCustomersStand holds each figure against its list, and the files against the page.
func TestTheOverviewShowsWhereCustomersStand(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.fiveDays()
	w.stepped(`UPDATE journey SET export = 'problem' WHERE customer_id = $1`, w.ids["b"])
	body := w.shows("programme_manager", "/console/overview", "Overview", "1 of 2 (50.0%)", "Data export: There is a problem", "<svg", "customers have moved; the plan has", "Customers who were not reached", "At the pace of the last two weeks")
	w.shownIn(body, `href="/console/overview/customers?status=problem&amp;step=2"`, "Last proved against every customer")
	w.shows("programme_manager", "/console/overview/customers?step=2&status=problem", "Canary Works", "Ring this customer")
	w.hides(w.shows("programme_manager", "/console/overview/customers?step=5", "Canary Works", "Move: not done yet"), "Farshore Design Studio")
	w.shows("programme_manager", "/console/overview/customers?step=2&status=cannot_start", "Nobody here")
	for _, bad := range []string{"", "?step=6", "?step=x", "?step=1&status=lost"} {
		if a := w.get("programme_manager", "/console/overview/customers"+bad); a.status != 404 {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	funnel := w.get("programme_manager", "/console/overview/funnel.csv").body
	if lines := strings.Split(strings.TrimSpace(funnel), "\r\n"); !strings.HasPrefix(lines[len(lines)-1], "All,2,") || !strings.HasSuffix(lines[len(lines)-1], ",1") {
		t.Errorf("%q", funnel)
	}
	days := w.get("programme_manager", "/console/overview/days.csv").body
	w.shownIn(days, "Day,Planned,Actual", "2026-11-25,", ",1\r\n")
	if len(w.acts("overview.list")) < 3 {
		t.Error("looks at customers were not recorded")
	}
	w.speak("programme_manager", "zh-CN")
	w.shows("programme_manager", "/console/overview", "总览", "迁移进度：计划与实际", "数据导出：出现问题")
}

// TestH02_TheOverviewInABrowser looks at the pages, wide and narrow, in both languages.
func TestH02_TheOverviewInABrowser(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.fiveDays()
	w.stepped(`UPDATE journey SET export = 'problem' WHERE customer_id = $1`, w.ids["b"])
	base, tab := w.browse(), localtest.Browser(t)
	tab.Open(base + "/test-as/programme_manager")
	for tag, width := range map[string]int{"en": 390, "zh-CN": 1280} {
		w.speak("programme_manager", tag)
		tab.Open(base + "/console/overview")
		w.see(tab, "overview-"+tag, width)
		tab.Open(base + "/console/overview/customers?step=5")
		w.see(tab, "overview-list-"+tag, width)
	}
}
