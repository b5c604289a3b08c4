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
}

func buildReport(v *page.Visit, month string, lines []refund.CloseLine, refused error, layout ui.Page) reportView {
	l := v.Locale
	view := reportView{
		layout: layout, heading: ui.Heading{Title: l.T("finance.reports"), Lead: l.T("finance.reports.lead")}, zone: l.T("time.zone_note", "Zone", l.ZoneName(v.Programme.Zone, v.Now)),
		month: ui.Input{Field: ui.Field{Locale: l, ID: "month", Label: l.T("finance.report.month"), Error: wrong(v, refused)["month"]}, Type: "month", Value: month, Width: "medium"},
	}
	if view.month.Error != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "month", Text: view.month.Error}}, true
		return view
	}
	view.files = []ui.Link{{Label: "CSV", URL: ReportsPath + ".csv?month=" + month, Download: true}, {Label: "XLSX", URL: ReportsPath + ".xlsx?month=" + month, Download: true}}
	view.table = ui.Table{ID: "month-lines", Caption: l.T("finance.report.table", "Month", month), Empty: l.T("finance.report.none"), Columns: []ui.Column{
		{Label: l.T("console.tier")}, {Label: l.T("finance.currency")},
	}}
	for _, key := range []string{"opening", "accrued", "goodwill", "reversed", "paid", "back", "credits", "closing"} {
		view.table.Columns = append(view.table.Columns, ui.Column{Label: l.T("finance.report." + key), Numeric: true})
	}
	var totals []refund.CloseLine
	for _, line := range lines {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: append([]ui.Cell{{Text: page.TierName(v.Locale, v.Programme, line.Tier)}, {Text: line.Currency}}, figures(v, line)...)})
		totals = sum(totals, line)
	}
	for _, t := range totals {
		view.table.Feet = append(view.table.Feet, append([]ui.Cell{{Text: l.T("refund.total")}, {Text: t.Currency}}, figures(v, t)...))
	}
	return view
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
