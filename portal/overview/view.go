package overview

import (
	"net/url"
	"strconv"

	"offramp/internal/locale"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/governance/rollup"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// statuses are those of a step that a list can be asked for.
var statuses = []string{"not_started", "in_progress", "action_needed", "problem", "completed", "cannot_start", "not_needed"}

// overviewView is the page.
type overviewView struct {
	layout   ui.Page
	heading  ui.Heading
	links    []ui.Link
	stats    []ui.Stat
	none     *ui.Empty
	funnel   ui.Table
	chart    *ui.Chart
	days     ui.Table
	forecast string
	risks    ui.Table
	work     []ui.Link
	age      string
}

func stepName(l *locale.Locale, step int) string { return l.T("overview.step." + strconv.Itoa(step)) }

// about names what a step is about, beside a status.
func about(l *locale.Locale, step int) string { return l.T("overview.about." + strconv.Itoa(step)) }

// listURL is where a figure's customers are listed.
func listURL(tier string, step int, status string) string {
	q := url.Values{"step": {strconv.Itoa(step)}}
	if tier != "" {
		q.Set("tier", tier)
	}
	if status != "" {
		q.Set("status", status)
	}
	return CustomersPath + "?" + q.Encode()
}

func tierName(v *page.Visit, key string) string {
	for _, t := range v.Programme.Tiers {
		if t.Key == key {
			return v.Locale.Pick(t.Name)
		}
	}
	return key
}

func buildOverview(v *page.Visit, d desk, layout ui.Page) overviewView {
	l := v.Locale
	view := overviewView{
		layout: layout, heading: ui.Heading{Title: l.T("overview.title"), Lead: l.T("overview.lead")},
		links: []ui.Link{{Label: l.T("overview.csv.funnel"), URL: Path + "/funnel.csv", Download: true}, {Label: l.T("overview.csv.days"), URL: Path + "/days.csv", Download: true}},
		stats: stats(v, d), funnel: funnel(v, d.counts), risks: risks(v, d), work: work(v, d), forecast: forecast(v, d), age: age(v, d.counts),
	}
	if all, _ := d.counts.Of("", 1); all == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("overview.none"), Text: l.T("overview.none.text")}
		return view
	}
	view.chart, view.days = burnUp(v, d)
	return view
}

func stats(v *page.Visit, d desk) []ui.Stat {
	l := v.Locale
	all, moved := d.counts.Of("", 5)
	list := []ui.Stat{
		{Label: l.T("overview.customers"), Value: l.Number(all)},
		{Label: l.T("overview.moved"), Value: l.Number(moved), Note: l.T("overview.of", "All", l.Number(all), "Percent", l.Percent(moved, all))},
		{Label: l.T("overview.left"), Value: l.Number(all - moved)},
	}
	if m, ok := v.Programme.Milestone(migration.ServiceEnd); ok {
		list = append(list, ui.Stat{Label: l.T("overview.service_end"), Value: l.N("overview.days", max(0, d.day.DaysUntil(m.Day))), Note: v.OurDay(m.Day.End(v.Programme.Zone))})
	}
	return list
}

// share is a figure with what it is a part of.
func share(l *locale.Locale, part, all int64) string {
	return l.T("overview.share", "Part", l.Number(part), "All", l.Number(all), "Percent", l.Percent(part, all))
}

// funnel shows how many are through each step, per tier; each figure opens those who are not.
func funnel(v *page.Visit, c rollup.Counts) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "funnel", Caption: l.T("overview.funnel"), Note: l.T("overview.funnel.note"), Columns: []ui.Column{{Label: l.T("overview.tier")}, {Label: l.T("overview.customers"), Numeric: true, Key: true}}}
	for step := range migration.Steps {
		t.Columns = append(t.Columns, ui.Column{Label: stepName(l, step+1), Numeric: true})
	}
	line := func(tier string) []ui.Cell {
		all, _ := c.Of(tier, 1)
		name := l.T("overview.all")
		if tier != "" {
			name = tierName(v, tier)
		}
		cells := []ui.Cell{{Text: name}, {Text: l.Number(all)}}
		for i := range migration.Steps {
			all, done := c.Of(tier, i+1)
			cells = append(cells, ui.Cell{Text: share(l, done, all), URL: listURL(tier, i+1, "")})
		}
		return cells
	}
	for _, tier := range c.Tiers() {
		t.Rows = append(t.Rows, ui.Row{Cells: line(tier)})
	}
	t.Total = line("")
	return t
}

