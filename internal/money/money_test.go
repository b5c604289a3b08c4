package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"offramp/internal/locale"
	"offramp/internal/money"
)

// TestI03_AnAmountHasOneReadingOrIsRefused walks through what people and spreadsheets write.
func TestI03_AnAmountHasOneReadingOrIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, code string
		want       int64
		refused    money.Reason
	}{
		{"0", "CNY", 0, ""},
		{"1284.93", "CNY", 128493, ""},
		{"10.5", "CNY", 1050, ""},
		{"7", "USD", 700, ""},
		{"0.01", "EUR", 1, ""},
		{"500", "JPY", 500, ""},
		{"0.005", "KWD", 5, ""},
		{"1.234", "KWD", 1234, ""},
		{"10000000000000.00", "CNY", money.Max, ""},
		{"", "CNY", 0, money.Empty},
		{"-1", "CNY", 0, money.Signed},
		{"+1", "CNY", 0, money.Signed},
		{"1e3", "CNY", 0, money.NoNumber},
		{"NaN", "CNY", 0, money.NoNumber},
		{"Inf", "CNY", 0, money.NoNumber},
		{"0x10", "CNY", 0, money.NoNumber},
		{"0.005", "CNY", 0, money.TooFine},
		{"1.000", "CNY", 0, money.TooFine},
		{"1.0", "JPY", 0, money.TooFine},
		{"1,00", "CNY", 0, money.NoNumber},
		{"1,284.93", "CNY", 0, money.NoNumber},
		{"1 284", "CNY", 0, money.NoNumber},
		{" 1", "CNY", 0, money.NoNumber},
		{"1\u00a0284", "CNY", 0, money.NoNumber},
		{"١٢٣", "CNY", 0, money.NoNumber},
		{"１２", "CNY", 0, money.NoNumber},
		{"007", "CNY", 0, money.NoNumber},
		{".5", "CNY", 0, money.NoNumber},
		{"5.", "CNY", 0, money.NoNumber},
		{"1.2.3", "CNY", 0, money.NoNumber},
		{"1_000", "CNY", 0, money.NoNumber},
		{"¥5", "CNY", 0, money.NoNumber},
		{"9223372036854775808", "JPY", 0, money.TooLarge},
		{"92233720368547758.08", "CNY", 0, money.TooLarge},
		{"10000000000000.01", "CNY", 0, money.TooLarge},
		{strings.Repeat("9", 1<<20), "CNY", 0, money.TooLarge},
		{"1", "XXZ", 0, money.UnknownCurrency},
		{"1", "cny", 0, money.UnknownCurrency},
		{"1", "", 0, money.UnknownCurrency},
	} {
		got, err := money.Parse(c.text, c.code)
		var refusal *money.Error
		errors.As(err, &refusal)
		switch {
		case c.refused == "" && (err != nil || got != c.want):
			t.Errorf("%.30q %s: %d, %v, want %d", c.text, c.code, got, err, c.want)
		case c.refused != "" && (refusal == nil || refusal.Reason != c.refused || got != 0):
			t.Errorf("%.30q %s: %d, %v, want a refusal for %s", c.text, c.code, got, err, c.refused)
		case refusal != nil && (len(refusal.Error()) > 300 || !locale.For("en").Has(refusal.Key())):
			t.Errorf("%.30q: %s has %d characters", c.text, refusal.Key(), len(refusal.Error()))
		}
	}
}

// TestI04_CurrenciesHaveTheirOwnDecimals covers none, two and three of them, both ways.
func TestI04_CurrenciesHaveTheirOwnDecimals(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"JPY": "1234", "KRW": "1234", "CNY": "12.34", "USD": "12.34", "KWD": "1.234", "BHD": "1.234"} {
		if got := money.Format(1234, code); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
		if back, err := money.Parse(want, code); err != nil || back != 1234 {
			t.Errorf("%s: read %d, %v", want, back, err)
		}
	}
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", -5: "-0.05", math.MinInt64: "-92233720368547758.08"} {
		if got := money.Format(minor, "CNY"); got != want {
			t.Errorf("%d: %s, want %s", minor, got, want)
		}
	}
}

func TestFormatAndParseAreInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(0, money.Max).Draw(t, "minor")
		code := rapid.SampledFrom([]string{"JPY", "CNY", "KWD"}).Draw(t, "code")
		if got, err := money.Parse(money.Format(minor, code), code); err != nil || got != minor {
			t.Fatalf("%d: %d, %v", minor, got, err)
		}
	})
}

