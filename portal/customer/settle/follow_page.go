package settle

import (
	"slices"
	"strconv"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/customer"
	"offramp/portal/document"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// versionText is the version that a form acts upon.
func versionText(r refund.Refund) string { return strconv.Itoa(r.Version) }

// failure words why a payment did not arrive.
func failure(v *page.Visit, code string) string {
	if id := "settle.failure." + code; v.Locale.Has(id) {
		return v.Locale.T(id)
	}
	return v.Locale.T("settle.failure")
}

// submittedView confirms that a request has arrived.
type submittedView struct {
	layout ui.Page
	panel  ui.Confirmation
	sum    string
	when   []string
	next   []string
	link   ui.Link
	help   ui.Help
}

func buildSubmitted(v *page.Visit, r refund.Refund, layout ui.Page, code string) submittedView {
	l := v.Locale
	view := submittedView{
		layout: layout, panel: ui.Confirmation{Locale: l, Title: l.T("settle.submitted." + string(r.Method)), Reference: r.Ref},
		link: ui.Link{Label: l.T("settle.follow"), URL: refundURL(r.Ref)}, help: customer.Help(v, code),
	}
	view.sum, view.when = l.Money(r.Amount, r.Currency), stageLines(v, r.Stages(v.Programme.Zone, v.Now), r.Method)
	view.layout.Narrow = true
	if r.Other != "" && !r.PaysRest {
		view.next = append(view.next, l.T("settle.submitted.part", "Reference", r.Other, "Amount", l.Money(r.CreditRest, r.Currency)))
	}
	for _, key := range []string{"check", "paid." + string(r.Method), "mail"} {
		view.next = append(view.next, l.T("settle.next."+key))
	}
	return view
}

// refundView is where one request stands.
type refundView struct {
	layout    ui.Page
	heading   ui.Heading
	errors    []ui.FieldError
	conflict  *ui.Banner
	state     ui.Card
	text      []string
	when      []string // the stages with their days
	facts     []ui.SummaryRow
	form      *wordsForm // an answer or an objection
	correct   *ui.Link
	withdraw  *ui.Action
	giveBack  string // what that means
	quote     quoteView
	documents *ui.Table // of the owner alone
	attach    *document.Form
	history   ui.History
	help      ui.Help
}

// wordsForm takes what the customer has to say.
type wordsForm struct {
	title   string
	asked   string
	action  string
	version string
	text    ui.Area
	file    *ui.Input // of an answer
	send    ui.Button
}

func buildRefund(v *page.Visit, r refund.Refund, history []refund.Happening, documents []refund.Document, w words, layout ui.Page, code string) refundView {
	l := v.Locale
	tone, word := tag(v, r.State)
	view := refundView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("step.settle"), Title: l.T("settle.one", "Reference", r.Ref), Lead: l.T("settle.one.lead", "Amount", l.Money(r.Amount, r.Currency))},
		state: ui.Card{ID: "state", Title: l.T("settle.where"), Aside: ui.Tag("", tone, word)}, text: stateText(v, r), when: stageLines(v, r.Stages(v.Programme.Zone, v.Now), r.Method), facts: facts(v, r),
		quote: newQuote(v, r.Quote, "quote", l.T("settle.quote.frozen")), history: past(v, history), help: customer.Help(v, code),
	}
	view.quote.settled(l.T("refund.total"))
	view.giveBack = l.T("settle.withdraw.text")
	if r.Other != "" {
		view.quote.settled(l.T("settle.part.total"))
		view.giveBack += " " + l.T("settle.withdraw.both")
	}
	if (r.State == refund.Questioned || r.State == refund.Returned) && r.ReviewDays > 0 {
		view.text = append(view.text, l.T("settle.stage.wait"))
	}
	if fault.KindOf(w.refused) == fault.Conflict && w.refused != nil {
		view.conflict = &ui.Banner{Tone: "bad", Title: l.T("settle.moved")}
	}
	if v.Owner() {
		view.offer(v, r, w)
		view.papers(v, r, documents, w)
	}
	return view
}

// offer gives the owner what there is to do.
func (view *refundView) offer(v *page.Visit, r refund.Refund, w words) {
	l := v.Locale
	switch {
	case r.State == refund.Questioned:
		view.form = sayForm(v, r, w, "answer", r.Question)
	case r.State == refund.Declined && r.ObjectUntil != nil && v.Now.Before(*r.ObjectUntil):
		view.form = sayForm(v, r, w, "objection", "")
	}
	if r.MayCorrect() {
		view.correct = &ui.Link{Label: l.T("settle.correct.go"), URL: refundURL(r.Ref) + "/account"}
	}
	if view.form != nil {
		view.mend(view.form.text.Field)
		if view.form.file != nil {
			view.mend(view.form.file.Field)
		}
	}
	if r.MayWithdraw() {
		view.withdraw = &ui.Action{
			URL: refundURL(r.Ref) + "/withdraw", Hidden: []ui.Pair{{Name: "version", Value: versionText(r)}}, Button: ui.Button{Label: l.T("settle.withdraw.go"), Kind: ui.Danger},
		}
	}
}

// mend lists a field that has to be mended.
func (view *refundView) mend(f ui.Field) {
	if f.Error != "" {
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: f.ID, Text: f.Error}), true
	}
}

