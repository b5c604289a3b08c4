package finance

import (
	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// batchesView is what could be paid together, and what was.
type batchesView struct {
	layout   ui.Page
	heading  ui.Heading
	refused  *ui.Banner
	payables ui.Table
	batches  ui.Table
	more     string
}

func buildBatches(v *page.Visit, payables []refund.Payable, batches []refund.Batch, names people, refused error, layout ui.Page) batchesView {
	l := v.Locale
	view := batchesView{layout: layout, refused: refusal(v, refused), heading: ui.Heading{Title: l.T("finance.batches"), Lead: l.T("finance.batches.lead")}}
	view.payables = ui.Table{ID: "payables", Plain: true, Caption: caption(l, "finance.payables"), Empty: l.T("finance.payables.none"), Columns: []ui.Column{
		{Label: l.T("refund.method")}, {Label: l.T("finance.count"), Numeric: true}, {Label: l.T("finance.sum"), Numeric: true, Key: true}, {Label: l.T("console.action")},
	}}
	create := v.Session.Has(auth.FinanceClerk, auth.FinanceApprover)
	for _, x := range payables {
		row := ui.Row{Cells: []ui.Cell{{Text: l.T("refund.method." + string(x.Method))}, {Text: l.Number(x.Count)}, {Text: l.Money(x.Amount, x.Currency)}, {Text: l.T("finance.wait.batch")}}}
		if create {
			row.Cells[3] = ui.Cell{Body: ui.LinkButton(ui.Plain, ui.Link{Label: l.T("finance.batch.create"), URL: choiceURL(x.Method, x.Currency, "")})}
		}
		view.payables.Rows = append(view.payables.Rows, row)
	}
	view.batches = ui.Table{ID: "batches", Plain: true, Caption: caption(l, "finance.batches"), Empty: l.T("finance.batches.none"), Columns: []ui.Column{
		{Label: l.T("finance.batch")},
		{Label: l.T("refund.method")},
		{Label: l.T("finance.count"), Numeric: true},
		{Label: l.T("finance.control"), Numeric: true, Key: true},
		{Label: l.T("finance.created_by")},
		{Label: l.T("finance.released_by")},
		{Label: l.T("refund.state")},
	}}
	if len(batches) > batchesShown {
		batches, view.more = batches[:batchesShown], l.T("ui.more.latest", "Count", l.Number(batchesShown))
	}
	for _, b := range batches {
		view.batches.Rows = append(view.batches.Rows, ui.Row{Cells: []ui.Cell{
			{Text: b.Ref, URL: batchURL(b.ID)},
			{Text: l.T("refund.method." + string(b.Method))},
			{Text: l.Number(int64(b.Count))},
			{Text: l.Money(b.Control, b.Currency)},
			{Text: names.of(b.CreatedBy)},
			{Text: names.of(b.ReleasedBy)},
			{Body: ui.Tag("", console.BatchTurn(b.State), l.T("finance.batch.state."+string(b.State)))},
		}})
	}
	return view
}

// batchView is one batch.
type batchView struct {
	layout  ui.Page
	heading ui.Heading
	refused *ui.Banner
	card    ui.Card
	facts   []ui.SummaryRow
	items   ui.Table
	more    string
	release *ui.Action
	asked   string // before the release: what is about to happen
	why     string // why there is nothing to release
	discard *ui.Action
	file    *ui.Link
	traces  ui.History
}

// batchShown is one batch with what is read of it.
type batchShown struct {
	refund.Batch
	items  []refund.Item
	traces []refund.Trace
	names  people
}

func buildBatch(v *page.Visit, shown batchShown, refused error, layout ui.Page) batchView {
	l, b, items, names := v.Locale, shown.Batch, shown.items, shown.names
	view := batchView{
		layout: layout, refused: refusal(v, refused),
		heading: ui.Heading{Eyebrow: l.T("finance.batches"), Title: l.T("finance.batch.one", "Reference", b.Ref), Lead: l.Money(b.Control, b.Currency)},
		card:    ui.Card{ID: "batch", Title: l.T("finance.batch.about"), Aside: ui.Tag("", console.BatchTurn(b.State), l.T("finance.batch.state."+string(b.State)))},
		items:   itemTable(v, b, items, names),
	}
	view.facts = []ui.SummaryRow{
		{Key: l.T("refund.method"), Value: l.T("refund.method." + string(b.Method))},
		{Key: l.T("finance.count"), Value: l.Number(int64(b.Count))},
		{Key: l.T("finance.created_by"), Value: v.When(b.CreatedAt) + " · " + names.of(b.CreatedBy)},
	}
	if b.ReleasedAt != nil {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("finance.released_by"), Value: v.When(*b.ReleasedAt) + " · " + names.of(b.ReleasedBy)})
	}
	if b.Dropped > 0 {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("finance.batch.dropped"), Value: l.Number(int64(b.Dropped))})
	}
	if b.Unfit > 0 {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("finance.batch.unfit"), Value: l.Number(int64(b.Unfit))})
	}
	if b.LeftOut > 0 {
		view.facts = append(view.facts, ui.SummaryRow{Key: l.T("finance.batch.left_out"), Value: l.T("finance.batch.left_out.by", "Count", l.Number(int64(b.LeftOut)), "Who", names.of(b.CreatedBy))})
	}
	if b.SHA256 != "" {
		view.facts = append(view.facts, ui.SummaryRow{Key: "SHA-256", Body: ui.Copyable(l, b.SHA256, l.T("finance.batch.checksum"))})
	}
	view.facts = append(view.facts, ui.SummaryRow{Key: l.T("finance.control"), Value: l.Money(b.Control, b.Currency), Total: true})
	if all := b.Count + b.Dropped + b.Unfit + b.LeftOut; all > len(items) {
		view.more = l.T("finance.batch.more", "Count", l.Number(int64(len(items))), "Total", l.Number(int64(all)))
	}
	view.traces = ui.History{Locale: l, Zone: v.Zone()}
	for _, t := range shown.traces {
		view.traces.Events = append(view.traces.Events, ui.Event{At: t.At, What: l.T("finance.trace." + t.Act), By: names.of(t.By)})
	}
	view.acts(v, b)
	return view
}

