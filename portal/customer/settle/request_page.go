package settle

import (
	"net/url"
	"slices"
	"strconv"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// methodView asks how to settle.
type methodView struct {
	layout      ui.Page
	errors      []ui.FieldError
	eyebrow     string
	amount      string
	action      string
	method      ui.Choices
	replacement *ui.Selection
	send        ui.Button
}

func buildMethod(v *page.Visit, o refund.Offer, sent methodForm, refused error, layout ui.Page) methodView {
	l, texts := v.Locale, wrong(v, refused)
	quoted := newQuote(v, o.Quote, "quote", "")
	view := methodView{
		layout: layout, errors: noted(texts, "method", "replacement"), eyebrow: l.T("settle.step", "Number", 1), action: requestURL(o.Quote.Currency, "method"),
		amount: l.T("settle.amount", "Amount", quoted.worded.Total), send: ui.Button{Label: l.T("settle.continue"), Kind: ui.Primary},
		method: ui.Choices{Field: ui.Field{Locale: l, ID: "method", Label: l.T("settle.method.ask"), Error: texts["method"]}, Question: true},
	}
	view.layout.Narrow, view.layout.Errors = true, len(view.errors) > 0
	for _, m := range o.Methods {
		view.method.Options = append(view.method.Options, ui.Option{
			Value: string(m), Label: l.T("settle.method." + string(m)), Hint: l.T("settle.method." + string(m) + ".hint"), Selected: sent.method == string(m),
		})
	}
	if slices.Contains(o.Methods, refund.Credit) {
		view.replacement = credits(v, o, sent.replacement, texts["replacement"])
	}
	return view
}

// credits lists the replacements with what each gives.
func credits(v *page.Visit, o refund.Offer, chosen, wrong string) *ui.Selection {
	l := v.Locale
	s := &ui.Selection{Field: ui.Field{Locale: l, ID: "replacement", Label: l.T("settle.replacement"), Hint: l.T("settle.replacement.hint"), Error: wrong}}
	s.Options = []ui.Option{{Label: l.T("settle.replacement.none")}}
	for _, c := range o.Credits {
		label := l.T("settle.replacement.option", "Name", replacementName(v, c.Replacement), "Amount", creditText(v, c, o.Quote.Currency))
		s.Options = append(s.Options, ui.Option{Value: c.Replacement, Label: label, Selected: c.Replacement == chosen})
	}
	return s
}

// credentialsView asks the reader to sign in again.
type credentialsView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	lost    *ui.Banner
	link    ui.Link
}

func buildCredentials(v *page.Visit, back string, late bool, layout ui.Page) credentialsView {
	l := v.Locale
	view := credentialsView{
		layout: layout, back: Path, heading: ui.Heading{Eyebrow: l.T("step.settle"), Title: l.T("settle.again.title"), Lead: l.T("settle.again.text")},
		link: ui.Link{Label: l.T("settle.again.go"), URL: "/sign-in/start?" + url.Values{"fresh": {"1"}, "return_to": {back}}.Encode()},
	}
	view.layout.Narrow = true
	if late {
		view.lost = &ui.Banner{Tone: "warn", Title: l.T("settle.again.lost")}
	}
	return view
}

// accountView asks for a bank account.
type accountView struct {
	layout  ui.Page
	errors  []ui.FieldError
	heading ui.Heading
	lead    string // which account is kept already, or why another is needed
	back    string
	action  string
	version string // of the refund whose account is corrected; empty: a new request
	kind    *ui.Choices
	only    string // the one kind there is
	inputs  []ui.Input
	written *ui.Choices // the name with the letters that our bank takes, to agree to; nil: not asked
	send    ui.Button
}

