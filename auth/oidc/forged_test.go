package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/deploy/local"
)

func isRefused(err error) bool { return errors.Is(err, auth.ErrProviderRefused) }
func isDown(err error) bool    { return errors.Is(err, auth.ErrProviderDown) }
func badLogout(err error) bool { return errors.Is(err, auth.ErrLogoutToken) }
func encode(part any) string {
	b, _ := json.Marshal(part)
	return base64.RawURLEncoding.EncodeToString(b)
}

func unsigned(claims any) string {
	return encode(map[string]string{"alg": "none", "typ": "JWT"}) + "." + encode(claims) + "."
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// signed signs with any key and algorithm; kid may be empty.
func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// symmetric signs with the text of the provider's public key as a shared secret: the classic confusion.
func symmetric(t *testing.T, server *local.OIDC, claims map[string]any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(server.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return signed(t, jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "", claims)
}

// with copies claims with changes; a nil value leaves a claim out.
func with(claims map[string]any, changes map[string]any) map[string]any {
	c := maps.Clone(claims)
	for name, value := range changes {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
	return c
}

func TestA03_ForgedIDTokensAreRefused(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := map[string]any{
		"iss": server.Issuer, "aud": clientID, "sub": "u1", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": "n-" + t.Name(),
	}
	sign := func(typ string, changes map[string]any) string {
		token, err := server.Sign(typ, with(good, changes))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	truth := sign("JWT", nil)
	head, rest, _ := strings.Cut(truth, ".")
	_, signature, _ := strings.Cut(rest, ".")
	cases := map[string]struct {
		token string
		valid bool
	}{
		"as it should be":            {truth, true},
		"one of two audiences, azp":  {sign("JWT", map[string]any{"aud": []string{clientID, "other"}, "azp": clientID}), true},
		"clock a little ahead":       {sign("JWT", map[string]any{"iat": now.Add(30 * time.Second).Unix()}), true},
		"none at all":                {"", false},
		"alg none":                   {unsigned(good), false},
		"alg none, with a signature": {unsigned(good) + signature, false},
		"HS256 with the public key":  {symmetric(t, server, good), false},
		"another key":                {signed(t, jose.RS256, own, "", good), false},
		"another key, unknown kid":   {signed(t, jose.RS256, own, "made-up", good), false},
		"claims changed":             {head + "." + encode(with(good, map[string]any{"sub": "u2"})) + "." + signature, false},
		"wrong iss":                  {sign("JWT", map[string]any{"iss": "https://evil.example"}), false},
		"missing iss":                {sign("JWT", map[string]any{"iss": nil}), false},
		"wrong aud":                  {sign("JWT", map[string]any{"aud": "other"}), false},
		"missing aud":                {sign("JWT", map[string]any{"aud": nil}), false},
		"two audiences, no azp":      {sign("JWT", map[string]any{"aud": []string{clientID, "other"}}), false},
		"another azp":                {sign("JWT", map[string]any{"azp": "other"}), false},
		"wrong nonce":                {sign("JWT", map[string]any{"nonce": "another"}), false},
		"missing nonce":              {sign("JWT", map[string]any{"nonce": nil}), false},
		"missing sub":                {sign("JWT", map[string]any{"sub": nil}), false},
		"empty sub":                  {sign("JWT", map[string]any{"sub": ""}), false},
		"long sub":                   {sign("JWT", map[string]any{"sub": strings.Repeat("x", 256)}), false},
		"missing iat":                {sign("JWT", map[string]any{"iat": nil}), false},
		"from the future":            {sign("JWT", map[string]any{"iat": now.Add(10 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}), false},
		"not yet valid":              {sign("JWT", map[string]any{"nbf": now.Add(time.Hour).Unix()}), false},
		"expired":                    {sign("JWT", map[string]any{"iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-time.Second).Unix()}), false},
		"missing exp":                {sign("JWT", map[string]any{"exp": nil}), false},
		"wrong at_hash":              {sign("JWT", map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), false},
		"of another type":            {sign("logout+jwt", nil), false},
	}
	for name, c := range cases {
		_, answer := begin(t, p)
		server.Tamper(func(string) string { return c.token })
		_, err := p.Exchange(t.Context(), answer)
		server.Tamper(nil)
		if c.valid && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !c.valid && !isRefused(err) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestA07_ForgedLogoutTokensAreRefused(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	now := time.Now()
	good := map[string]any{
		"iss": server.Issuer, "aud": clientID, "sub": "u1", "sid": "s1", "jti": "j1", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	sign := func(typ string, changes map[string]any) string {
		token, err := server.Sign(typ, with(good, changes))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, token := range map[string]string{
		"as it should be": sign("logout+jwt", nil),
		"full type":       sign("application/logout+jwt", nil),
		"plain type":      sign("JWT", nil),
		"subject only":    sign("logout+jwt", map[string]any{"sid": nil}),
		"session only":    sign("logout+jwt", map[string]any{"sub": nil}),
	} {
		if _, err := p.VerifyLogout(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, token := range map[string]string{
		"none":                "",
		"alg none":            unsigned(good),
		"bad typ":             sign("at+jwt", nil),
		"a nonce":             sign("logout+jwt", map[string]any{"nonce": "n"}),
		"no events":           sign("logout+jwt", map[string]any{"events": nil}),
		"another event":       sign("logout+jwt", map[string]any{"events": map[string]any{"http://example.com/x": map[string]any{}}}),
		"event is no object":  sign("logout+jwt", map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": "yes"}}),
		"no jti":              sign("logout+jwt", map[string]any{"jti": nil}),
		"neither sid nor sub": sign("logout+jwt", map[string]any{"sid": nil, "sub": nil}),
		"wrong iss":           sign("logout+jwt", map[string]any{"iss": "https://evil.example"}),
		"wrong aud":           sign("logout+jwt", map[string]any{"aud": "other"}),
		"expired":             sign("logout+jwt", map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"no exp":              sign("logout+jwt", map[string]any{"exp": nil}),
		"no iat":              sign("logout+jwt", map[string]any{"iat": nil}),
		"from the future":     sign("logout+jwt", map[string]any{"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()}),
		"by the public key":   symmetric(t, server, good),
	} {
		if _, err := p.VerifyLogout(t.Context(), token); !badLogout(err) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}
