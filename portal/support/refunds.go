package support

import (
	"net/url"

	"offramp/auth"
	"offramp/migration/refund"
	"offramp/portal/console"
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
		{Label: l.T("refund.method")},
		{Label: l.T("refund.amount"), Numeric: true},
		{Label: l.T("refund.state")},
		{Label: l.T("console.refunds.moved")},
	}}
	for _, r := range list {
		ref := ui.Cell{Text: r.Ref}
		if v.Session.Has(auth.FinanceClerk, auth.FinanceApprover, auth.FinanceReleaser) {
			ref.URL = finance.QueuePath + "/" + url.PathEscape(r.Ref)
		}
		ref.Note = l.T("console.requested", "When", v.When(r.RequestedAt))
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			ref,
			{Text: l.T("refund.method." + string(r.Method))},
			{Text: l.Money(r.Amount, r.Currency)},
			{Body: ui.Tag("", console.RefundTurn(r.State), l.T("refund.state."+string(r.State)))},
			{Text: v.When(r.UpdatedAt)},
		}})
	}
	return t
}
