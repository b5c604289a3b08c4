package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// maxTyped bounds what is looked at of one input, in bytes.
const maxTyped = 1024

// maxHolder is the longest name that ISO 20022 carries (Max140Text).
const maxHolder = 140

// compact takes out what people put between groups of digits, and writes full-width characters as narrow ones.
func compact(s string) string {
	if len(s) > maxTyped {
		return s[:maxTyped] // far too long in any case
	}
	s = width.Narrow.String(s)
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '-', r == '\u2010', r == '\u2011', r == '\u2013', r == '.', r == '\u200b', r == '\ufeff':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// holder normalises a name: composed characters, single spaces.
func holder(s string) (name, key string, args map[string]any) {
	if len(s) > maxTyped || !utf8.ValidString(s) {
		return "", "payout.holder.characters", nil
	}
	name = norm.NFC.String(strings.Join(strings.Fields(s), " "))
	letters := false
	for _, r := range name {
		// Not graphic: control characters, direction marks, zero-width joiners and the like, which change what is seen.
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return "", "payout.holder.characters", nil
		}
		letters = letters || unicode.IsLetter(r)
	}
	switch {
	case name == "":
		return "", "payout.holder.none", nil
	case utf8.RuneCountInString(name) > maxHolder:
		return "", "payout.holder.long", map[string]any{"Limit": maxHolder}
	case !letters:
		return "", "payout.holder.digits", nil
	}
	return name, "", nil
}
