package locale

import "github.com/bojanz/currency"

// Money writes an amount in minor units of an ISO 4217 currency, with its symbol
// as CLDR has it for the language: CN¥1,284.93, ¥1,284.93, KWD 1.234.
func (l *Locale) Money(minor int64, code string) string {
	return l.format(l.money, minor, code)
}

// MoneyWhole writes an amount without minor units, for figures on dashboards.
// Statements and forms use Money.
func (l *Locale) MoneyWhole(minor int64, code string) string {
	return l.format(l.whole, minor, code)
}

// Amount writes an amount without its symbol, for table columns whose header names the currency.
func (l *Locale) Amount(minor int64, code string) string {
	return l.format(l.figure, minor, code)
}

// format falls back to the bare numbers for a code that is no currency, so that
// a page with faulty data can still be read.
func (l *Locale) format(f *currency.Formatter, minor int64, code string) string {
	amount, err := currency.NewAmountFromInt64(minor, code)
	if err != nil {
		return l.Number(minor) + " " + code
	}
	return f.Format(amount)
}