// risks shows what keeps customers: where something is wrong, waits for them, or has not begun.
func risks(v *page.Visit, d desk) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "risks", Caption: l.T("overview.risks.by"), Plain: true, Empty: l.T("overview.risks.none"), Columns: []ui.Column{{Label: l.T("overview.why")}, {Label: l.T("overview.customers"), Numeric: true, Key: true}}}
	for _, one := range []struct {
		step   int
		status string
	}{{2, "problem"}, {4, "problem"}, {3, "problem"}, {2, "action_needed"}, {4, "action_needed"}, {3, "action_needed"}, {1, "not_started"}, {2, "not_started"}, {2, "in_progress"}, {4, "in_progress"}} {
		if n := d.counts.At("", one.step, one.status); n > 0 {
			why := l.T("overview.risk", "Step", about(l, one.step), "Status", l.T("status."+one.status))
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: why, URL: listURL("", one.step, one.status)}, {Text: l.Number(n)}}})
		}
	}
	return t
}

// work is what waits for people, each with its place.
func work(v *page.Visit, d desk) (list []ui.Link) {
	l := v.Locale
	if n := len(d.papers); n > 0 {
		list = append(list, ui.Link{Label: l.N("overview.work.papers", n), URL: "/console/approvals?show=waits"})
	}
	if d.today.Mine > 0 {
		list = append(list, ui.Link{Label: l.N("overview.work.items", int(d.today.Mine)), URL: "/console/workspace"})
	}
	if d.today.CallsDue > 0 {
		list = append(list, ui.Link{Label: l.N("overview.work.due", int(d.today.CallsDue)), URL: "/console/calls"})
	}
	if d.today.Calls > d.today.CallsDue {
		list = append(list, ui.Link{Label: l.N("overview.work.calls", int(d.today.Calls-d.today.CallsDue)), URL: "/console/calls"})
	}
	return append(list, ui.Link{Label: l.T("overview.work.reach"), URL: "/console/reach"})
}

func age(v *page.Visit, c rollup.Counts) string {
	l := v.Locale
	if c.RecountedAt == nil {
		return l.T("overview.age.never", "Now", v.When(v.Now))
	}
	return l.T("overview.age", "Now", v.When(v.Now), "Recounted", v.When(*c.RecountedAt))
}

// planned is how many the plan has moved by the end of a day: all of them in equal steps from the announcement to the service's end.
func planned(v *page.Visit, all int64, day migration.Day) float64 {
	first, _ := v.Programme.Milestone(migration.Announcement)
	last, _ := v.Programme.Milestone(migration.ServiceEnd)
	whole, gone := first.Day.DaysUntil(last.Day), first.Day.DaysUntil(day)
	if whole <= 0 || gone >= whole {
		return float64(all)
	}
	return float64(all) * max(0, float64(gone)) / float64(whole)
}

// movedBy is how many had moved by the end of a day, of today as it is now; false: the day is to come, or nobody counted yet.
func (d desk) movedBy(day migration.Day, now int64) (n int64, ok bool) {
	if day == d.day {
		return now, true
	}
	for _, p := range d.history {
		if p.Day.After(day) || day.After(d.day) {
			break
		}
		n, ok = p.Done, true
	}
	return n, ok
}

// points are the days of the chart: about two dozen from the announcement to the service's end, and today.
func points(v *page.Visit, today migration.Day) (days []migration.Day) {
	first, _ := v.Programme.Milestone(migration.Announcement)
	last, _ := v.Programme.Milestone(migration.ServiceEnd)
	step := max(1, first.Day.DaysUntil(last.Day)/24)
	for day := first.Day; !day.After(last.Day); day = day.AddDays(step) {
		if before := day.AddDays(-step); before.Before(today) && today.Before(day) && !before.Before(first.Day) {
			days = append(days, today)
		}
		days = append(days, day)
	}
	return days
}

func burnUp(v *page.Visit, d desk) (*ui.Chart, ui.Table) {
	l := v.Locale
	all, done := d.counts.Of("", 5)
	t := ui.Table{ID: "days", Caption: l.T("overview.burn.by"), Plain: true, Columns: []ui.Column{{Label: l.T("overview.day")}, {Label: l.T("overview.planned"), Numeric: true}, {Label: l.T("overview.actual"), Numeric: true}}}
	plan, actual := ui.Line{Name: l.T("overview.planned"), Plan: true}, ui.Line{Name: l.T("overview.actual")}
	chart := ui.Chart{Locale: l, ID: "burn-up", Title: l.T("overview.burn")}
	for _, day := range points(v, d.day) {
		label, p := v.OurDay(day.End(v.Programme.Zone)), planned(v, all, day)
		row := ui.Row{Cells: []ui.Cell{{Text: label}, {Text: l.Number(int64(p + 0.5))}, {}}}
		chart.Labels, plan.Values = append(chart.Labels, page.DayValue(day)[5:]), append(plan.Values, p)
		if n, ok := d.movedBy(day, done); ok {
			if len(actual.Values) == 0 {
				actual.First = len(chart.Labels) - 1
			}
			actual.Values = append(actual.Values, float64(n))
			row.Cells[2].Text = l.Number(n)
		}
		t.Rows = append(t.Rows, row)
	}
	chart.Lines = []ui.Line{plan, actual}
	chart.Text = l.T("overview.burn.text", "Actual", l.Number(done), "Planned", l.Number(int64(planned(v, all, d.day)+0.5)), "All", l.Number(all))
	return &chart, t
}

