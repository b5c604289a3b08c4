package figures

import (
	"net/url"

	count "offramp/migration/figures"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// reportView is one report.
type reportView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	which    []choice
	url      string
	from, to ui.Input
	files    []ui.Link
	none     *ui.Empty
	chart    *ui.Chart
	table    ui.Table
	notes    []string
}

// choice is one of the reports.
type choice struct {
	link    ui.Link
	current bool
}

// which are the reports, and the report of each week.
func which(v *page.Visit, current string) (list []choice) {
	for _, s := range count.Specs {
		list = append(list, choice{ui.Link{Label: v.Locale.T("figures." + s.Key), URL: Path + "/" + s.Key}, s.Key == current})
	}
	return append(list, choice{ui.Link{Label: v.Locale.T("figures.weekly"), URL: WeeklyPath}, current == "weekly"})
}

func build(v *page.Visit, spec count.Spec, a asked, r count.Report, refused error, layout ui.Page) reportView {
	l, wrong := v.Locale, v.Faults(refused)
	url := Path + "/" + spec.Key
	view := reportView{
		layout: layout, heading: ui.Heading{Title: l.T("figures.title"), Lead: l.T("figures." + spec.Key + ".lead")}, url: url, which: which(v, spec.Key),
		from: ui.Input{Field: ui.Field{Locale: l, ID: "from", Label: l.T("figures.from"), Error: wrong["from"]}, Type: "date", Value: a.from, Width: "medium"},
		to:   ui.Input{Field: ui.Field{Locale: l, ID: "to", Label: l.T("figures.to"), Error: wrong["to"]}, Type: "date", Value: a.to, Width: "medium"},
	}
	for _, id := range []string{"from", "to"} {
		if text := wrong[id]; text != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: id, Text: text})
		}
	}
	if refused != nil {
		view.layout.Errors = true
		return view
	}
	view.files = files(v, url, a)
	if r.At.IsZero() {
		view.none = &ui.Empty{ID: "never", Title: l.T("figures.never"), Text: l.T("figures.never.text")}
		return view
	}
	if len(r.Rows) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("figures.none"), Text: l.T("figures.none.text")}
	} else {
		view.chart, view.table = chart(v, r), shown(v, r)
	}
	view.notes = []string{l.T("figures.at", "Time", v.When(r.At)), l.T("time.zone_note", "Zone", l.ZoneName(v.Programme.Zone, v.Now))}
	if l.Has("figures." + spec.Key + ".note") {
		view.notes = append(view.notes, l.T("figures."+spec.Key+".note"))
	}
	return view
}

// files lead to the same rows as files.
func files(v *page.Visit, to string, a asked) []ui.Link {
	query := url.Values{"from": {a.from}, "to": {a.to}}.Encode()
	return []ui.Link{
		{Label: v.Locale.T("figures.csv"), URL: to + "/table.csv?" + query, Download: true},
		{Label: v.Locale.T("figures.xlsx"), URL: to + "/table.xlsx?" + query, Download: true},
	}
}

func shown(v *page.Visit, r count.Report) ui.Table {
	t := tableOf(v, r)
	out := ui.Table{ID: "figures", Caption: v.Locale.T("console.table", "Title", t.title)}
	for _, h := range t.head {
		out.Columns = append(out.Columns, ui.Column{Label: h.label, Numeric: h.numeric})
	}
	for _, row := range t.rows {
		cells := make([]ui.Cell, len(row))
		for i, c := range row {
			cells[i] = ui.Cell{Text: c.text}
		}
		out.Rows = append(out.Rows, ui.Row{Cells: cells})
	}
	return out
}

// chart draws what a report names for it; nil with less than two weeks, which make no line.
func chart(v *page.Visit, r count.Report) *ui.Chart {
	l := v.Locale
	named := func(i int) string { return l.T("figures." + r.Key + "." + r.Drawn[i]) }
	c := &ui.Chart{Locale: l, ID: "figures-chart", Title: l.T("figures." + r.Key), Text: l.T("figures.chart.text", "One", named(0), "Other", named(1))}
	for i, key := range r.Drawn {
		line := ui.Line{Name: named(i), Plan: i > 0}
		points := r.Line(key)
		if len(points) < 2 {
			return nil
		}
		if c.Labels == nil {
			for _, p := range points {
				c.Labels = append(c.Labels, page.DayValue(p.Week)[5:])
			}
		}
		for _, p := range points {
			line.Values = append(line.Values, float64(p.Value))
		}
		c.Lines = append(c.Lines, line)
	}
	return c
}
