package bank

import "strings"

// CheckCard judges the number of a Chinese bank card: 16 to 19 digits with a check digit (ISO/IEC 7812-1, Luhn). Most begin
// with 62, UnionPay's; older ones and those of other networks do not. It returns the key of a message, as CheckIBAN does.
func CheckCard(s string) (key string) {
	switch {
	case s == "":
		return "payout.card.none"
	case !digits(s):
		return "payout.card.characters"
	case len(s) < 16 || len(s) > 19:
		return "payout.card.length"
	case s[0] == '0' || strings.Count(s, s[:1]) == len(s) || !luhn(s):
		return "payout.card.checksum"
	}
	return ""
}

// CheckCompany judges the number of a company's account at a Chinese bank: 5 to 32 digits, as China's payment systems carry them.
// Each bank makes its own, and there is no check digit. It returns the key of a message, as CheckIBAN does.
func CheckCompany(s string) (key string) {
	switch {
	case s == "":
		return "payout.company.none"
	case !digits(s):
		return "payout.company.characters"
	case len(s) < 5 || len(s) > 32 || strings.Count(s, s[:1]) == len(s):
		return "payout.company.length"
	}
	return ""
}

// luhn reports whether the last digit checks the others.
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// CNAPS reports whether s has the form of a bank's code in the Chinese payment system: 12 digits.
func CNAPS(s string) bool { return len(s) == 12 && digits(s) }

// BIC reports whether s has the form of ISO 9362: four letters, a country, a place, and a branch or none.
func BIC(s string) bool {
	if len(s) != 8 && len(s) != 11 {
		return false
	}
	for i := range len(s) {
		letter := 'A' <= s[i] && s[i] <= 'Z'
		if !letter && (i < 6 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

func digits(s string) bool {
	for i := range len(s) {
		if !is(s[i], 'n') {
			return false
		}
	}
	return s != ""
}