func (view *batchView) acts(v *page.Visit, b refund.Batch) {
	l := v.Locale
	switch {
	case b.State == refund.BatchReleased && b.Method == refund.Bank && v.Session.Has(auth.FinanceReleaser):
		view.file = &ui.Link{Label: l.T("finance.batch.file", "Size", l.Size(b.Size)), URL: batchURL(b.ID) + "/file", Icon: ui.IconDownload, Download: true}
	case b.State != refund.BatchCreated:
	case !v.Session.Has(auth.FinanceReleaser):
		view.why = l.T("finance.wait.releaser")
	case b.CreatedBy == v.Session.IdentityID:
		view.why = l.T("finance.blocked.created")
	default:
		view.asked = l.T("finance.release.text", "Count", l.Number(int64(b.Count)), "Sum", l.Money(b.Control, b.Currency))
		view.release = &ui.Action{URL: batchURL(b.ID) + "/release", Button: ui.Button{Label: l.N("finance.release.go", b.Count, "Sum", l.Money(b.Control, b.Currency)), Kind: ui.Primary}}
	}
	if b.State == refund.BatchCreated {
		view.discard = &ui.Action{URL: batchURL(b.ID) + "/discard", Button: ui.Button{Label: l.T("finance.discard.go"), Kind: ui.Danger}}
	}
}

// itemTable lists what a batch pays: to whom, into which account, approved by whom.
func itemTable(v *page.Visit, b refund.Batch, items []refund.Item, names people) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "items", Plain: true, Caption: caption(l, "finance.batch.items"), Columns: []ui.Column{
		{Label: l.T("refund.reference")},
		{Label: l.T("console.customer")},
		{Label: l.T("finance.batch.account")},
		{Label: l.T("finance.approved_by")},
		{Label: l.T("finance.end_to_end")},
		{Label: l.T("refund.amount"), Numeric: true},
		{Label: l.T("refund.state")},
	}}
	for _, i := range items {
		state := ui.Cell{Body: ui.Tag("", console.RefundTurn(i.State), l.T("finance.state."+string(i.State)))}
		if i.Dropped != "" {
			state = ui.Cell{Text: l.T("finance.dropped", "State", l.T("finance.state."+i.Dropped))}
		}
		if i.Unfit != "" {
			state = ui.Cell{Text: l.T("finance.unfit."+i.Unfit, "Who", names.of(b.CreatedBy))}
		}
		t.Rows = append(t.Rows, ui.Row{Blocked: i.Dropped != "" || i.Unfit != "", Cells: []ui.Cell{
			{Text: i.Ref, URL: refundURL(i.Ref)},
			{Text: i.CustomerName + " · " + i.CustomerRef},
			{Text: accountText(l, i.Account)},
			{Text: names.of(i.ApprovedBy)},
			{Text: i.EndToEnd},
			{Text: l.Money(i.Amount, i.Currency)},
			state,
		}})
	}
	t.Total = []ui.Cell{{Text: l.N("finance.total", b.Count), Span: 5}, {Text: l.Money(b.Control, b.Currency)}, {}}
	return t
}

// accountText is an account as finance compares it: holder, kind and last digits; empty: none.
func accountText(l *locale.Locale, a refund.MaskedAccount) string {
	if a.Kind == "" {
		return ""
	}
	text := l.T("refund.account."+string(a.Kind)) + " **** " + a.Last4
	if a.Holder != "" {
		text = a.Holder + " · " + text
	}
	return text
}
