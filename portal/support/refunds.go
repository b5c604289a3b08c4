package support

import (
	"net/url"

	"offramp/auth"
	"offramp/migration/refund"
	"offramp/portal/customer/settle"
	"offramp/portal/finance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// refunds lists what a customer has asked back, newest first: where it stands, and nothing of the account that it goes to. Those
// who work in finance, too, can follow a reference.
func refunds(v *page.Visit, list []refund.Refund) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "refunds", Caption: l.T("console.table", "Title", l.T("console.refunds")), Plain: true, Empty: l.T("console.refunds.none"), Columns: []ui.Column{
		{Label: l.T("refund.reference")},
		{Label: l.T("refund.requested")},
		{Label: l.T("refund.method")},
		{Label: l.T("refund.amount"), Numeric: true},
		{Label: l.T("refund.state")},
		{Label: l.T("console.refunds.moved")},
		{Label: l.T("refund.settled")},
	}}
	for _, r := range list {
		ref, settled := ui.Cell{Text: r.Ref}, ""
		if v.Session.Has(auth.FinanceClerk, auth.FinanceApprover, auth.FinanceReleaser) {
			ref.URL = finance.QueuePath + "/" + url.PathEscape(r.Ref)
		}
		if r.SettledAt != nil {
			settled = l.DateTime(*r.SettledAt, v.Zone())
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			ref,
			{Text: l.DateTime(r.RequestedAt, v.Zone())},
			{Text: l.T("refund.method." + string(r.Method))},
			{Text: l.Money(r.Amount, r.Currency)},
			{Body: ui.Tag("", settle.Tone(r.State), l.T("refund.state."+string(r.State)))},
			{Text: l.DateTime(r.UpdatedAt, v.Zone())},
			{Text: settled},
		}})
	}
	return t
}