func buildAccount(v *page.Visit, action, back string, kept refund.MaskedAccount, sent account.Account, refused error, layout ui.Page) accountView {
	l, texts := v.Locale, wrong(v, refused)
	view := accountView{
		layout: layout, errors: noted(texts, "kind", "holder", "number", "branch", "bank"), action: action, back: back, send: ui.Button{Label: l.T("settle.continue"), Kind: ui.Primary},
		heading: ui.Heading{Eyebrow: l.T("settle.step", "Number", 2), Title: l.T("settle.bank.ask"), Lead: l.T("settle.bank.lead")},
	}
	view.layout.Narrow, view.layout.Errors = true, len(view.errors) > 0
	if kept.Kind != "" {
		view.lead = l.T("settle.bank.kept", "Last4", kept.Last4)
	}
	kinds := []string{migration.AccountCNCard, migration.AccountCNCompany, migration.AccountIBAN} // for a payment that came back after the programme had changed
	if r := v.Programme.Refund; r != nil && len(r.Payout.Accounts) > 0 {
		kinds = r.Payout.Accounts
	}
	switch len(kinds) {
	case 1:
		view.only = kinds[0]
	default:
		view.kind = &ui.Choices{Field: ui.Field{Locale: l, ID: "kind", Label: l.T("settle.bank.kind"), Error: texts["kind"]}}
		for _, k := range kinds {
			view.kind.Options = append(view.kind.Options, ui.Option{Value: k, Label: l.T("settle.bank.kind." + k), Hint: l.T("settle.bank.kind." + k + ".hint"), Selected: string(sent.Kind) == k || sent.Kind == "" && string(kept.Kind) == k})
		}
	}
	holder := sent.Holder
	if holder == "" && refused == nil {
		holder = kept.Holder
	}
	input := func(id, value, autocomplete string) {
		view.inputs = append(view.inputs, ui.Input{
			Field: ui.Field{Locale: l, ID: id, Label: l.T("settle.bank." + id), Hint: l.T("settle.bank." + id + ".hint"), Error: texts[id], Optional: id == "bank" || id == "branch" && len(kinds) > 1}, Value: value, Autocomplete: autocomplete,
		})
	}
	input("holder", holder, "name")
	view.written = askWritten(v, refused)
	input("number", sent.Number, "off")
	if slices.Contains(kinds, migration.AccountCNCompany) {
		input("branch", sent.BankName, "off")
	}
	input("bank", sent.Bank, "off")
	return view
}

// askWritten asks whether the name may be written with the letters that our bank takes; nil: it can be left as it is, or only its
// bearer knows how.
func askWritten(v *page.Visit, refused error) *ui.Choices {
	f, _ := fault.As(refused)
	if f == nil {
		return nil
	}
	for _, x := range f.Fields {
		if written, ok := x.Args["Written"].(string); ok && x.Name == "holder" {
			return &ui.Choices{
				Field:   ui.Field{Locale: v.Locale, ID: "written", Label: v.Locale.T("settle.bank.written")},
				Options: []ui.Option{{Value: written, Label: v.Locale.T("settle.bank.written.yes", "Written", written)}},
			}
		}
	}
	return nil
}

// correct words the page for a refund whose payment came back.
func (view *accountView) correct(v *page.Visit, r refund.Refund) {
	l := v.Locale
	view.heading = ui.Heading{Eyebrow: r.Ref, Title: l.T("settle.correct.ask"), Lead: l.T("settle.correct.lead")}
	if r.State == refund.Questioned {
		view.heading.Lead, view.lead = l.T("settle.correct.question"), r.Question
	}
	view.version = versionText(r)
	if r.Failure != "" {
		view.lead = failure(v, r.Failure)
	}
}

// checkView shows everything once more before it is sent off.
type checkView struct {
	layout  ui.Page
	errors  []ui.FieldError
	heading ui.Heading
	back    string
	when    []string    // the stages with their days
	agree   *ui.Choices // to what lapses of a credit
	changed *ui.Banner
	was     *quoteView // what was shown before the amount changed
	rows    []ui.SummaryRow
	quote   quoteView
	note    string
	action  string
	digest  string
	send    ui.Button
}

