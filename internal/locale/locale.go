package locale

import (
	"slices"

	"github.com/bojanz/currency"
	"golang.org/x/text/language"
)

// Default is the language that answers when none of a reader's languages is spoken here.
const Default = "en"

// Locale writes words, dates, amounts and sizes in one language.
// It is immutable and safe for use by many goroutines.
type Locale struct {
	tag    string
	forms  dateForms
	words  *words
	money  *currency.Formatter
	whole  *currency.Formatter
	figure *currency.Formatter
	cities map[string]string // zone -> its city, where the IANA name does not serve
	staff  bool              // the readers are staff
	desk   *Locale           // the same language for staff
}

// all holds one Locale for each language, built once when the program starts.
var all = func() map[string]*Locale {
	m := make(map[string]*Locale, len(tags))
	for _, tag := range tags {
		l := newLocale(tag)
		desk := *l
		desk.staff = true
		desk.desk = &desk
		l.desk = &desk
		m[tag] = l
	}
	return m
}()

func newLocale(tag string) *Locale {
	l := &Locale{tag: tag, forms: loadDates(tag), words: loadWords(tag), cities: loadCities(tag)}
	cldr := currency.NewLocale(tag)
	l.money = currency.NewFormatter(cldr)
	l.whole = currency.NewFormatter(cldr)
	l.whole.MinDigits, l.whole.MaxDigits = 0, 0
	l.figure = currency.NewFormatter(cldr)
	l.figure.CurrencyDisplay = currency.DisplayNone
	return l
}

// Tags returns the BCP 47 tags of the languages the product speaks, Default first.
func Tags() []string { return slices.Clone(tags) }

// For returns the locale of a BCP 47 tag. A tag that is not spoken gets the
// nearest language that is, and Default when none is near.
func For(tag string) *Locale {
	if l, ok := all[tag]; ok {
		return l
	}
	return all[Negotiate(tag, tags)]
}

// Staff is the same language with what is said to staff in place of what is said to customers.
func (l *Locale) Staff() *Locale { return l.desk }

// Tag returns the BCP 47 tag, as it belongs in a lang attribute.
func (l *Locale) Tag() string { return l.tag }

// Negotiate picks the tag in supported that suits an Accept-Language header
// (RFC 9110, section 12.5.4) best. Without a match it is the first of supported,
// and Default if there is none.
func Negotiate(acceptLanguage string, supported []string) string {
	if len(supported) == 0 {
		return Default
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return supported[0]
	}
	offered := make([]language.Tag, len(supported))
	for i, tag := range supported {
		offered[i] = language.Make(tag)
	}
	_, i, confidence := language.NewMatcher(offered).Match(wanted...)
	if confidence == language.No {
		return supported[0]
	}
	return supported[i]
}
