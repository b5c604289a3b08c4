// Package reference reads the references of things, such as RF-2026-000318, as people type them: in lower case, with spaces or without
// signs, in full-width letters, with or without what stands in front.
package reference

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Typed is what somebody typed, taken apart. The zero Typed is no reference.
type Typed struct {
	Plain  string // letters and digits alone, upper case: RF2026000318
	prefix string // letters in front; empty: there are none
	groups []string
}

var parts = regexp.MustCompile(`^([A-Z]*)((?: ?[0-9]+)+)$`)

// Read takes text apart. Anything may stand between letters and digits but letters of other scripts.
func Read(text string) Typed {
	spaced := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToUpper(r)
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return ' '
	}, width.Fold.String(text))
	t := Typed{Plain: strings.ReplaceAll(spaced, " ", "")}
	if m := parts.FindStringSubmatch(strings.Join(strings.Fields(spaced), " ")); m != nil {
		t.prefix, t.groups = m[1], strings.Fields(m[2])
	}
	return t
}

// Number is that of a thing which is called prefix-number, such as EX-10001; false where the text cannot mean one.
func (t Typed) Number(prefix string) (int64, bool) {
	if len(t.groups) == 0 || !t.may(prefix) {
		return 0, false
	}
	return number(strings.Join(t.groups, ""))
}

// Yearly is year and number of a thing which is called prefix-year-number, such as RF-2026-000318, with year 0 where only the number
// was typed; false where the text cannot mean one.
func (t Typed) Yearly(prefix string) (year int, n int64, ok bool) {
	if len(t.groups) == 0 || !t.may(prefix) {
		return 0, 0, false
	}
	first, rest := t.groups[0], strings.Join(t.groups[1:], "")
	if digits := first + rest; rest == "" && len(digits) >= len("2026000001") && digits[0] != '0' {
		first, rest = digits[:4], digits[4:]
	}
	if rest == "" || len(first) != 4 {
		n, ok = number(first + rest)
		return 0, n, ok
	}
	n, ok = number(rest)
	year, err := strconv.Atoi(first)
	return year, n, ok && err == nil
}

// Digits are count digits and nothing else; empty for anything else.
func (t Typed) Digits(count int) string {
	if t.prefix != "" || len(t.Plain) != count || len(t.groups) == 0 {
		return ""
	}
	return t.Plain
}

// may reports whether the text can be a reference with prefix.
func (t Typed) may(prefix string) bool { return t.prefix == "" || t.prefix == prefix }

func number(digits string) (int64, bool) {
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n > 0
}
