package support

import (
	"net/url"
	"strconv"
	"strings"

	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/find"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// desk is what was asked for and found.
type desk struct {
	query    string
	page     int
	refused  error // the query cannot be searched for
	named    named
	result   find.Result
	troubles []export.Troubled
	requests []assistance.Listed
	answered []assistance.Listed
}

// deskView is the page that support starts from.
type deskView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	field   ui.Input
	found   *ui.Table // nil: nothing was searched for
	behind  *ui.Banner
	pages   ui.Pages
	hints   *ui.Empty // nothing was found
	trouble *ui.Table // nil: a search has its place
	asked   *ui.Table // requests for help; nil: as above
	done    *ui.Table // those that were answered
}

func buildDesk(v *page.Visit, d desk, layout ui.Page) deskView {
	l := v.Locale
	view := deskView{layout: layout, heading: ui.Heading{Title: l.T("console.support"), Lead: l.T("console.support.lead")}}
	view.field = ui.Input{
		Field: ui.Field{Locale: l, ID: "q", Label: l.T("console.search"), Hint: l.T("console.search.hint")},
		Type:  "search", Value: d.query, MaxLength: 100,
	}
	refused, bad := fault.As(d.refused)
	switch {
	case bad:
		view.field.Error = l.T(refused.Fields[0].Key, "Limit", refused.Fields[0].Args["Limit"])
		view.errors = []ui.FieldError{{FieldID: "q", Text: view.field.Error}}
		view.layout.Errors = true
	case d.query == "":
		view.trouble, view.asked = troubles(v, d.troubles), requests(v, "requests", "console.help", "helpdesk.more", d.requests)
		view.done = requests(v, "answered", "console.help.answered", "ui.more.latest", d.answered)
	case len(d.result.Hits) == 0:
		view.hints = &ui.Empty{ID: "hints", Title: l.T("console.search.none"), Text: l.T("console.search.none.text")}
	default:
		view.found = found(v, d.result.Hits, d.named.by)
		if d.result.Near {
			view.found.Note = l.T("find.near")
		}
	}
	if d.result.Behind {
		view.behind = &ui.Banner{Tone: "info", Title: l.T("find.behind"), Text: l.T("find.behind.text")}
	}
	view.pages = ui.Pages{Locale: l}
	if d.page > 1 {
		view.pages.PreviousURL = searchURL(d.query, d.page-1)
	}
	if d.result.More && d.page < lastPage {
		view.pages.NextURL = searchURL(d.query, d.page+1)
	}
	return view
}

func searchURL(q string, page int) string {
	return "/console/support?" + url.Values{"q": {q}, "page": {strconv.Itoa(page)}}.Encode()
}

func found(v *page.Visit, hits []migration.Hit, by map[string][]string) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "found", Caption: l.T("console.customers"), Columns: []ui.Column{
		{Label: l.T("console.customer")}, {Label: l.T("console.number")}, {Label: l.T("console.tier")}, {Label: l.T("console.step.export")}, {Label: l.T("console.account")},
	}}
	if len(by) > 0 {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("console.found_by")})
	}
	for _, h := range hits {
		row := ui.Row{Cells: []ui.Cell{
			{Text: h.Name, URL: customerURL(h.ID)}, {Text: h.Ref}, {Text: page.TierName(v.Locale, v.Programme, h.Tier)}, statusCell(v, h.Export), {Text: l.T("console.account." + h.State)},
		}}
		if len(by) > 0 {
			row.Cells = append(row.Cells, ui.Cell{Text: strings.Join(by[h.ID], " · ")})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func statusCell(v *page.Visit, s migration.Status) ui.Cell {
	if s == "" {
		return ui.Cell{}
	}
	return ui.Cell{Body: ui.Tag("", console.StepTurn(s), v.Locale.T("status."+string(s)))}
}

func troubles(v *page.Visit, list []export.Troubled) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "troubles", Plain: true, Caption: l.T("console.table", "Title", l.T("console.troubles")), Empty: l.T("console.troubles.none"), Columns: []ui.Column{
		{Label: l.T("export.reference")}, {Label: l.T("console.customer")}, {Label: l.T("export.state")}, {Label: l.T("console.cause"), Wide: true}, {Label: l.T("console.age")}, {Label: l.T("console.action"), Hidden: true, Wide: true},
	}}
	if len(list) > troublesShown {
		list, t.Note = list[:troublesShown], l.T("ui.more.oldest", "Count", l.Number(troublesShown))
	}
	for _, x := range list {
		tone, text := console.ExportBadge(l, x.Export, v.Now)
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: x.Reference()},
			{Text: x.CustomerName + " · " + x.CustomerRef, URL: customerURL(x.CustomerID)},
			{Body: ui.Tag("", tone, text)},
			why(v, x.Export),
			{Text: l.Duration(v.Now.Sub(x.RequestedAt))},
			exportAction(v, x.Export),
		}})
	}
	return t
}
