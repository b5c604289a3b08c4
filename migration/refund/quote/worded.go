package quote

import (
	"time"

	"offramp/internal/locale"
	"offramp/migration"
)

// Worded is a quote in a reader's language, for pages, print and mail. Every line has its formula with the numbers in it.
type Worded struct {
	Currency string // ISO 4217
	Parts    []WordedPart
	Total    string
	Refund   string         // what is paid out
	Payable  bool           // something is paid out
	Notes    []string       // about the whole, such as an amount below the minimum
	Rules    []string       // how it was counted: sentences
	Policy   string         // policy and day
	Credits  []WordedCredit // empty where nothing can be credited
}

// WordedPart is what one payment gives.
type WordedPart struct {
	Title  string // invoice or payment by its number
	Paid   string // what was paid when and how
	Period string
	Lines  []WordedLine
	Amount string
	Store  migration.Store // where a purchase at an app store is given back; zero for others
}

// WordedLine is one step. Amount is empty where the line only explains.
type WordedLine struct {
	Kind    Kind
	Label   string // such as "Unused part"
	Formula string // such as "184 of 365 days unused: CN¥8,760.00 × 184 / 365 = CN¥4,416.00"
	Amount  string
}

// WordedCredit is what may be credited toward a replacement.
type WordedCredit struct {
	Replacement string // key; empty: every other replacement
	Name        string
	Bonus       string // formula; empty without a bonus
	Total       string
}

// Word words a quote. The programme names the replacements and the stores; what it no longer has is shown by its key.
func Word(l *locale.Locale, q Quote, p *migration.Programme) Worded {
	w := worder{Locale: l, quote: q, programme: p}
	out := Worded{
		Currency: q.Currency, Total: w.money(q.Total), Refund: w.money(q.Refund), Payable: q.Refund > 0, Rules: w.rules(),
		Policy: l.T("refundquote.policy", "Version", q.PolicyVersion, "Day", w.day(q.AsOf)),
	}
	for _, part := range q.Parts {
		out.Parts = append(out.Parts, w.part(part))
	}
	for _, n := range q.Notes {
		out.Notes = append(out.Notes, w.formula(n))
	}
	for _, c := range q.Credits {
		if c.Total > 0 {
			out.Credits = append(out.Credits, w.credit(c))
		}
	}
	return out
}

type worder struct {
	*locale.Locale
	quote     Quote
	programme *migration.Programme
}

func (w worder) money(minor int64) string { return w.Money(minor, w.quote.Currency) }

func (w worder) day(d migration.Day) string { return w.Date(d.Start(time.UTC), time.UTC) }

func (w worder) part(p Part) WordedPart {
	pay := p.Payment
	out := WordedPart{
		Title:  w.T("refundquote.payment", "Ref", pay.Ref),
		Period: w.T("refundquote.period", "From", w.day(pay.PeriodStart), "Until", w.day(pay.PeriodEnd)),
		Paid: w.T("refundquote.paid", "Amount", w.money(p.Paid), "Day", w.Date(pay.PaidAt, w.programme.Zone),
			"Method", w.T("refundquote.method."+string(pay.Method))),
		Amount: w.money(p.Amount),
	}
	if pay.InvoiceRef != "" {
		out.Title = w.T("refundquote.invoice", "Ref", pay.InvoiceRef)
	}
	if r := w.programme.Refund; r != nil && pay.Method.ByStore() {
		for _, s := range r.Stores {
			if s.Method == string(pay.Method) {
				out.Store = s
			}
		}
	}
	for _, line := range p.Lines {
		out.Lines = append(out.Lines, w.line(line))
	}
	return out
}

func (w worder) line(l Line) WordedLine {
	out := WordedLine{Kind: l.Kind, Label: w.T("refundquote.label." + string(l.Kind)), Formula: w.formula(l)}
	if l.Amount != 0 || l.Kind == Unused {
		out.Amount = w.money(l.Amount)
	}
	return out
}

// formula fills a line's wording with its numbers. Amounts that are taken away are written without their sign, which the
// words carry.
func (w worder) formula(l Line) string {
	a := l.Args
	amount := l.Amount
	if amount < 0 {
		amount = -amount
	}
	part, whole := w.Number(a.Part), w.Number(a.Whole)
	if byPrice[l.Key] {
		part, whole = w.money(a.Part), w.money(a.Whole)
	}
	return w.T(l.Key,
		"Amount", w.money(amount), "Of", w.money(a.Of), "Price", w.money(a.Of+a.Less), "Less", w.money(a.Less),
		"Part", part, "Whole", whole, "Percent", w.points(a.Points), "Result", w.money(a.Result),
		"From", w.day(a.From), "Until", w.day(a.Until))
}

// byPrice are the lines whose part and whole are money.
var byPrice = map[string]bool{
	"refundquote.tax.kept_price": true, "refundquote.tax.kept_price_partly": true, "refundquote.tax.contained_price": true,
	"refundquote.tax.added_price": true,
}

// points writes basis points as a percentage without needless zeros: 5%, 7.5%, 0.25%.
func (w worder) points(n int64) string {
	whole, rest := w.Number(n/100), n%100
	switch {
	case rest == 0:
		return whole + "%"
	case rest%10 == 0:
		return whole + "." + w.Number(rest/10) + "%"
	}
	return whole + "." + w.Number(rest/10) + w.Number(rest%10) + "%"
}

// rules says how the quote was counted.
func (w worder) rules() []string {
	q := w.quote
	rules := []string{w.T("refundquote.rule.usage")}
	if q.Basis != migration.BasisUsage {
		rules = []string{w.T("refundquote.rule."+q.From, "Day", w.day(q.LastDay))}
	}
	if q.Basis == migration.BasisMonths {
		rules = append(rules, w.T("refundquote.rule.months"))
	}
	return append(rules, w.T("refundquote.rounding."+string(q.Rounding)))
}

func (w worder) credit(c Credit) WordedCredit {
	out := WordedCredit{Replacement: c.Replacement, Name: c.Replacement, Total: w.money(c.Total)}
	if c.Replacement == "" {
		out.Name = w.T("refundquote.any_replacement")
	} else if r, ok := w.programme.Replacement(c.Replacement); ok {
		out.Name = w.Pick(r.Name)
	}
	if c.Bonus.Amount > 0 {
		out.Bonus = w.formula(c.Bonus)
	}
	return out
}