// TestNoTextReadsTwoWays throws noise at Parse: what it accepts it also writes, but for decimals that were left out.
func TestNoTextReadsTwoWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("0123456789.,-+eE ١Ａ٫\u202e")), 0, 20, -1).Draw(t, "text")
		minor, err := money.Parse(text, "CNY")
		if err != nil {
			return
		}
		canonical := money.Format(minor, "CNY")
		if !strings.HasPrefix(canonical, text) || strings.Trim(canonical[len(text):], ".0") != "" {
			t.Fatalf("%q was read as %s", text, canonical)
		}
	})
}

// TestShareRoundsAsBigNumbersDo compares with math/big over the whole range, middles included.
func TestShareRoundsAsBigNumbersDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(1, math.MaxInt64).Draw(t, "whole")
		if rapid.Bool().Draw(t, "small") {
			whole = rapid.Int64Range(1, 20).Draw(t, "whole")
		}
		amount, part := rapid.Int64Range(0, math.MaxInt64).Draw(t, "amount"), rapid.Int64Range(0, whole).Draw(t, "part")
		mode := rapid.SampledFrom([]money.Mode{money.HalfEven, money.HalfUp, money.Down, money.Up}).Draw(t, "mode")
		product := new(big.Int).Mul(big.NewInt(amount), big.NewInt(part))
		q, r := new(big.Int).QuoRem(product, big.NewInt(whole), new(big.Int))
		twice := new(big.Int).Lsh(r, 1).Cmp(big.NewInt(whole))
		switch {
		case mode == money.Up && r.Sign() > 0, mode == money.HalfUp && twice >= 0, mode == money.HalfEven && (twice > 0 || twice == 0 && q.Bit(0) == 1):
			q.Add(q, big.NewInt(1))
		}
		got, ok := money.Share(amount, part, whole, mode)
		if !ok || got != q.Int64() {
			t.Fatalf("%d x %d / %d %s: %d, %t, want %s", amount, part, whole, mode, got, ok, q)
		}
	})
}

// TestMiddlesAreRoundedByTheirMode walks through small numbers, where middles are frequent.
func TestMiddlesAreRoundedByTheirMode(t *testing.T) {
	t.Parallel()
	for amount := range int64(40) {
		down, odd := amount/2, amount%2
		for mode, want := range map[money.Mode]int64{money.Down: down, money.Up: down + odd, money.HalfUp: down + odd, money.HalfEven: down + odd*(down%2)} {
			if got, ok := money.Share(amount, 1, 2, mode); !ok || got != want {
				t.Errorf("%d/2 %s: %d, want %d", amount, mode, got, want)
			}
		}
	}
}

func TestShareRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, part, whole int64
		mode                money.Mode
	}{
		{-1, 1, 1, money.Down},
		{1, -1, 1, money.Down},
		{1, 1, 0, money.Down},
		{1, 1, -1, money.Down},
		{1, 1, 1, "near"},
		{math.MaxInt64, 2, 1, money.Down},
		{math.MaxInt64, math.MaxInt64, 1, money.Up},
	} {
		if got, ok := money.Share(c.amount, c.part, c.whole, c.mode); ok {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestDivideSumsToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, money.Max), 1, 20).Draw(t, "weights")
		total := rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "total")
		sum, _ := money.Sum(weights...)
		within := rapid.Bool().Draw(t, "within")
		if within {
			total = rapid.Int64Range(0, sum).Draw(t, "total")
		}
		shares, ok := money.Divide(total, weights)
		if sum == 0 {
			if ok {
				t.Fatal("divided among nobody")
			}
			return
		}
		if got, _ := money.Sum(shares...); !ok || got != total {
			t.Fatalf("%v sum to %d, want %d", shares, got, total)
		}
		for i, s := range shares {
			if s < 0 || within && s > weights[i] {
				t.Fatalf("share %d of weight %d", s, weights[i])
			}
		}
	})
	if _, ok := money.Divide(1, []int64{2, -1}); ok {
		t.Error("divided by a negative weight")
	}
	if got, _ := money.Divide(100, []int64{1, 1, 1}); got[0] != 34 || got[1] != 33 || got[2] != 33 {
		t.Errorf("%v: the unit that is left goes to the first", got)
	}
}

func TestSumsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][]int64{{math.MaxInt64, 1}, {math.MinInt64, -1}, {math.MaxInt64, math.MaxInt64}, {1, math.MaxInt64}} {
		if got, ok := money.Sum(c...); ok {
			t.Errorf("%v: %d", c, got)
		}
	}
	if got, ok := money.Sum(math.MaxInt64, math.MinInt64, 1); !ok || got != 0 {
		t.Errorf("%d, %t", got, ok)
	}
	if got, ok := money.Sum(); got != 0 || !ok {
		t.Errorf("nothing sums to %d, %t", got, ok)
	}
}
