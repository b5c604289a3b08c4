package finance

import (
	"net/url"
	"slices"
	"strings"

	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/portal/page"
)

func contains(states []refund.State, s refund.State) bool { return slices.Contains(states, s) }

// add puts a total to those of its currency.
func add(totals []refund.Total, t refund.Total) []refund.Total {
	for i := range totals {
		if totals[i].Currency == t.Currency {
			totals[i].Count, totals[i].Amount = totals[i].Count+t.Count, totals[i].Amount+t.Amount
			return totals
		}
	}
	return append(totals, t)
}

// sums writes totals in several currencies.
func sums(v *page.Visit, totals []refund.Total) string {
	texts := make([]string, len(totals))
	for i, t := range totals {
		texts[i] = v.Locale.Money(t.Amount, t.Currency)
	}
	return strings.Join(texts, " · ")
}

// reason words why an act was refused.
func reason(v *page.Visit, err error) string {
	if f, ok := fault.As(err); ok && v.Locale.Has(f.Key) {
		return v.Locale.T(f.Key, pairs(f.Args)...)
	}
	return v.Locale.T("fault.internal")
}

func refundURL(ref string) string { return QueuePath + "/" + url.PathEscape(ref) }

// refundIn is a refund as it was opened from a filter of the queue; empty: from nowhere.
func refundIn(ref, in string) string {
	if in == "" {
		return refundURL(ref)
	}
	return refundURL(ref) + "?" + url.Values{"in": {in}}.Encode()
}

func batchURL(id string) string  { return BatchesPath + "/" + url.PathEscape(id) }
func importURL(id string) string { return BankPath + "/" + url.PathEscape(id) }

// trimQueue leaves of an address of the queue its filter.
func trimQueue(address string) string {
	_, filter, _ := strings.Cut(address, "?")
	return filter
}

// caption names a table inside a card, apart from the card's own title.
func caption(l *locale.Locale, title string) string {
	return l.T("console.table", "Title", l.T(title))
}
