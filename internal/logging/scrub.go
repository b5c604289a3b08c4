package logging

import (
	"regexp"
	"strings"
)

// patterns find what is secret by its look. The order matters: credentials in an address look like an e-mail address.
var patterns = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`://[^/\s@]+@`), "://" + redacted + "@"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}`), "$1 " + redacted},
	{regexp.MustCompile(`\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*`), redacted}, // a signed token (JWT)
	{regexp.MustCompile(`whsec_[\w+/=-]+`), redacted},
	{regexp.MustCompile(`\bv1a?,[\w+/=]{20,}`), redacted}, // a webhook's signature
	{regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`), redacted},
	{regexp.MustCompile(`(?i)\b(__host-[\w-]+|x-amz-[\w-]*|signature|sig|[\w-]*token[\w-]*|[\w-]*secret[\w-]*|code|nonce|password|passwd|pwd|key)=[^&\s"'<>;,)]+`), "$1=" + redacted},
	{regexp.MustCompile(`[\pL\pN._%+'*/=?^{|}~-]+(?:@|%40)[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?`), "[email]"},
}

// Scrub strikes e-mail addresses, signatures, tokens and credentials out of a text.
func Scrub(s string) string {
	if !suspicious(s) {
		return s
	}
	for _, p := range patterns {
		s = p.find.ReplaceAllString(s, p.put)
	}
	return s
}

// suspicious is a quick look that spares most texts the patterns.
func suspicious(s string) bool {
	if strings.ContainsAny(s, "@=%") {
		return true
	}
	for _, mark := range []string{"eyJ", "whsec_", "v1,", "v1a,", "AKIA", "ASIA"} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	lower := strings.ToLower(s)
	return strings.Contains(lower, "bearer") || strings.Contains(lower, "basic")
}
