package replacement

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// linkLife is how long a hand-over link works.
const linkLife = 10 * time.Minute

// claims are what a hand-over token says: whose it is nobody learns from it.
type claims struct {
	ID       string `json:"jti"`
	Audience string `json:"aud"` // replacement
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// tokenHeader is the fixed header of our tokens. Source: RFC 7515, RFC 8725 section 3.11.
const tokenHeader = `{"alg":"HS256","typ":"offramp-hand-over+jwt"}` //nolint:gosec // names an algorithm, and is no secret

var encoding = base64.RawURLEncoding.Strict()

// sign makes a token: a JWS in compact form.
func sign(key []byte, c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := encoding.EncodeToString([]byte(tokenHeader)) + "." + encoding.EncodeToString(payload)
	return signed + "." + encoding.EncodeToString(mac(key, signed)), nil
}

// read checks a token of sign for a replacement at an instant. ErrHandOver for one that was altered, is too old or is for
// another replacement: which of them, only we know.
func read(key []byte, token, replacement string, now time.Time) (claims, error) {
	signed, signature, found := cutLast(token)
	sum, err := encoding.DecodeString(signature)
	if !found || err != nil || len(token) > 2000 || !hmac.Equal(sum, mac(key, signed)) {
		return claims{}, ErrHandOver
	}
	header, payload, _ := strings.Cut(signed, ".")
	if header != encoding.EncodeToString([]byte(tokenHeader)) {
		return claims{}, ErrHandOver
	}
	raw, err := encoding.DecodeString(payload)
	if err != nil {
		return claims{}, ErrHandOver
	}
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil || c.Audience != replacement || !now.Before(time.Unix(c.Expires, 0)) {
		return claims{}, ErrHandOver
	}
	return c, nil
}

func cutLast(token string) (before, after string, found bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return "", "", false
	}
	return token[:i], token[i+1:], true
}

func mac(key []byte, signed string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(signed))
	return m.Sum(nil)
}

// addressWith adds the token to the sign-up's address.
func addressWith(signUp, token string) (string, error) {
	u, err := url.Parse(signUp)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("offramp_token", token)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
