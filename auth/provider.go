package auth

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Provider is the relying party's side of one OpenID provider. Methods return ErrProviderDown when the provider does not
// answer, and never a token or an address in an error's text.
type Provider interface {
	// AuthURL is where the browser goes to sign in.
	AuthURL(ctx context.Context, c Challenge) (string, error)
	// Exchange redeems a code and returns what the verified ID token says. ErrProviderRefused when any check fails.
	Exchange(ctx context.Context, a Answer) (Claims, error)
	// LogoutURL is where the browser goes to sign out of the provider, too; empty when the provider has no such address.
	LogoutURL(ctx context.Context, idToken, returnTo string) (string, error)
	// VerifyLogout checks a back-channel logout token but for its replay. ErrLogoutToken when any check fails.
	VerifyLogout(ctx context.Context, token string) (Logout, error)
}

// Challenge holds the secrets of one sign-in.
type Challenge struct {
	State    string
	Nonce    string
	Verifier string   // PKCE, sent as its S256 challenge
	Fresh    bool     // ask for credentials even where the provider knows the browser
	ACR      []string // kinds of credentials to ask for; empty: the provider's own choice
}

// Answer is what came back, with what it is checked against.
type Answer struct {
	Code     string
	Issuer   string // the iss parameter of RFC 9207; empty when the provider sent none
	Nonce    string
	Verifier string
}

// Claims is a verified ID token.
type Claims struct {
	Issuer        string
	Subject       string
	SessionID     string // the provider's session; empty when it names none
	Name          string
	Email         string
	EmailVerified bool
	IDToken       string    // raw, the hint for signing out
	AuthTime      time.Time // when credentials were asked for, by the world's clock; zero: the provider does not say
	Values        map[string]any
}

// Text returns a claim that is a string or a number, without spaces around it.
func (c Claims) Text(name string) string {
	if name == "" {
		return ""
	}
	switch v := c.Values[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case interface{ String() string }: // json.Number
		return v.String()
	}
	return ""
}

// Texts returns a claim that is a list of strings, or one string.
func (c Claims) Texts(name string) []string {
	if s := c.Text(name); s != "" {
		return []string{s}
	}
	list, _ := c.Values[name].([]any)
	var texts []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// Logout is a verified back-channel logout token.
type Logout struct {
	Issuer    string
	Subject   string // empty: the session alone is named
	SessionID string // empty: all of the subject's sessions
	TokenID   string
	ExpiresAt time.Time
}

// rolesOf maps the provider's groups to our roles, in the order of Roles.
func rolesOf(groups []string, of map[Role]string) []Role {
	var roles []Role
	for _, role := range Roles {
		if group := of[role]; group != "" && slices.Contains(groups, group) {
			roles = append(roles, role)
		}
	}
	return roles
}

// clean makes a text from outside fit to be stored and shown: valid UTF-8, no control characters, at most limit characters.
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit])
	}
	return strings.TrimSpace(s)
}
