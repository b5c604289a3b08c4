package finance

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/width"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/money"
	"offramp/migration/refund"
	"offramp/portal/page"
)

// status is a choice of the filter: a group of states that wait for the same people, or one state.
type status struct {
	key    string
	states []refund.State // nil: all
}

// groups come first in the list of choices; every single state comes behind them.
var groups = []status{
	{"to_review", []refund.State{refund.Submitted, refund.Objected}},
	{"to_approve", []refund.State{refund.Reviewed, refund.Second}},
	{"to_pay", []refund.State{refund.Approved, refund.Batched}},
	{"on_the_way", []refund.State{refund.Released, refund.Unknown}},
	{"with_customer", []refund.State{refund.Questioned, refund.Returned, refund.Declined}},
	{"all", nil},
}

func statusOf(key string) (status, bool) {
	for _, g := range groups {
		if g.key == key {
			return g, true
		}
	}
	if i := slices.Index(refund.States, refund.State(key)); i >= 0 {
		return status{key, refund.States[i : i+1]}, true
	}
	return status{}, false
}

// usual is what a member of finance comes for.
func usual(v *page.Visit) string {
	switch {
	case v.Session.Has(auth.FinanceClerk):
		return "to_review"
	case v.Session.Has(auth.FinanceApprover):
		return "to_approve"
	}
	return "to_pay"
}

// query is the filter as it stands in the address: what was typed, kept for the form and for links.
type query struct {
	status, tier, method, currency, least, most, text, older, after string
	late                                                            bool // only what is late
	exact                                                           bool // the totals are counted whole, however long it takes
}

var queryInputs = []page.Input{
	page.Line("status", 20), page.Line("tier", 40), page.Line("method", 20), page.Line("currency", 3), page.Line("least", 30),
	page.Line("most", 30), page.Line("q", 100), page.Line("older", 4), page.Line("after", 200), page.Line("exact", 3), page.Line("late", 3),
}

// errFilter carries the faults of the filter's fields.
var errFilter = fault.New(fault.Invalid, "fault.input")

// readQuery reads the filter. An error with Fields names what cannot be searched for; the query keeps what was typed.
func (p *Pages) readQuery(c echo.Context) (query, refund.Filter, error) {
	form, err := page.ReadQuery(c, queryInputs...)
	if refused, ok := fault.As(err); err != nil && (!ok || len(refused.Fields) == 0) {
		return query{}, refund.Filter{}, err
	}
	q := query{
		status: form.Get("status"), tier: form.Get("tier"), method: form.Get("method"), currency: form.Get("currency"), least: form.Get("least"),
		most: form.Get("most"), text: form.Get("q"), older: form.Get("older"), after: form.Get("after"), exact: form.Get("exact") == "yes", late: form.Get("late") == "yes",
	}
	if q.status == "" {
		q.status = usual(page.Of(c))
		if q.text != "" || q.late {
			q.status = "all" // whoever looks for one refund, or for what is late, does not know where it stands
		}
	}
	if err != nil {
		return q, refund.Filter{}, err
	}
	if q.currency == "" && (q.least != "" || q.most != "") {
		if q.currency, err = p.Refunds.OnlyCurrency(c.Request().Context(), staff(c), page.Of(c).Programme); err != nil {
			return q, refund.Filter{}, err
		}
	}
	f, err := q.filter(page.Of(c).Programme.Zone)
	return q, f, err
}

// queryOf reads a filter out of an address that the queue made; without its place in the list.
func queryOf(v *page.Visit, text string) (refund.Filter, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return refund.Filter{}, page.ErrForm
	}
	q := query{
		status: values.Get("status"), tier: values.Get("tier"), method: values.Get("method"), currency: values.Get("currency"), least: values.Get("least"),
		most: values.Get("most"), text: values.Get("q"), older: values.Get("older"), late: values.Get("late") == "yes",
	}
	if q.status == "" {
		q.status = usual(v)
	}
	f, err := q.filter(v.Programme.Zone)
	return f, err
}

