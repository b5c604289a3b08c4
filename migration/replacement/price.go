package replacement

import (
	"strconv"
	"strings"
	"time"

	"offramp/migration"
)

// basis is a whole in basis points.
const basis = 10_000

// OfferState says how an offer stands for one customer now.
type OfferState string

// The states.
const (
	NoOffer    OfferState = "none"  // the replacement has none, or it is for other tiers
	OfferOpen  OfferState = "open"  //
	OfferEnded OfferState = "ended" // its last day is over
)

// OfferFor returns how the offer of r stands for a customer of a tier at an instant. until is its last moment; zero: it has
// no end.
func OfferFor(p *migration.Programme, r migration.Replacement, tier string, now time.Time) (state OfferState, until time.Time) {
	if r.Offer == nil || !r.Offer.For(tier) {
		return NoOffer, time.Time{}
	}
	if r.Offer.Until.IsZero() {
		return OfferOpen, time.Time{}
	}
	until = r.Offer.Until.End(p.Zone)
	if now.After(until) {
		return OfferEnded, until
	}
	return OfferOpen, until
}

// Price is what a replacement costs one customer, in minor units of Currency.
type Price struct {
	Model    string // as the programme has it; empty: the programme says no price, and nothing else is set
	Currency string
	Unit     int64 // for a seat or as a whole, per month, year or once, before the offer
	Seats    int64 // 0: not known, or the price does not depend on them
	Months   int   // for which Total is; 0: the price is paid once, or free
	Total    int64 // for all seats and months, before the offer
	Discount int   // basis points of the offer that is open; 0: none
	ToPay    int64 // Total after the offer
	Summed   bool  // false: the seats are not known, so that Total and ToPay are for one seat
}

// PriceFor computes what r costs a customer now, for the seats and the period that the import says. Half a minor unit of a
// discount is rounded in the customer's favour.
func PriceFor(p *migration.Programme, r migration.Replacement, c migration.Customer, now time.Time) Price {
	if r.Price == nil {
		return Price{}
	}
	out := Price{Model: r.Price.Model, Currency: r.Price.Currency, Unit: r.Price.Amount, Summed: true}
	months := period(c.Attributes[p.Choice.Period])
	quantity := int64(1)
	switch r.Price.Model {
	case migration.PriceSeatMonth, migration.PriceSeatYear:
		out.Seats = seats(p, c)
		out.Summed = out.Seats > 0
		quantity = max(1, out.Seats)
	}
	switch r.Price.Model {
	case migration.PriceSeatMonth, migration.PriceFlatMonth:
		out.Months = months
		quantity *= int64(months)
	case migration.PriceSeatYear, migration.PriceFlatYear:
		out.Months = 12
	}
	out.Total = out.Unit * quantity
	out.ToPay = out.Total
	if state, _ := OfferFor(p, r, c.Tier, now); state == OfferOpen && r.Offer.Discount > 0 {
		out.Discount = r.Offer.Discount
		out.ToPay = out.Total - (out.Total*int64(out.Discount)+basis/2)/basis
	}
	return out
}

// period is the months of what the import calls month or year.
func period(attribute string) int {
	if strings.EqualFold(strings.TrimSpace(attribute), "month") {
		return 1
	}
	return 12
}

// maxSeats bounds what an attribute may say, so that sums stay far from the bounds of an int64.
const maxSeats = 10_000_000

// Seats is how many seats a customer has; 0 where the import does not say.
func seats(p *migration.Programme, c migration.Customer) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(c.Attributes[p.Choice.Seats]), 10, 64)
	if p.Choice.Seats == "" || err != nil || n < 0 || n > maxSeats {
		return 0
	}
	return n
}
