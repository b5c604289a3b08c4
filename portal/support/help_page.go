package support

import (
	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// requestView is one request for help with what helps to answer it.
type requestView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	tone    ui.Tone
	tag     string
	facts   []ui.SummaryRow
	about   []ui.SummaryRow // the export
	inside  *exportInside
	open    bool
	action  string
	answer  ui.Area
	send    ui.Button
}

// buildRequest words a request; about is its export, nil when it has none. refused is why the answer came back.
func buildRequest(v *page.Visit, r assistance.Listed, about *export.Export, answer string, refused error, layout ui.Page) requestView {
	l := v.Locale
	view := requestView{
		layout: layout, heading: ui.Heading{Eyebrow: r.CustomerRef + " · " + r.CustomerName, Title: l.T("help.one", "Reference", r.Reference())},
		tone: console.HelpTurn(r.State), tag: l.T("help.state." + string(r.State)), open: r.State != assistance.Closed, action: requestURL(r.ID) + "/answer",
		send: ui.Button{Label: l.T("console.help.send"), Kind: ui.Primary},
	}
	fact := func(key, value string) {
		if value != "" {
			view.facts = append(view.facts, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	view.facts = []ui.SummaryRow{{Key: l.T("console.customer"), Body: ui.A(ui.Link{Label: r.CustomerName + " · " + r.CustomerRef, URL: customerURL(r.CustomerID)})}}
	fact("console.name", r.ContactName)
	fact("help.sent", v.When(r.CreatedAt))
	fact("help.dataset", datasetName(v, r.Dataset))
	if r.Expected != nil {
		fact("help.expected", l.Number(*r.Expected))
	}
	fact("help.text", r.Text)
	fact("help.answer", r.Answer)
	if about != nil {
		view.export(v, *about)
	}
	label := "help.answer"
	if r.State == assistance.Answered {
		label = "console.help.again"
	}
	view.answer = ui.Area{Field: ui.Field{Locale: l, ID: "answer", Label: l.T(label), Hint: l.T("console.help.hint")}, Value: answer, MaxLength: assistance.MaxText}
	if f, ok := fault.As(refused); ok && len(f.Fields) > 0 {
		view.answer.Error = l.T(f.Fields[0].Key, "Limit", f.Fields[0].Args["Limit"])
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "answer", Text: view.answer.Error}}, true
	}
	return view
}

// export puts the export beside the request, with its cause of trouble.
func (view *requestView) export(v *page.Visit, e export.Export) {
	l := v.Locale
	tone, text := console.ExportBadge(l, e, v.Now)
	view.about = []ui.SummaryRow{
		{Key: l.T("export.reference"), Value: e.Reference()},
		{Key: l.T("export.state"), Body: ui.Tag("", tone, text)},
		{Key: l.T("export.requested"), Value: v.When(e.RequestedAt)},
		{Key: l.T("export.contents"), Value: contents(v, e.Selection)},
	}
	if cell := why(v, e); cell.Body != nil {
		view.about = append(view.about, ui.SummaryRow{Key: l.T("console.cause"), Body: cell.Body})
	}
	if x := inside(v, e); len(x.volumes.Rows) > 0 || len(x.failures) > 0 || x.technical != "" {
		view.inside = &x
	}
}

// requests lists requests for help, under the words of title.
func requests(v *page.Visit, id, title, more string, list []assistance.Listed) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: id, Plain: true, Caption: l.T("console.table", "Title", l.T(title)), Empty: l.T(title + ".none"), Columns: []ui.Column{
		{Label: l.T("export.reference")}, {Label: l.T("console.customer")}, {Label: l.T("console.help.export")}, {Label: l.T("help.dataset")}, {Label: l.T("console.age")},
	}}
	if len(list) > requestsShown {
		list, t.Note = list[:requestsShown], l.T(more, "Count", l.Number(requestsShown))
	}
	for _, r := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: requestURL(r.ID)},
			{Text: r.CustomerName + " · " + r.CustomerRef, URL: customerURL(r.CustomerID)},
			{Text: r.ExportReference},
			{Text: datasetName(v, r.Dataset)},
			{Text: since(v, r.CreatedAt)},
		}})
	}
	return t
}

// ownRequests lists one customer's requests.
func ownRequests(v *page.Visit, list []assistance.Request) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "requests", Plain: true, Caption: l.T("console.table", "Title", l.T("console.help")), Empty: l.T("console.help.none_own"), Columns: []ui.Column{
		{Label: l.T("export.reference")}, {Label: l.T("help.sent")}, {Label: l.T("console.help.export")}, {Label: l.T("export.state")},
	}}
	for _, r := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: requestURL(r.ID)},
			{Text: v.When(r.CreatedAt)},
			{Text: r.ExportReference},
			{Body: ui.Tag("", console.HelpTurn(r.State), l.T("help.state."+string(r.State)))},
		}})
	}
	return t
}