// papers are the documents, and the form that adds one as long as the request is open.
func (view *refundView) papers(v *page.Visit, r refund.Refund, documents []refund.Document, w words) {
	at := refundURL(r.Ref) + "/documents"
	table := document.List{Refund: r, Documents: documents, URL: at, Person: v.Who().ContactID}.Table(v)
	view.documents = &table
	if !r.Attachable() {
		return
	}
	bad := ""
	if w.field == document.Field {
		bad = wrong(v, w.refused)[document.Field]
	}
	view.attach = document.NewForm(v, at, false, false, bad)
	view.mend(view.attach.File.Field)
}

func sayForm(v *page.Visit, r refund.Refund, w words, field, asked string) *wordsForm {
	l := v.Locale
	f := &wordsForm{
		title: l.T("settle." + field), asked: asked, action: refundURL(r.Ref) + "/" + field, version: versionText(r),
		text: ui.Area{Field: ui.Field{Locale: l, ID: field, Label: l.T("settle." + field + ".text"), Hint: l.T("settle." + field + ".hint")}, MaxLength: refund.MaxText},
		send: ui.Button{Label: l.T("settle." + field + ".send"), Kind: ui.Primary},
	}
	texts := map[string]string{}
	if w.field == field {
		texts = wrong(v, w.refused)
		f.text.Value = w.text
		if f.text.Error = texts[field]; texts["text"] != "" {
			f.text.Error = texts["text"]
		}
	}
	if field == "answer" {
		file := document.Input(v, "answer-document", "document.with_answer", "document.with_answer.hint", texts[document.Field])
		file.Optional = true
		f.file = &file
	}
	return f
}

// stateText says in plain words where the request stands and what happens next.
func stateText(v *page.Visit, r refund.Refund) []string {
	l := v.Locale
	texts := []string{l.T("settle.text." + string(r.State))}
	switch r.State {
	case refund.Paid, refund.Credited:
		if r.SettledAt != nil {
			texts = []string{l.T("settle.text."+string(r.State), "Date", v.Day(*r.SettledAt))}
		}
		if r.State == refund.Paid {
			texts = append(texts, l.T("settle.arrival."+string(r.Method)))
		}
	case refund.Returned:
		texts = append(texts, failure(v, r.Failure))
	case refund.Declined:
		texts = append(texts, l.T("refund.reason."+string(r.Reason)))
		if r.ReasonText != "" {
			texts = append(texts, r.ReasonText)
		}
		if r.ObjectUntil != nil {
			key := "settle.object_until"
			if !v.Now.Before(*r.ObjectUntil) {
				key = "settle.object_ended"
			}
			texts = append(texts, l.T(key, "Date", v.OurFullDay(r.ObjectUntil.Add(-1))))
		}
	}
	return texts
}

func facts(v *page.Visit, r refund.Refund) []ui.SummaryRow {
	l := v.Locale
	rows := []ui.SummaryRow{
		{Key: l.T("refund.reference"), Value: r.Ref},
		{Key: l.T("refund.requested"), Value: v.When(r.RequestedAt)},
		{Key: l.T("refund.method"), Value: l.T("settle.method." + string(r.Method))},
	}
	if p, ok := v.Programme.Replacement(r.Replacement); ok {
		rows = append(rows, ui.SummaryRow{Key: l.T("refund.replacement"), Value: l.Pick(p.Name)})
	}
	rows = append(rows, creditFacts(v, r)...)
	rows = append(rows, otherPart(v, r)...)
	rows = append(rows, accountRows(v, r.Account, "")...)
	if r.SettledAt != nil {
		rows = append(rows, ui.SummaryRow{Key: l.T("refund.settled"), Value: v.When(*r.SettledAt)})
	}
	return append(rows, ui.SummaryRow{Key: l.T("refund.amount"), Value: l.Money(r.Amount, r.Currency), Total: true})
}

// past tells the customer what happened: what concerns them, without who of ours did it.
func past(v *page.Visit, history []refund.Happening) ui.History {
	h := ui.History{Locale: v.Locale, Zone: v.Zone(), Long: true}
	for i := len(history) - 1; i >= 0; i-- {
		e := history[i]
		id := "settle.happened." + e.Kind
		if !v.Locale.Has(id) {
			continue
		}
		event := ui.Event{At: e.At, What: v.Locale.T(id)}
		if slices.Contains([]string{"questioned", "answered", "objected", "document_attached", "document_removed", "document_refused"}, e.Kind) {
			event.Detail = e.Text
		}
		h.Events = append(h.Events, event)
	}
	return h
}

// creditFacts say what a credit is worth.
func creditFacts(v *page.Visit, r refund.Refund) []ui.SummaryRow {
	if r.Method != refund.Credit {
		return nil
	}
	return creditRows(v, r.Replacement, refund.CreditOffer{
		Replacement: r.Replacement, Total: r.CreditPrice + r.CreditRest, Price: r.CreditPrice, Rest: r.CreditRest, Rule: r.RestRule,
	}, r.Amount, r.Currency)
}

// otherPart leads to the other part of a request: of a credit to the payment of its rest, and back.
func otherPart(v *page.Visit, r refund.Refund) []ui.SummaryRow {
	key, amount := "settle.part.rest", r.CreditRest
	switch {
	case r.Other == "":
		return nil
	case r.PaysRest:
		key, amount = "settle.part.credit", r.CreditPrice
	}
	label := v.Locale.T("settle.part.value", "Reference", r.Other, "Amount", v.Locale.Money(amount, r.Currency))
	return []ui.SummaryRow{{Key: v.Locale.T(key), Body: ui.A(ui.Link{Label: label, URL: refundURL(r.Other)})}}
}
