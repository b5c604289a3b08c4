package money

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
)

// Max is the largest amount that is read, in minor units. Sums of a thousand such still fit an int64, and every JSON reader
// holds one exactly.
const Max int64 = 1_000_000_000_000_000

// Digits returns how many decimals a currency has (JPY 0, CNY 2, KWD 3), and whether ISO 4217 knows it.
func Digits(code string) (int, bool) {
	n, ok := currency.GetDigits(code)
	return int(n), ok
}

// Reason says why a text is no amount. The message money.<reason> words it.
type Reason string

// The reasons.
const (
	Empty           Reason = "empty"
	UnknownCurrency Reason = "currency"
	Signed          Reason = "sign"
	NoNumber        Reason = "form"
	TooFine         Reason = "decimals"
	TooLarge        Reason = "range"
)

// Error is a refusal of a text. Currency is the one that it was read in, Digits how many decimals that has.
type Error struct {
	Reason   Reason
	Text     string
	Currency string
	Digits   int
}

// Key is the message for the reader; Args fill it.
func (e *Error) Key() string { return "money." + string(e.Reason) }

// Args are what the message names.
func (e *Error) Args() map[string]any {
	return map[string]any{"Currency": e.Currency, "Digits": e.Digits, "Example": e.Example()}
}

// Example is an amount as it is written in this currency.
func (e *Error) Example() string { return Format(123450, e.Currency) }

// Error is for logs and for reports of imports.
func (e *Error) Error() string {
	text := e.Text
	if r := []rune(text); len(r) > 40 {
		text = string(r[:39]) + "…"
	}
	switch e.Reason {
	case Empty:
		return "is empty; give an amount such as " + e.Example()
	case UnknownCurrency:
		return fmt.Sprintf("the currency %q is none of ISO 4217, such as CNY or USD", e.Currency)
	case Signed:
		return fmt.Sprintf("%q has a sign; give the amount without one", text)
	case TooFine:
		return fmt.Sprintf("%q has more decimals than %s, which has %d", text, e.Currency, e.Digits)
	case TooLarge:
		return fmt.Sprintf("%q is more than %s, the largest amount that is read", text, Format(Max, e.Currency))
	}
	return fmt.Sprintf("%q is no amount; write digits 0 to 9 without separators, and a dot before decimals, such as %s", text, e.Example())
}

// Parse reads a decimal amount such as 1284.93 into minor units. A text has one reading or is refused with an *Error: no
// sign, exponent, separator, space, leading zero or digit of another script, and no more decimals than the currency has.
func Parse(text, code string) (int64, error) {
	digits, ok := Digits(code)
	refuse := func(r Reason) (int64, error) {
		return 0, &Error{Reason: r, Text: text, Currency: code, Digits: digits}
	}
	switch {
	case !ok:
		return refuse(UnknownCurrency)
	case text == "":
		return refuse(Empty)
	case strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+"):
		return refuse(Signed)
	}
	whole, decimals, dot := strings.Cut(text, ".")
	switch {
	case !plain(whole) || len(whole) > 1 && whole[0] == '0' || dot && !plain(decimals):
		return refuse(NoNumber)
	case len(decimals) > digits:
		return refuse(TooFine)
	}
	n, err := strconv.ParseInt(whole+decimals+strings.Repeat("0", digits-len(decimals)), 10, 64)
	if err != nil || n > Max {
		return refuse(TooLarge)
	}
	return n, nil
}

func plain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Format writes minor units as Parse reads them: 1284.93, 500, 1.234. A currency that is unknown has no decimals.
func Format(minor int64, code string) string {
	digits, _ := Digits(code)
	s := strconv.FormatUint(magnitude(minor), 10)
	if digits > 0 {
		s = strings.Repeat("0", max(0, digits+1-len(s))) + s
		s = s[:len(s)-digits] + "." + s[len(s)-digits:]
	}
	if minor < 0 {
		return "-" + s
	}
	return s
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// Add returns the sum, and false where it does not fit.
func Add(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (a < 0) != (b < 0) || (sum < 0) == (a < 0)
}

// Sum adds amounts, and says false where the sum does not fit.
func Sum(amounts ...int64) (sum int64, ok bool) {
	for _, a := range amounts {
		if sum, ok = Add(sum, a); !ok {
			return 0, false
		}
	}
	return sum, true
}

// Mode is a way of rounding to the smallest unit.
type Mode string

// The ways of rounding.
const (
	HalfEven Mode = "half_even" // to the nearer; from the middle to the even one
	HalfUp   Mode = "half_up"   // to the nearer; from the middle up
	Down     Mode = "down"
	Up       Mode = "up"
)

// Share returns amount x part / whole, exactly rounded. It says false when a number is negative, whole is not above zero,
// the mode is unknown, or the result does not fit.
func Share(amount, part, whole int64, mode Mode) (int64, bool) {
	if amount < 0 || part < 0 || whole <= 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(amount), uint64(part))
	divisor := uint64(whole)
	if hi >= divisor {
		return 0, false
	}
	quotient, rest := bits.Div64(hi, lo, divisor)
	up, known := roundsUp(quotient, rest, divisor, mode)
	if up {
		quotient++
	}
	if quotient > 1<<63-1 {
		return 0, false
	}
	return int64(quotient), known
}

// roundsUp compares what is left over with what is missing to the next unit.
func roundsUp(quotient, rest, divisor uint64, mode Mode) (up, known bool) {
	missing := divisor - rest
	switch mode {
	case HalfEven:
		return rest > missing || rest == missing && quotient%2 == 1, true
	case HalfUp:
		return rest >= missing, true
	case Down:
		return false, true
	case Up:
		return rest > 0, true
	}
	return false, false
}

// Points returns so many basis points (hundredths of a per cent) of an amount; see Share.
func Points(amount, points int64, mode Mode) (int64, bool) {
	return Share(amount, points, 10_000, mode)
}

// Divide cuts total into shares by weight that sum exactly to it: each gets its part rounded down, and what is left goes,
// a unit each, to those whose part was cut most; among equals to the first. No share exceeds its weight where total does
// not exceed the sum of weights. It says false for a negative number, or when no weight is above zero.
func Divide(total int64, weights []int64) ([]int64, bool) {
	sum, ok := Sum(weights...)
	if !ok || sum <= 0 || total < 0 || slices.Min(weights) < 0 {
		return nil, false
	}
	shares, rests, order := make([]int64, len(weights)), make([]uint64, len(weights)), make([]int, len(weights))
	left := total
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(total), uint64(w))
		quotient, rest := bits.Div64(hi, lo, uint64(sum)) // total x w / sum is at most total
		shares[i], rests[i], order[i] = int64(quotient), rest, i
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rests[a] > rests[b]:
			return -1
		case rests[a] < rests[b]:
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares, true
}
