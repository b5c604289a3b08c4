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

// MaskAccount hides a card or account number but for its last four digits: **** 1208.
func MaskAccount(number string) string {
	number = strings.ReplaceAll(number, " ", "")
	if len(number) < 8 {
		return "****"
	}
	return "**** " + number[len(number)-4:]
}
