package customer

import (
	"strconv"

	"offramp/export"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// exportsShown is how many exports one page of the list holds.
const exportsShown = 20

// exportsView is the list of exports.
type exportsView struct {
	layout  ui.Page
	heading ui.Heading
	start   *ui.Link    // nil: the reader cannot start one now
	why     *ui.Banner  // why not
	news    []ui.Banner // about the last day to export
	empty   *ui.Empty   // nil: there are some
	table   ui.Table
	pages   ui.Pages
	newest  *ui.Link // back from an older page
	help    ui.Help
}

// exportsPart is one page of the list.
type exportsPart struct {
	list   []export.Export
	more   bool  // there are older ones
	before int64 // the number that the page begins below; 0: the newest
}

// buildExports words a page of the list.
func buildExports(v *page.Visit, plan migration.Plan, part exportsPart, layout ui.Page, code string) exportsView {
	l, w := v.Locale, newExportWords(v, plan)
	view := exportsView{layout: layout, help: help(v, code), heading: ui.Heading{
		Eyebrow: l.T("step.export"), Title: l.T("export.title"), Lead: l.T("export.lead", "Product", l.Pick(v.Programme.Product.Name)),
	}}
	if part.more {
		oldest := part.list[len(part.list)-1].Number
		view.pages = ui.Pages{Locale: l, NextURL: "/exports?before=" + strconv.FormatInt(oldest, 10)}
	}
	if part.before > 0 {
		view.newest = &ui.Link{Label: l.T("export.newest"), URL: "/exports"}
	}
	open, why := w.door(plan)
	start := &ui.Link{Label: l.T("export.start"), URL: "/exports/new"}
	if view.why = why; open {
		view.start = start
	}
	if len(part.list) == 0 && part.before == 0 {
		view.empty = &ui.Empty{ID: "none", Title: l.T("export.none"), Text: w.emptyText(open)}
		if view.start = nil; open {
			view.empty.Action = start
		}
	}
	view.news = deadlineNews(w.dated, plan)
	view.table = w.table(part.list)
	return view
}

func (w exportWords) emptyText(open bool) string {
	if !open {
		return w.l.T("export.none_closed")
	}
	return w.l.T("export.none_text", "Days", w.p.Export.KeepDays)
}

func (w exportWords) table(list []export.Export) ui.Table {
	l := w.l
	t := ui.Table{ID: "exports", Caption: l.T("export.list"), Empty: l.T("ui.table.none"), Columns: []ui.Column{
		{Label: l.T("export.reference")},
		{Label: l.T("export.requested")},
		{Label: l.T("export.contents")},
		{Label: l.T("export.size"), Numeric: true},
		{Label: l.T("export.state")},
		{Label: l.T("export.until")},
	}}
	for _, e := range list {
		tone, text := ExportTag(l, e, w.now)
		until := ""
		if e.ExpiresAt != nil {
			until = w.When(*e.ExpiresAt)
			if !w.now.Before(*e.ExpiresAt) {
				until = l.T("export.until.past", "When", until)
			}
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: e.Reference(), URL: exportURL(e)},
			{Text: w.When(e.RequestedAt)},
			{Text: w.scope(e.Selection)},
			{Text: w.size(e)},
			{Body: ui.Tag("", tone, text)},
			{Text: until},
		}})
	}
	return t
}
