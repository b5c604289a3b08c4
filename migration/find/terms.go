package find

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"offramp/internal/reference"
)

// Terms of other kinds than pairs of a name's characters begin with a mark of their own.
const (
	ofAddress  = "@"
	ofNumber   = "#"
	ofPhone    = "+"
	ofInitials = "~"
)

const (
	shortestNumber = 3 // from which the beginning of a number finds it
	phoneTail      = 7 // last digits of a telephone number that find it
	maxPairs       = 40
)

// fold is a text as it is compared: compatible forms and letters' cases are the same, one space stands between words.
func fold(text string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))), " ")
}

// pairs are the pairs of characters that follow each other within the words of a folded text.
func pairs(mark, folded string) (list []string) {
	for _, word := range words(folded) {
		runes := []rune(word)
		for i := range len(runes) - 1 {
			list = append(list, mark+string(runes[i:i+2]))
		}
	}
	return list
}

// words are what stands between spaces and signs.
func words(folded string) []string {
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// initials are the first letters of the syllables of a name's Chinese characters.
func initials(name string) string {
	args := pinyin.NewArgs()
	args.Style = pinyin.FirstLetter
	return strings.Join(pinyin.LazyPinyin(name, args), "")
}

// digits leaves the digits of a text.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, norm.NFKC.String(text))
}

// record is what a customer is found by.
type record struct {
	id, ref, name             string
	people, addresses, phones []string
}

// called, folded and terms are the columns of the index.
func (r record) called() string { return fold(r.name) }

func (r record) folded() string {
	lines := []string{fold(r.name), fold(r.ref), fold(reference.Read(r.ref).Plain)}
	for _, list := range [][]string{r.people, r.addresses, r.phones} {
		for _, text := range list {
			lines = append(lines, fold(text))
		}
	}
	return strings.Join(lines, "\n")
}

func (r record) terms() []string {
	list := pairs("", fold(r.name))
	for _, name := range r.people {
		list = append(list, pairs("", fold(name))...)
	}
	for _, address := range r.addresses {
		list = append(list, pairs(ofAddress, fold(address))...)
		list = append(list, pairs("", fold(address))...) // for a word that may be of either
	}
	for _, phone := range r.phones {
		if d := digits(phone); len(d) >= phoneTail {
			list = append(list, ofPhone+d[len(d)-phoneTail:])
		}
	}
	list = append(list, pairs(ofInitials, initials(r.name))...)
	plain := reference.Read(r.ref).Plain
	for _, number := range []string{plain, strings.TrimLeft(plain, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")} {
		list = append(list, beginnings(number)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// beginnings are the parts of a number from its first character.
func beginnings(number string) (list []string) {
	runes := []rune(number)
	for n := min(shortestNumber, len(runes)); n <= len(runes) && n > 0; n++ {
		list = append(list, ofNumber+string(runes[:n]))
	}
	return list
}

// query is a text taken apart: all of Wanted, or all of Other, have to be there.
type query struct {
	plain         string
	wanted, other []string
	whole         bool // only who has it as a whole
}

// read decides by the shape of a text what is searched. An address does not search names; a number searches numbers, telephones and
// names that hold it; a few Latin letters may be initials.
func read(text string) query {
	plain := fold(text)
	q := query{plain: plain}
	number := reference.Read(text)
	switch {
	case strings.Contains(plain, "@"):
		q.wanted = pairs(ofAddress, plain)
	case digitsAlone(plain) && len(strings.TrimPrefix(digits(plain), "00")) >= phoneTail:
		d := strings.TrimPrefix(digits(plain), "00")
		q.whole, q.plain, q.wanted, q.other = true, d, []string{ofPhone + d[len(d)-phoneTail:]}, []string{ofNumber + number.Plain}
	case isNumber(number.Plain):
		q.wanted, q.other = []string{ofNumber + number.Plain}, pairs("", plain)
	default:
		q.wanted = pairs("", plain)
		if latin(plain) {
			q.other = pairs(ofInitials, plain)
		}
	}
	q.wanted, q.other = q.wanted[:min(len(q.wanted), maxPairs)], q.other[:min(len(q.other), maxPairs)]
	return q
}

// isNumber reports whether a text may be a customer's number, or the beginning of one: it holds a digit, and letters only in front.
func isNumber(plain string) bool {
	rest := strings.TrimLeft(plain, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return len(plain) >= shortestNumber && rest != "" && strings.Trim(rest, "0123456789") == ""
}

// digitsAlone reports whether a text is digits and what people put between them.
func digitsAlone(plain string) bool {
	return plain != "" && strings.Trim(plain, "+0123456789 ()-./") == ""
}

// latin reports whether a text is a few letters that can be initials.
func latin(plain string) bool {
	return len(plain) >= 2 && len(plain) <= 12 && strings.Trim(plain, "abcdefghijklmnopqrstuvwxyz") == ""
}

// near are a query's pairs with one character left out of consideration, which is two pairs that follow each other: a name with that
// character wrong has all the others.
func (q query) near() (list [][]string) {
	const least = 4
	if len(q.wanted) < least {
		return nil
	}
	for i := range len(q.wanted) - 1 {
		list = append(list, slices.Concat(q.wanted[:i], q.wanted[i+2:]))
	}
	return list
}
