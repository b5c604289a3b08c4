package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	netmail "net/mail"
	"strings"

	"offramp/internal/secret"
)

// MACs of tokens are cut to this many bytes: guessing one takes 2^79 tries on average, each of them a mail to us.
const sealBytes = 10

// idBytes is the length of the id of a mail.
const idBytes = 16

// letters make tokens that survive mail systems which lower or raise them.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Seals make and check the tokens by which reports prove what they are about. The zero value makes and knows none.
type Seals struct{ keys [][]byte }

// NewSeals derives the seals' keys: the first one seals, all of them open.
func NewSeals(master []byte, before ...[]byte) (s Seals) {
	for _, one := range append([][]byte{master}, before...) {
		s.keys = append(s.keys, secret.Derive(one, "mail reports"))
	}
	return s
}

// What a token is for. One that is read off a mail's headers by whoever passes it on is good for nothing else.
const (
	forReports = ""
	forLeaving = "unsubscribe\x00"
	forLinks   = "links\x00"
)

// Token seals the id of a mail, which is 32 digits in hex. Any other id has none, and the result is empty.
func (s Seals) Token(mailID string) string { return s.seal(forReports, mailID) }

// LeaveToken seals the id of a mail for its reader to decline others like it (RFC 8058).
func (s Seals) LeaveToken(mailID string) string { return s.seal(forLeaving, mailID) }

// LinkToken is by which the links of one notice to one contact are known again: 26 letters and digits, the same in every mail.
// Unlike the others it holds nothing; whoever sends it keeps it. Empty: there is no key.
func (s Seals) LinkToken(contactID, notice string) string {
	if contactID == "" || len(s.keys) == 0 {
		return ""
	}
	h := hmac.New(sha256.New, s.keys[0])
	h.Write([]byte(forLinks + contactID + "\x00" + notice))
	return letters.EncodeToString(h.Sum(nil)[:idBytes])
}

func (s Seals) seal(purpose, mailID string) string {
	id, err := hex.DecodeString(mailID)
	if err != nil || len(id) != idBytes || len(s.keys) == 0 {
		return ""
	}
	return letters.EncodeToString(append(id, mac(s.keys[0], purpose, id)...))
}

// Open returns the id of the mail that a token of Token's seals.
func (s Seals) Open(token string) (mailID string, ok bool) { return s.open(forReports, token) }

// OpenLeave returns the id of the mail that a token of LeaveToken's seals.
func (s Seals) OpenLeave(token string) (mailID string, ok bool) { return s.open(forLeaving, token) }

func (s Seals) open(purpose, token string) (mailID string, ok bool) {
	raw, err := letters.DecodeString(strings.ToLower(token))
	if err != nil || len(raw) != idBytes+sealBytes {
		return "", false
	}
	for _, key := range s.keys {
		if subtle.ConstantTimeCompare(raw[idBytes:], mac(key, purpose, raw[:idBytes])) == 1 {
			return hex.EncodeToString(raw[:idBytes]), true
		}
	}
	return "", false
}

func mac(key []byte, purpose string, id []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write(id)
	return h.Sum(nil)[:sealBytes]
}

// Prove returns the id of the mail that a report is about: that of the first of its tokens that we have made.
func (s Seals) Prove(r Report) (mailID string, ok bool) {
	for _, token := range r.Tokens {
		if mailID, ok = s.Open(token); ok {
			return mailID, true
		}
	}
	return "", false
}

// Return is the address to which reports come back: base with a token behind a plus sign, such as bounces+TOKEN@example.com.
func Return(base, token string) string {
	at := strings.LastIndexByte(base, '@')
	if base == "" || token == "" || at < 1 {
		return ""
	}
	return base[:at] + "+" + token + base[at:]
}

// CheckReturn says what is wrong with an address that is to take reports; empty: nothing.
func CheckReturn(base string) string {
	a, err := netmail.ParseAddress(base)
	switch {
	case err != nil || a.Address != base:
		return "must be one bare address, such as bounces@example.com"
	case strings.ContainsRune(base, '+'):
		return "must have no plus sign; it is put behind the part before the @"
	case strings.IndexByte(base, '@')+1+letters.EncodedLen(idBytes+sealBytes) > 64:
		return "is too long before the @: at most 21 characters, so that a token fits behind (RFC 5321, section 4.5.3.1.1)"
	}
	return ""
}

// tokenOf takes the token out of an address or a Message-ID; empty: there is none.
func tokenOf(text string) string {
	text = strings.Trim(text, "<> \t")
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return ""
	}
	local := text[:at]
	if i := strings.LastIndexByte(local, '+'); i >= 0 {
		local = local[i+1:]
	}
	if len(local) != letters.EncodedLen(idBytes+sealBytes) {
		return ""
	}
	return local
}

// Sealed reports whether an address holds a token that we have made.
func (s Seals) Sealed(address string) bool {
	_, ok := s.Open(tokenOf(address))
	return ok
}
