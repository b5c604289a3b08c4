package bank

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// letters that do not come apart into one of A to Z and a mark, and signs, as EPC217-08 and the banks' habit write them.
var letters = strings.NewReplacer(
	"ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th",
	"ł", "l", "Ł", "L", "ħ", "h", "Ħ", "H", "ı", "i", "ŋ", "n", "Ŋ", "N", "&", "+", "’", "'", "‘", "'", "`", "'", "´", "'", "“", "'", "”", "'", "\"", "'",
	"–", "-", "—", "-", "_", "-", "·", " ", "@", "(at)", "*", ".", ";", ",", "№", "No",
)

// umlauts, as the German-speaking countries write them without.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue")

// Latin writes a name with the letters that every bank takes (EPC217-08); country is that of the account. ok is false where the name
// has letters of another script, which only its bearer can write in Latin ones.
func Latin(name, country string) (written string, ok bool) {
	name = norm.NFC.String(name)
	switch country {
	case "DE", "AT", "CH", "LI", "LU":
		name = umlauts.Replace(name)
	}
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(letters.Replace(name)))
	written = strings.Join(strings.Fields(bare), " ")
	return written, written != "" && !strings.ContainsFunc(written, func(r rune) bool { return !strings.ContainsRune(latin, r) })
}

// latin is the character set that every bank takes (EPC217-08).
const latin = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "
