package sms

import (
	"errors"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// What is wrong with a number that somebody gives.
var (
	ErrNoCountry = errors.New("sms: the number has no country code")
	ErrNoNumber  = errors.New("sms: this can be nobody's number")
)

const (
	longest  = 40 // bytes of what is read as a number
	shortest = 8  // characters of what is written: no mobile number of any country has less
)

// Number normalises a number as people write it, with spaces, hyphens and brackets, to E.164: +4915112345678. 00 in front counts as a
// plus sign. Without a country code nobody knows where a number is. ErrNoCountry, ErrNoNumber.
func Number(text string) (string, error) {
	text = strings.Map(plainDigit, strings.TrimSpace(text))
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		text = "+" + rest
	}
	if len(text) > longest || strings.IndexFunc(text, unicode.IsLetter) >= 0 {
		return "", ErrNoNumber
	}
	if !strings.HasPrefix(text, "+") {
		if strings.IndexFunc(text, unicode.IsDigit) < 0 {
			return "", ErrNoNumber
		}
		return "", ErrNoCountry
	}
	n, err := phonenumbers.Parse(text, phonenumbers.UNKNOWN_REGION)
	switch {
	case err != nil, n.GetExtension() != "":
		return "", ErrNoNumber
	case !phonenumbers.IsPossibleNumber(n): // no more than its length is checked: operators open ranges faster than we are upgraded
		return "", ErrNoNumber
	}
	if text = phonenumbers.Format(n, phonenumbers.E164); len(text) < shortest {
		return "", ErrNoNumber
	}
	return text, nil
}

// plainDigit turns digits and plus signs of other widths into those of ASCII.
func plainDigit(r rune) rune {
	switch {
	case r >= '０' && r <= '９':
		return r - '０' + '0'
	case r == '＋':
		return '+'
	}
	return r
}

// Pretty writes a number of E.164 as people read it: +49 1511 2345678.
func Pretty(number string) string {
	n, err := phonenumbers.Parse(number, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return number
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// Masked shows of a number no more than its owner needs to know it again: the country code and the last two digits.
func Masked(number string) string {
	n, err := phonenumbers.Parse(number, phonenumbers.UNKNOWN_REGION)
	if err != nil || len(number) < 6 {
		return "•••"
	}
	code := "+" + strings.TrimPrefix(strings.TrimSuffix(number, phonenumbers.GetNationalSignificantNumber(n)), "+")
	return code + " ••• " + number[len(number)-2:]
}