func buildCheck(v *page.Visit, o refund.Offer, d refund.Draft, changed *refund.QuoteChanged, layout ui.Page) checkView {
	l, q := v.Locale, o.Quote
	view := checkView{
		layout: layout, back: requestURL(q.Currency, "method"), action: requestURL(q.Currency, "check"), digest: o.Digest, note: l.T("settle.check.note." + string(d.Method)),
		heading: ui.Heading{Eyebrow: l.T("settle.step", "Number", 3), Title: l.T("settle.check.title")}, quote: newQuote(v, q, "quote", l.T("settle.check.quote")),
		send: ui.Button{Label: l.T("settle.submit." + string(d.Method)), Kind: ui.Primary},
	}
	view.layout.Narrow = true
	if changed != nil {
		view.heading.Title, view.send.Label = l.T("settle.changed.title"), l.T("settle.changed.submit")
		view.changed = &ui.Banner{Tone: "warn", Title: l.T("settle.changed"), Text: l.T("settle.changed.text")}
		if changed.Shown != nil {
			was := newQuote(v, *changed.Shown, "was", l.T("settle.changed.was"))
			view.was = &was
			view.quote.card.Title = l.T("settle.changed.now")
		}
	}
	view.rows = []ui.SummaryRow{{Key: l.T("refund.method"), Value: l.T("settle.method." + string(d.Method)), ChangeURL: requestURL(q.Currency, "method")}}
	amount, rest := q.Refund, int64(0)
	switch d.Method {
	case refund.Credit:
		name := d.Replacement
		if r, ok := v.Programme.Replacement(d.Replacement); ok {
			name = l.Pick(r.Name)
		}
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("refund.replacement"), Value: name, ChangeURL: requestURL(q.Currency, "method")})
		amount = q.CreditFor(d.Replacement).Total
		if c, ok := o.CreditTo(d.Replacement); ok {
			amount = c.Amount()
			view.rows = append(view.rows, creditRows(v, d.Replacement, c, amount, q.Currency)...)
			if c.Agreed() {
				view.agree = agreement(v, c, q.Currency)
			}
			if c.Rule == migration.RestPaid {
				view.rows = append(view.rows, accountRows(v, d.Account, requestURL(q.Currency, "bank"))...)
				rest = c.Rest
			}
		}
	case refund.Bank:
		view.rows = append(view.rows, accountRows(v, d.Account, requestURL(q.Currency, "bank"))...)
	case refund.Waive:
		amount = q.Total
	}
	view.when = stageLines(v, refund.Promised(v.Programme, d.Method, v.Now), d.Method)
	view.rows = append(view.rows, ui.SummaryRow{Key: l.T("settle.check." + string(d.Method)), Value: l.Money(amount, q.Currency), Total: true})
	if rest > 0 {
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("settle.check.rest"), Value: l.Money(rest, q.Currency), Total: true})
		view.note = l.T("settle.check.note.split")
		view.when = paidToo(view.when, stageLines(v, refund.Promised(v.Programme, refund.Bank, v.Now), refund.Bank))
	}
	return view
}

// creditRows say what a credit is worth: the price, what of it is covered, and what becomes of the rest.
func creditRows(v *page.Visit, replacement string, c refund.CreditOffer, amount int64, currency string) []ui.SummaryRow {
	l := v.Locale
	if c.Price == 0 {
		return nil
	}
	rows := []ui.SummaryRow{
		{Key: l.T("settle.credit.price"), Value: l.Money(c.Price, currency)}, {Key: l.T("settle.credit.covered"), Value: l.Money(min(c.Price, amount), currency)},
	}
	if c.Rest > 0 {
		rows = append(rows, ui.SummaryRow{Key: l.T("settle.credit.rest"), Value: restText(v, replacement, c.Rest, c.Rule, currency)})
	}
	return rows
}

// agreement asks whether what is over the price may lapse or be paid out. Its value is the amount, so that nobody agrees to another one.
func agreement(v *page.Visit, c refund.CreditOffer, currency string) *ui.Choices {
	l := v.Locale
	text := l.T("settle.credit."+c.Rule+".agree", "Rest", l.Money(c.Rest, currency), "Covered", l.Money(c.Covered(), currency), "Name", replacementName(v, c.Replacement))
	return &ui.Choices{Field: ui.Field{Locale: l, ID: "rest", Label: l.T("settle.credit.rest")}, Options: []ui.Option{{Value: strconv.FormatInt(c.Rest, 10), Label: text}}}
}

// accountRows show a bank account masked.
func accountRows(v *page.Visit, a refund.MaskedAccount, change string) []ui.SummaryRow {
	l := v.Locale
	if a.Kind == "" {
		return nil
	}
	rows := []ui.SummaryRow{
		{Key: l.T("refund.account.holder"), Value: a.Holder, ChangeURL: change},
		{Key: l.T("refund.account." + string(a.Kind)), Value: "**** " + a.Last4, ChangeURL: change},
	}
	if a.BankName != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("refund.account.branch"), Value: a.BankName, ChangeURL: change})
	}
	if a.Bank != "" {
		rows = append(rows, ui.SummaryRow{Key: l.T("refund.account.bank"), Value: a.Bank, ChangeURL: change})
	}
	return rows
}
