package locale

import (
	"strings"
	"unicode/utf8"
)

// Mask hides an e-mail address but for its first letter and host: l***@farshore.example.
// What is no address is hidden whole.
func Mask(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "***"
	}
	_, width := utf8.DecodeRuneInString(email)
	return email[:width] + "***" + email[at:]
}

// MaskPhone hides the middle of a phone number: +86 138****8000.
func MaskPhone(phone string) string {
	const head, tail = 3, 4
	lead, number := "", phone
	if i := strings.LastIndexByte(phone, ' '); strings.HasPrefix(phone, "+") && i > 0 && !strings.Contains(phone[:i], " ") {
		lead, number = phone[:i+1], phone[i+1:]
	}
	number = strings.ReplaceAll(number, " ", "")
	if len(number) < head+tail+1 {
		return "****"
	}
	return lead + number[:head] + "****" + number[len(number)-tail:]
}

// MaskAccount hides a card or account number but for its last four digits: **** 1208.
func MaskAccount(number string) string {
	number = strings.ReplaceAll(number, " ", "")
	if len(number) < 8 {
		return "****"
	}
	return "**** " + number[len(number)-4:]
}
