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

// maxHolder is the longest name that SEPA and China's payment systems carry, in characters. ISO 20022 has room for more.
const maxHolder = 70

// compact takes out what people put between groups of digits or paste along with them, such as marks of direction, and writes
// full-width characters as narrow ones.
func compact(s string) string {
	if len(s) > maxTyped {
		return s[:maxTyped] // far too long in any case
	}
	s = width.Narrow.String(s)
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '.', r == '/', r == '\u2212', r == '\u2800', r == '\u3164':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// labelled takes off what people paste in front of a number: IBAN DE89 ..., 卡号：6222 ...
func labelled(s string) string {
	for _, label := range []string{"IBANNR", "IBANNO", "IBAN", "国际银行账号", "银行卡号", "银行账号", "卡号", "账号", "帐号", "BIC", "SWIFT"} {
		if rest, found := strings.CutPrefix(s, label); found && rest != "" {
			return strings.TrimLeft(rest, ":#")
		}
	}
	return s
}

// holder normalises a name: composed characters, single spaces, no invisible marks around it.
func holder(s string) (name, key string, args map[string]any) {
	if len(s) > maxTyped || !utf8.ValidString(s) {
		return "", "payout.holder.characters", nil
	}
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) }) // pasted along
	name = norm.NFC.String(strings.Join(strings.Fields(s), " "))
	letters := false
	for _, r := range name {
		// Not graphic: control characters, direction marks, zero-width joiners and the like, which change what is seen. Symbols: emoji.
		if !unicode.IsGraphic(r) || r == utf8.RuneError || unicode.Is(unicode.So, r) {
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
