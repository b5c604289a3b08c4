package isoxml

import (
	"fmt"
	"math"
	"strings"

	"github.com/bojanz/currency"
)

// ParseAmount reads a decimal such as 1284.93 as minor units of an ISO 4217 currency. It takes no sign, no exponent, no
// separator of thousands, and no more digits after the point than the currency has, but for zeros.
func ParseAmount(text, code string) (int64, error) {
	count, ok := currency.GetDigits(code)
	if !ok {
		return 0, said("currency", fmt.Sprintf("%q is no currency", shorten(code)), "Text", code)
	}
	whole, fraction, point := strings.Cut(text, ".")
	if len(text) > 24 || !digits(whole+fraction) || whole == "" || point && fraction == "" {
		return 0, said("amount", fmt.Sprintf("%q is no amount such as 1284.93", shorten(text)), "Text", text)
	}
	scale := int(count)
	if strings.Trim(fraction[min(scale, len(fraction)):], "0") != "" {
		return 0, said("digits", fmt.Sprintf("%s has more digits than %s has", text, code), "Text", text, "Currency", code)
	}
	minor := int64(0)
	for _, d := range whole + (fraction + "0000")[:scale] {
		if minor > (math.MaxInt64-9)/10 {
			return 0, said("amount", text+" is too much", "Text", text)
		}
		minor = minor*10 + int64(d-'0')
	}
	return minor, nil
}

// said is a cause with values, which are cut to what a page has room for.
func said(name, text string, pairs ...string) error {
	w := wrong(name, text)
	w.Args = map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		w.Args[pairs[i]] = shorten(pairs[i+1])
	}
	return w
}

func digits(s string) bool { return s != "" && !strings.ContainsFunc(s, notDigit) }

func notDigit(r rune) bool { return r < '0' || r > '9' }

func shorten(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}
