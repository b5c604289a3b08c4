package finance

import (
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// reportView is one month.
type reportView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	month   ui.Input
	files   []ui.Link
	table   ui.Table
	zone    string
	now     ui.Table // where all money stands at this moment
	nowCard ui.Card
	note    string
}

func buildReport(v *page.Visit, month string, closed refund.Close, refused error, layout ui.Page) reportView {
	l := v.Locale
	view := reportView{
		layout: layout, heading: ui.Heading{Title: l.T("finance.reports"), Lead: l.T("finance.reports.lead")}, zone: l.T("time.zone_note", "Zone", l.ZoneName(v.Programme.Zone, v.Now)),
		month: ui.Input{Field: ui.Field{Locale: l, ID: "month", Label: l.T("finance.report.month"), Error: wrong(v, refused)["month"]}, Type: "month", Value: month, Width: "medium"},
	}
	if view.month.Error != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "month", Text: view.month.Error}}, true
		return view
	}
	file := func(name, address string) ui.Link {
		return ui.Link{Label: l.T("finance.report.file." + name), URL: ReportsPath + address + month, Download: true}
	}
	view.files = []ui.Link{file("book", ".xlsx?month="), file("summary", ".csv?month="), file("postings", ".csv?part=postings&month=")}
	view.table = ui.Table{ID: "month-lines", Caption: l.T("finance.report.table", "Month", month), Empty: l.T("finance.report.none"), Columns: []ui.Column{
		{Label: l.T("console.tier")}, {Label: l.T("finance.currency")},
	}}
	for _, key := range []string{"opening", "accrued", "goodwill", "cancelled", "paid", "back", "credits", "closing"} {
		view.table.Columns = append(view.table.Columns, ui.Column{Label: l.T("refund.column." + key), Numeric: true})
	}
	var totals []refund.CloseLine
	for _, line := range closed.Lines {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: append([]ui.Cell{{Text: page.TierName(v.Locale, v.Programme, line.Tier)}, {Text: line.Currency}}, figures(v, line)...)})
		totals = sum(totals, line)
	}
	for _, t := range totals {
		view.table.Feet = append(view.table.Feet, append([]ui.Cell{{Text: l.T("refund.total")}, {Text: t.Currency}}, figures(v, t)...))
	}
	view.now, view.nowCard = standing(v, closed.Now), ui.Card{ID: "now", Title: l.T("finance.now")}
	view.note = l.T("finance.now.note", "Time", v.Dates().OurWhen(closed.At))
	return view
}

// standing says where all money stands, one line for each currency.
func standing(v *page.Visit, list []refund.Stand) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "standing", Plain: true, Caption: l.T("console.table", "Title", l.T("finance.now")), Empty: l.T("finance.payables.none"), Columns: []ui.Column{{Label: l.T("finance.currency")}}}
	for _, key := range []string{"due", "owed", "returned", "on_the_way", "unknown", "paid_net", "credits"} {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("refund.column." + key), Numeric: true})
	}
	for _, s := range list {
		row := ui.Row{Cells: []ui.Cell{{Text: s.Currency}}}
		for _, n := range []int64{s.Due, s.Approved, s.Returned, s.OnTheWay, s.Unknown, s.Paid, s.Credited} {
			row.Cells = append(row.Cells, ui.Cell{Text: l.Amount(n, s.Currency)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func figures(v *page.Visit, x refund.CloseLine) []ui.Cell {
	var cells []ui.Cell
	for _, n := range []int64{x.Opening, x.Accrued, x.Goodwill, x.Reversed, x.Paid, x.Back, x.Credits, x.Closing} {
		cells = append(cells, ui.Cell{Text: v.Locale.Amount(n, x.Currency)})
	}
	return cells
}

// sum adds a line to the total of its currency.
func sum(totals []refund.CloseLine, x refund.CloseLine) []refund.CloseLine {
	for i := range totals {
		if t := &totals[i]; t.Currency == x.Currency {
			t.Opening, t.Accrued, t.Goodwill, t.Reversed = t.Opening+x.Opening, t.Accrued+x.Accrued, t.Goodwill+x.Goodwill, t.Reversed+x.Reversed
			t.Paid, t.Back, t.Credits, t.Closing = t.Paid+x.Paid, t.Back+x.Back, t.Credits+x.Credits, t.Closing+x.Closing
			return totals
		}
	}
	x.Tier = ""
	return append(totals, x)
}
