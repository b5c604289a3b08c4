package spreadsheet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Error is a value that looks as if a spreadsheet program had changed it, with what to do.
type Error struct {
	Value string // shortened
	What  string // what it looks like
	Do    string // what to do
}

// Error says it in one sentence: "2.026E+11" looks like ...; do ....
func (e *Error) Error() string { return fmt.Sprintf("%q %s; %s", e.Value, e.What, e.Do) }

// shape is one thing that spreadsheet programs do to values.
type shape struct {
	matches func(string) bool
	what    string
	do      string
}

func like(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

func oneOf(words ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(words, v) }
}

const (
	again   = "format the column as text and save the file again from where the values came from"
	empty   = "write the value, or leave the cell empty"
	asUTF8  = "save the file again from where it came from, as CSV UTF-8"
	asValue = "write the value itself"
)

// anywhere are the marks that no column of ours holds. Excel writes its errors in the user's language: #N/A is #NV in German and
// #N/D in Spanish.
var anywhere = []shape{
	{like(`^#(N/A|N/D|NV|NA)[!?]?$|^#[\p{Lu}0-9/_.¡¿]+[!?]$|^#GETTING_DATA$|^(Err|错误|Fehler|错误)[:：]\d{3}$`), "is an error of a spreadsheet", empty},
	{like(`^#{2,}$`), "is what a spreadsheet shows where a column is too narrow", "make the column wider and save again"},
	{like(`^[+-]?\d(?:[.,]\d+)?[Ee][+-]\d+$`), "looks like a number that a spreadsheet shortened", again},
	{oneOf("NULL", "null", "(null)", `\N`, "undefined", "NaN", "nan", "<NA>"), "is a program's word for nothing", empty},
	{func(v string) bool { return strings.ContainsRune(v, utf8.RuneError) }, "holds the sign of a letter that was lost", asUTF8},
	{like(`[ÃÂâ][\x{80}-\x{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|锟斤拷|烫烫烫`), "was read in the wrong encoding", asUTF8},
	{like(`^\?[?\s]*\?$|\?{3,}`), "has question marks where letters were lost", asUTF8},
	{like(`^[=＝][A-Za-z("+\-@]`), "is a formula and not its value", asValue},
}

// ofKeys are the marks of a reference, a number or a code that was taken for something else.
var ofKeys = []shape{
	{oneOf("None", "none", "nil", "n/a", "N/A", "-", "—", "TRUE", "FALSE"), "is a program's word for nothing or for yes and no", asValue},
	{like(`^\d+[.,]0+$`), "looks like a whole number that a spreadsheet made a decimal one", again},
	{like(`^\d{1,3}(?:[,.'’\x{00A0}\x{202F} ]\d{3})+(?:[.,]\d+)?$`), "has the separators that a spreadsheet puts between thousands", again},
	{shortened, "has zeros where a spreadsheet drops the digits after the fifteenth", again},
	{like(`^(?i)\d{1,2}[-. ](?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*\.?(?:[-. ]\d{2,4})?$|^(?i)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-. ]\d{1,4}$`), "looks like a value that a spreadsheet took for a date", again},
	{like(`^\d{1,4}[/年]\d{1,2}[/月]\d{1,4}日?$|^\d{1,2}月\d{1,2}日$`), "looks like a value that a spreadsheet took for a date", again},
	{like(`^['’‘` + "`" + `]`), "begins with the apostrophe that marks a text in a spreadsheet", "remove the apostrophe"},
	{func(v string) bool { return width.Fold.String(v) != v }, "has full-width or half-width signs", "write plain letters and digits"},
	{like(`^[$€£¥￥]|%$`), "has the sign of a currency or a percentage", again},
}

// shortened finds whole numbers of sixteen digits and more of which a spreadsheet kept fifteen.
func shortened(v string) bool {
	if len(v) < 16 || strings.ContainsFunc(v, func(r rune) bool { return r < '0' || r > '9' }) {
		return false
	}
	return strings.Trim(v[15:], "0") == "" && strings.Trim(v, "0") != ""
}

