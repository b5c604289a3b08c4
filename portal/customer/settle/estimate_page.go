package settle

import (
	"slices"

	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
	"offramp/portal/customer"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// estimateView is what the customer gets back and why.
type estimateView struct {
	layout  ui.Page
	heading ui.Heading
	nothing *ui.Empty
	offers  []offerCard
	asked   *ui.Table
	when    []string // how long each stage takes, for who asks today
	owner   string   // said to members
	help    ui.Help
}

// offerCard is one currency's quote.
type offerCard struct {
	quote   quoteView
	credits []ui.SummaryRow
	action  *ui.Link
	why     string // there is nothing to ask for
}

func buildEstimate(v *page.Visit, e refund.Estimate, layout ui.Page, code string) estimateView {
	l := v.Locale
	view := estimateView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("step.settle"), Title: l.T("settle.title"), Lead: l.T("settle.lead")}, help: customer.Help(v, code),
	}
	for _, o := range e.Quotes {
		if o.Quote.Total == 0 && len(e.Refunds) > 0 {
			continue // it was asked for: an estimate of nothing would say the contrary
		}
		view.offers = append(view.offers, buildOffer(v, o))
	}
	if n := len(e.Refunds); n > 0 {
		view.asked = requests(v, e.Refunds)
		if len(view.offers) == 0 { // the latest is what the page is about now
			r := e.Refunds[n-1]
			_, state := tag(v, r.State)
			view.heading.Title = l.T("settle.title.asked")
			view.heading.Lead = l.T("settle.lead.asked", "Reference", r.Ref, "Amount", l.Money(r.Amount, r.Currency), "State", state)
		}
	}
	if lines := stageLines(v, refund.Promised(v.Programme, "", v.Now), ""); len(lines) > 0 && len(view.offers) > 0 {
		view.when = lines
	}
	if len(e.Quotes) == 0 && len(e.Refunds) == 0 {
		view.nothing = &ui.Empty{ID: "nothing", Title: l.T("settle.nothing"), Text: l.T("settle.nothing.text")}
	}
	if !v.Owner() && slices.ContainsFunc(e.Quotes, func(o refund.Offer) bool { return len(o.Methods) > 0 }) {
		view.owner = l.T("settle.owner_only")
	}
	return view
}

func buildOffer(v *page.Visit, o refund.Offer) offerCard {
	l, q := v.Locale, o.Quote
	card := offerCard{quote: newQuote(v, q, "quote-"+q.Currency, l.T("settle.estimate", "Currency", q.Currency))}
	if slices.Contains(o.Methods, refund.Credit) {
		for _, c := range o.Credits {
			card.credits = append(card.credits, ui.SummaryRow{Key: l.T("settle.credit.to", "Name", replacementName(v, c.Replacement)), Value: creditText(v, c, q.Currency)})
		}
	}
	switch {
	case len(o.Methods) == 0:
		card.why = l.T("settle.nothing.left")
	case v.Owner():
		card.action = &ui.Link{Label: l.T("settle.request"), Hidden: q.Currency, URL: requestURL(q.Currency, "method"), Icon: ui.IconArrow}
	}
	return card
}

// quoteView is a calculation, payment by payment and line by line, with its formula in words.
type quoteView struct {
	card   ui.Card
	worded quote.Worded
	tables []partTable
	sum    string // the main figure
	rules  []string
}

// partTable is what one payment gives.
type partTable struct {
	title string
	facts string
	table ui.Table
	store *storeNote
}

// storeNote sends the customer to the app store that sold the purchase.
type storeNote struct {
	text string
	link *ui.Link
}

func newQuote(v *page.Visit, q quote.Quote, id, title string) quoteView {
	l, w := v.Locale, quote.Word(v.Locale, q, v.Programme)
	view := quoteView{card: ui.Card{ID: id, Title: title, Meta: w.Policy}, worded: w, rules: slices.Concat(w.Rules, w.Notes)}
	for i, p := range w.Parts {
		part := partTable{title: p.Title, facts: p.Paid + " · " + p.Period, table: ui.Table{
			ID: id + "-" + l.Number(int64(i+1)), Plain: true, Caption: l.T("settle.table", "Title", p.Title), Columns: []ui.Column{{Label: l.T("settle.formula")}, {Label: l.T("refund.amount"), Numeric: true}},
			Total: []ui.Cell{{Text: l.T("settle.part")}, {Text: p.Amount}},
		}}
		for _, line := range p.Lines {
			part.table.Rows = append(part.table.Rows, ui.Row{Cells: []ui.Cell{{Body: lineText(line.Label, line.Formula)}, {Text: line.Amount}}})
		}
		if p.Store.Method != "" {
			part.store = newStore(v, p.Store)
		}
		view.tables = append(view.tables, part)
	}
	view.sum = w.Total
	if n := len(view.tables); n > 1 { // under the column that it adds up
		view.tables[n-1].table.Feet = [][]ui.Cell{{{Text: l.T("settle.total")}, {Text: w.Total}}}
	} else if n == 1 {
		view.tables[0].table.Total[0].Text = l.T("settle.total")
	}
	return view
}

// settled words the total of a calculation that was frozen: it is no estimate any more.
func (q quoteView) settled(label string) {
	n := len(q.tables)
	switch {
	case n == 1:
		q.tables[0].table.Total[0].Text = label
	case n > 1:
		q.tables[n-1].table.Feet[0][0].Text = label
	}
}

func newStore(v *page.Visit, s migration.Store) *storeNote {
	note := &storeNote{text: v.Locale.Pick(s.Text)}
	if note.text == "" {
		note.text = v.Locale.T("settle.store." + s.Method)
	}
	if s.URL != "" {
		note.link = &ui.Link{Label: v.Locale.T("settle.store.go"), URL: s.URL}
	}
	return note
}

// tones of the states of a refund, as its customer sees them.
var tones = map[refund.State]ui.Tone{
	refund.Questioned: ui.ToneActionNeeded, refund.Returned: ui.ToneActionNeeded, refund.Declined: ui.ToneActionNeeded,
	refund.Paid: ui.ToneCompleted, refund.Credited: ui.ToneCompleted, refund.Waived: ui.ToneCompleted, refund.Closed: ui.ToneNotNeeded, refund.Withdrawn: ui.ToneNotNeeded,
}

// Tone is how a state looks to the customer, and to those who speak with the customer.
func Tone(s refund.State) ui.Tone {
	if tone, ok := tones[s]; ok {
		return tone
	}
	return ui.ToneInProgress
}

// tag words a state for the customer, who need not know who reviews and who approves.
func tag(v *page.Visit, s refund.State) (ui.Tone, string) {
	return Tone(s), v.Locale.T("settle.state." + string(s))
}

// requests lists what was asked for.
func requests(v *page.Visit, list []refund.Refund) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "asked", Plain: true, Caption: l.T("settle.table", "Title", l.T("settle.asked")), Columns: []ui.Column{
		{Label: l.T("refund.reference")}, {Label: l.T("refund.requested")}, {Label: l.T("refund.method")}, {Label: l.T("refund.amount"), Numeric: true}, {Label: l.T("refund.state")},
	}}
	for _, r := range list {
		tone, text := tag(v, r.State)
		way := l.T("refund.method." + string(r.Method))
		if r.PaysRest {
			way = l.T("settle.part.rest.of", "Reference", r.Other)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Ref, URL: refundURL(r.Ref)},
			{Text: v.When(r.RequestedAt)},
			{Text: way},
			{Text: l.Money(r.Amount, r.Currency)},
			{Body: ui.Tag("", tone, text)},
		}})
	}
	return t
}
