package locked

import (
	"crypto/rand"
	"strings"

	"github.com/trustelem/zxcvbn"
)

// Bounds of a password's length. 7-Zip takes no more than 99 bytes.
const (
	MinLength = 12
	MaxLength = 64
)

// enough is how many guesses a password must withstand. A graphics card of 2024 makes about five million a second against this
// format, whose derivation is weak: a hundred of them would be at it for half a week.
const enough = 1e14

// Flaw is why a password is not taken.
type Flaw string

// The flaws.
const (
	Empty     Flaw = "empty"
	Short     Flaw = "short"
	Long      Flaw = "long"
	Foreign   Flaw = "foreign" // it has a character that programs write in different ways, so that it would open nothing there
	Guessable Flaw = "guessable"
)

// Judge tells what speaks against a password; empty: nothing. near are words that somebody would try first, such as a name.
func Judge(password string, near ...string) Flaw {
	switch {
	case password == "":
		return Empty
	case strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }):
		return Foreign
	case len(password) < MinLength:
		return Short
	case len(password) > MaxLength:
		return Long
	case zxcvbn.PasswordStrength(password, words(near)).Guesses < enough:
		return Guessable
	}
	return ""
}

// words are near ones as the judge of passwords takes them: in lower case, whole and in parts.
func words(near []string) (list []string) {
	for _, text := range near {
		text = strings.ToLower(strings.TrimSpace(text))
		if text == "" {
			continue
		}
		list = append(list, text)
		list = append(list, strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" .@-_,", r) })...)
	}
	return list
}

// letters leaves out what is easily taken for something else when a password is copied by hand: 0 and o, 1, i and l, and u and v.
const letters = "23456789abcdefghjkmnpqrstwxyz"

// Generate makes a password of 20 letters and digits in groups, of 97 bits.
func Generate() string {
	var b strings.Builder
	for n := 0; n < 20; {
		one := make([]byte, 1)
		_, _ = rand.Read(one) // never fails
		if int(one[0]) >= 256/len(letters)*len(letters) {
			continue // so that no letter is more likely than another
		}
		if n > 0 && n%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[int(one[0])%len(letters)])
		n++
	}
	return b.String()
}