// filter reads it; what is late is late by the days of the programme's zone.
func (q *query) filter(zone *time.Location) (refund.Filter, error) {
	refused := errFilter
	q.plain()
	f := refund.Filter{Tier: q.tier, Currency: q.currency, Text: q.text}
	if q.late {
		f.LateIn = zone.String()
	}
	if s, ok := statusOf(q.status); ok {
		f.States = s.states
	} else {
		refused = refused.Field("status", "finance.filter.unknown", nil)
	}
	if f.Method = refund.Method(q.method); f.Method != "" && !slices.Contains(refund.Methods, f.Method) {
		refused = refused.Field("method", "finance.filter.unknown", nil)
	}
	if _, known := money.Digits(q.currency); q.currency != "" && !known {
		refused = refused.Field("currency", "refund.filter.currency", nil)
	} else {
		refused = q.amounts(&f, refused)
	}
	if q.older != "" {
		days, err := strconv.Atoi(q.older)
		if f.OlderThan = days; err != nil || days < 0 {
			refused = refused.Field("older", "finance.filter.days", nil)
		}
	}
	if len(refused.Fields) > 0 {
		return f, refused
	}
	return f, nil
}

// amounts reads the two bounds, which make sense in one currency only.
func (q *query) amounts(f *refund.Filter, refused *fault.Error) *fault.Error {
	for _, bound := range []struct {
		name, text string
		to         *int64
	}{{"least", q.least, &f.Least}, {"most", q.most, &f.Most}} {
		if bound.text == "" {
			continue
		}
		if q.currency == "" {
			refused = refused.Field(bound.name, "finance.filter.currency_missing", nil)
			continue
		}
		amount, err := money.Parse(bound.text, q.currency)
		if unreadable := (*money.Error)(nil); errors.As(err, &unreadable) {
			refused = refused.Field(bound.name, unreadable.Key(), unreadable.Args())
			continue
		}
		*bound.to = amount
	}
	return refused
}

// plain brings what people type into the one form that is read: cny, 7,000, CNY 7,000, ¥7,000.50. A currency that stands in an amount
// is the filter's where none was chosen.
func (q *query) plain() {
	q.currency = strings.ToUpper(q.currency)
	for _, bound := range []*string{&q.least, &q.most} {
		text, currency := plainAmount(*bound)
		if currency == "" || q.currency == "" || q.currency == currency {
			*bound = text
		}
		if q.currency == "" {
			q.currency = currency
		}
	}
}

var (
	withCode = regexp.MustCompile(`^([A-Za-z]{3})?\s*(.*?)\s*([A-Za-z]{3})?$`)
	grouped  = regexp.MustCompile(`^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)
)

// plainAmount takes off an amount what does not change it: a currency's code or sign, spaces, full-width forms, and commas between
// groups of three digits. What has two readings, such as 1,00, stays as it is.
func plainAmount(typed string) (amount, currency string) {
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune("¥$€£元", r):
			return -1
		}
		return r
	}, width.Fold.String(typed))
	parts := withCode.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil || parts[1] != "" && parts[3] != "" {
		return typed, ""
	}
	currency = strings.ToUpper(parts[1] + parts[3])
	if _, known := money.Digits(currency); currency != "" && !known {
		return typed, ""
	}
	if amount = strings.ReplaceAll(parts[2], " ", ""); grouped.MatchString(amount) {
		amount = strings.ReplaceAll(amount, ",", "")
	}
	return amount, currency
}

// values are the filter for an address; without the place in the list.
func (q query) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"status": q.status, "tier": q.tier, "method": q.method, "currency": q.currency, "least": q.least, "most": q.most, "q": q.text, "older": q.older,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.late {
		v.Set("late", "yes")
	}
	return v
}

// url is the address of path with the filter; after is a place in the list.
func (q query) url(path, after string) string {
	v := q.values()
	if after != "" {
		v.Set("after", after)
	}
	return path + "?" + v.Encode()
}
