package stripe

import (
	"errors"
	"fmt"

	"github.com/bojanz/currency"
)

var (
	errAmount   = errors.New("the amount is not above zero")
	errCurrency = errors.New("not a currency that can be refunded through Stripe")
	errFraction = errors.New("the amount has a fraction that Stripe does not take")
)

// unit is how an amount is written for Stripe: its minor units times by, or divided by per; steps of step only.
type unit struct{ by, per, step int64 }

// Currencies whose units at Stripe are not those of ISO 4217, or which it takes in coarser steps only
// (docs.stripe.com/currencies: zero-decimal currencies, three-decimal currencies, special cases).
var units = map[string]unit{
	"ISK": {by: 100, per: 1, step: 1}, // no fraction, but written with two digits, from the time when it had one
	"UGX": {by: 100, per: 1, step: 1}, // likewise
	"MGA": {by: 1, per: 100, step: 100},
	"BHD": {by: 1, per: 1, step: 10}, // three digits, the last of them 0
	"JOD": {by: 1, per: 1, step: 10},
	"KWD": {by: 1, per: 1, step: 10},
	"OMR": {by: 1, per: 1, step: 10},
	"TND": {by: 1, per: 1, step: 10},
}

func unitOf(code string) (unit, error) {
	if u, ok := units[code]; ok {
		return u, nil
	}
	digits, ok := currency.GetDigits(code)
	if !ok || digits != 0 && digits != 2 {
		return unit{}, fmt.Errorf("%w: %q", errCurrency, code)
	}
	return unit{by: 1, per: 1, step: 1}, nil
}

// toStripe writes minor units of ISO 4217 as Stripe counts them.
func toStripe(minor int64, code string) (int64, error) {
	u, err := unitOf(code)
	switch {
	case err != nil:
		return 0, err
	case minor <= 0 || minor > 1<<53:
		return 0, fmt.Errorf("%w: %d %s", errAmount, minor, code)
	case minor%u.step != 0:
		return 0, fmt.Errorf("%w: %d %s, steps of %d", errFraction, minor, code, u.step)
	}
	return minor * u.by / u.per, nil
}

// fromStripe is the way back.
func fromStripe(amount int64, code string) (int64, error) {
	u, err := unitOf(code)
	if err != nil {
		return 0, err
	}
	if amount*u.per%u.by != 0 {
		return 0, fmt.Errorf("%w: %d %s at Stripe", errFraction, amount, code)
	}
	return amount * u.per / u.by, nil
}