// forecast says when everybody will have moved, and how sure that is.
func forecast(v *page.Visit, d desk) string {
	l := v.Locale
	f := rollup.Foresee(d.history, d.counts, d.day)
	on := func(day migration.Day) string { return v.OurDay(day.End(v.Programme.Zone)) }
	all, done := d.counts.Of("", 5)
	switch {
	case all > 0 && done == all:
		return l.T("overview.forecast.done")
	case f.Days < 2:
		return l.T("overview.forecast.none")
	case f.On.IsZero():
		return l.N("overview.forecast.still", f.Days)
	case f.Late.IsZero():
		return l.T("overview.forecast.open", "On", on(f.On), "Early", on(f.Early))
	}
	return l.T("overview.forecast", "On", on(f.On), "Early", on(f.Early), "Late", on(f.Late))
}

// funnelCells are the funnel's numbers for a table program: for each step those who are through; of all customers of the tier.
func funnelCells(v *page.Visit, c rollup.Counts) (lines [][]spreadsheet.Cell) {
	l := v.Locale
	head := []spreadsheet.Cell{{Text: l.T("overview.tier")}, {Text: l.T("overview.customers")}}
	for i := range migration.Steps {
		head = append(head, spreadsheet.Cell{Text: stepName(l, i+1)})
	}
	lines = append(lines, head)
	for _, tier := range append(c.Tiers(), "") {
		name := l.T("overview.all")
		if tier != "" {
			name = tierName(v, tier)
		}
		all, _ := c.Of(tier, 1)
		line := []spreadsheet.Cell{{Text: name}, number(all)}
		for i := range migration.Steps {
			_, done := c.Of(tier, i+1)
			line = append(line, number(done))
		}
		lines = append(lines, line)
	}
	return lines
}

func dayCells(v *page.Visit, d desk) (lines [][]spreadsheet.Cell) {
	l := v.Locale
	lines = append(lines, []spreadsheet.Cell{{Text: l.T("overview.day")}, {Text: l.T("overview.planned")}, {Text: l.T("overview.actual")}})
	all, done := d.counts.Of("", 5)
	for _, day := range points(v, d.day) {
		line := []spreadsheet.Cell{{Text: page.DayValue(day)}, number(int64(planned(v, all, day) + 0.5)), {}}
		if n, ok := d.movedBy(day, done); ok {
			line[2] = number(n)
		}
		lines = append(lines, line)
	}
	return lines
}

func number(n int64) spreadsheet.Cell {
	return spreadsheet.Cell{Text: strconv.FormatInt(n, 10), Number: true}
}

// customersView is the list behind a figure.
type customersView struct {
	layout  ui.Page
	heading ui.Heading
	none    *ui.Empty
	table   ui.Table
	pages   ui.Pages
}

func buildCustomers(v *page.Visit, q rollup.Query, list []rollup.Customer, more bool, layout ui.Page) customersView {
	l := v.Locale
	what := l.T("overview.list.open", "Step", about(l, q.Step))
	if q.Status != "" {
		what = l.T("overview.risk", "Step", about(l, q.Step), "Status", l.T("status."+q.Status))
	}
	view := customersView{layout: layout, heading: ui.Heading{Eyebrow: l.T("overview.title"), Title: what}, pages: ui.Pages{Locale: l}}
	if q.Tier != "" {
		view.heading.Lead = tierName(v, q.Tier)
	}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("overview.list.none"), Text: l.T("overview.list.none.text")}
	}
	view.table = ui.Table{ID: "customers", Caption: what, Columns: []ui.Column{{Label: l.T("overview.customer")}, {Label: l.T("overview.tier")}}}
	for i := range migration.Steps {
		view.table.Columns = append(view.table.Columns, ui.Column{Label: about(l, i+1), Key: i+1 == q.Step})
	}
	view.table.Columns = append(view.table.Columns, ui.Column{Label: l.T("overview.signed_in")}, ui.Column{Label: l.T("overview.act"), Hidden: true})
	for _, c := range list {
		signed := l.T("overview.never")
		if c.SignedIn != nil {
			signed = v.When(*c.SignedIn)
		}
		ring := ui.PostAction(ui.Action{URL: "/console/reach/" + c.ID + "/call", Button: ui.Button{Label: l.T("overview.ring"), Hidden: c.Name, Kind: ui.Quiet}})
		cells := []ui.Cell{{Text: c.Name, Note: c.Ref}, {Text: tierName(v, c.Tier)}}
		for _, status := range []string{c.Dates, c.Export, c.Choose, c.Settle, c.Confirm} {
			cells = append(cells, ui.Cell{Body: ui.Status(l, "", status)})
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: append(cells, ui.Cell{Text: signed}, ui.Cell{Body: ring})})
	}
	if more {
		view.pages.NextURL = listURL(q.Tier, q.Step, q.Status) + "&after=" + url.QueryEscape(list[len(list)-1].Ref)
	}
	return view
}
