package support

import (
	"github.com/a-h/templ"

	"offramp/export"
	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// AboutExport is what helps to answer a request about an export: its facts, and what it looks like from inside.
func AboutExport(v *page.Visit, e export.Export) (rows []ui.SummaryRow, body templ.Component) {
	l := v.Locale
	tone, text := console.ExportBadge(l, e, v.Now)
	rows = []ui.SummaryRow{
		{Key: l.T("export.reference"), Value: e.Reference()},
		{Key: l.T("export.state"), Body: ui.Tag("", tone, text)},
		{Key: l.T("export.requested"), Value: v.When(e.RequestedAt)},
		{Key: l.T("export.contents"), Value: contents(v, e.Selection)},
	}
	if cell := why(v, e); cell.Body != nil {
		rows = append(rows, ui.SummaryRow{Key: l.T("console.cause"), Body: cell.Body})
	}
	if x := inside(v, e); len(x.volumes.Rows) > 0 || len(x.failures) > 0 || x.technical != "" {
		return rows, exportDetails(l, x)
	}
	return rows, templ.NopComponent
}

// requestURL is the page of a request.
func requestURL(id string) string { return "/console/support/help/" + id }

// requests lists requests for help, under the words of title.
func requests(v *page.Visit, id, title, more string, list []assistance.Listed) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: id, Plain: true, Caption: l.T("console.table", "Title", l.T(title)), Empty: l.T(title + ".none"), Columns: []ui.Column{
		{Label: l.T("export.reference")}, {Label: l.T("console.customer")}, {Label: l.T("helpdesk.topic")}, {Label: l.T("console.help.export")}, {Label: l.T("console.age")},
	}}
	if len(list) > requestsShown {
		list, t.Note = list[:requestsShown], l.T(more, "Count", l.Number(requestsShown))
	}
	for _, r := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: requestURL(r.ID)},
			{Text: r.CustomerName + " · " + r.CustomerRef, URL: customerURL(r.CustomerID)},
			{Text: topicName(v, r.Topic)},
			{Text: r.ExportReference + r.Refund, Note: datasetName(v, r.Dataset)},
			{Text: since(v, r.CreatedAt)},
		}})
	}
	return t
}

// ownRequests lists one customer's requests.
func ownRequests(v *page.Visit, list []assistance.Request) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "requests", Plain: true, Caption: l.T("console.table", "Title", l.T("console.help")), Empty: l.T("console.help.none_own"), Columns: []ui.Column{
		{Label: l.T("export.reference")}, {Label: l.T("help.sent")}, {Label: l.T("helpdesk.topic")}, {Label: l.T("export.state")},
	}}
	for _, r := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: requestURL(r.ID)},
			{Text: v.When(r.CreatedAt)},
			{Text: topicName(v, r.Topic), Note: r.ExportReference + r.Refund},
			{Body: ui.Tag("", console.HelpTurn(r.State), l.T("help.state."+string(r.State)))},
		}})
	}
	return t
}

// topicName is what a request is about.
func topicName(v *page.Visit, topic string) string {
	if topic == "" {
		topic = "other"
	}
	return v.Locale.T("help.topic." + topic)
}