// Text returns what a spreadsheet program did to a value of any column; nil where nothing is to be seen. The error is an *Error.
func Text(v string) error { return seen(anywhere, v) }

// Key is Text for a value that names something: a customer's number, a payment's reference, a code.
func Key(v string) error {
	if err := seen(anywhere, v); err != nil {
		return err
	}
	return seen(ofKeys, v)
}

func seen(shapes []shape, v string) error {
	v = strings.TrimSpace(v)
	if v == "" {
		return nil
	}
	for _, s := range shapes {
		if s.matches(v) {
			return &Error{Value: clip(v), What: s.what, Do: s.do}
		}
	}
	return nil
}

var (
	yearFirst = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$`)
	yearLast  = regexp.MustCompile(`^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})$`)
	serial    = regexp.MustCompile(`^[2-7]\d{4}(?:[.,]0+)?$`)
)

// Day writes a day whose year stands first, such as 2027/1/31 or 2027年1月31日, as 2027-01-31; any other text stays as it is. An
// order of day and month that could be turned is never guessed.
func Day(v string) string {
	if m := yearFirst.FindStringSubmatch(width.Fold.String(v)); m != nil {
		return fmt.Sprintf("%s-%02s-%02s", m[1], m[2], m[3])
	}
	return v
}

// DayHint says what a text that is no day most likely was before a spreadsheet changed it; empty where nothing is known.
func DayHint(v string) string {
	if m := yearLast.FindStringSubmatch(v); m != nil {
		year := m[3]
		if len(year) == 2 {
			year = "20" + year
		}
		one, other := isDay(year, m[2], m[1]), isDay(year, m[1], m[2])
		switch {
		case one != "" && other != "" && one != other:
			return fmt.Sprintf("it could be %s or %s; write the one that is meant", one, other)
		case one != "" || other != "":
			return "write " + max(one, other)
		}
	}
	if serial.MatchString(v) {
		var n int
		_, _ = fmt.Sscan(v[:5], &n)
		return "a spreadsheet keeps the day " + time.Date(1899, 12, 30+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + " under this number; write the day"
	}
	return ""
}

func isDay(year, month, day string) string {
	text := fmt.Sprintf("%s-%02s-%02s", year, month, day)
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return ""
	}
	return text
}

var amounts = []struct {
	shape   *regexp.Regexp
	decimal string
}{
	{regexp.MustCompile(`^\d{1,3}(?:[,'’ ]\d{3})+(?:\.\d+)?$`), "."},
	{regexp.MustCompile(`^\d{1,3}(?:[.'’ ]\d{3})+(?:,\d+)?$`), ","},
	{regexp.MustCompile(`^\d+,\d{1,2}$`), ","},
	{regexp.MustCompile(`^\d+(?:\.\d+)?$`), "."},
}

// AmountHint says how an amount that a spreadsheet formatted is written plainly; empty where nothing is known.
func AmountHint(v string) string {
	plain := strings.TrimFunc(width.Fold.String(v), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) || unicode.IsLetter(r)
	})
	plain = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, plain)
	for _, a := range amounts {
		if !a.shape.MatchString(plain) {
			continue
		}
		whole, decimals, _ := strings.Cut(plain, a.decimal)
		whole = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, whole)
		if decimals != "" {
			whole += "." + decimals
		}
		if whole == v {
			return ""
		}
		return "write " + whole
	}
	return ""
}

// Zeros are the spellings of a number with zeros in front that a spreadsheet drops, up to twelve digits; none for other texts.
func Zeros(v string) []string {
	if v == "" || strings.ContainsFunc(v, func(r rune) bool { return r < '0' || r > '9' }) {
		return nil
	}
	var spellings []string
	for padded := "0" + v; len(padded) <= 12; padded = "0" + padded {
		spellings = append(spellings, padded)
	}
	return spellings
}

// clip shortens what a message quotes.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}
