package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// underWay is a sign-in that a browser has begun. It lives in that browser's cookie, sealed.
type underWay struct {
	ID         string    `json:"id"` // a finished one is remembered by its hash until it expires
	State      string    `json:"s"`
	Nonce      string    `json:"n"`
	Verifier   string    `json:"v"`
	ReturnTo   string    `json:"r,omitempty"`
	Invitation string    `json:"i,omitempty"` // hash of its token
	Fresh      bool      `json:"f,omitempty"`
	ExpiresAt  time.Time `json:"e"`
}

// longestCookie is what browsers keep of one, with room for its name and attributes (RFC 6265, section 6.1).
const longestCookie = 3800

// seal makes the browser's secret. A way back that is too long for a cookie is dropped.
func (s *Service) seal(realm Realm, u underWay) (string, error) {
	for {
		plain, err := json.Marshal(u)
		if err != nil {
			return "", fmt.Errorf("seal sign-in: %w", err)
		}
		sealed := s.box.Seal(string(plain), "sign-in "+string(realm))
		if len(sealed) <= longestCookie || u.ReturnTo == "" {
			return sealed, nil
		}
		u.ReturnTo = ""
	}
}

// take opens what a browser brings back, for the state that the provider sends back, and uses it up. ErrState when it is another
// browser's, too old, altered, or was used.
func (s *Service) take(ctx context.Context, r Return) (underWay, error) {
	var u underWay
	plain, err := s.box.Open(r.Secret, "sign-in "+string(r.Realm))
	if err != nil || json.Unmarshal([]byte(plain), &u) != nil {
		return underWay{}, ErrState
	}
	now := s.db.Clock.Now()
	if subtle.ConstantTimeCompare([]byte(u.State), []byte(r.Query.Get("state"))) != 1 || !u.ExpiresAt.After(now) {
		return underWay{}, ErrState
	}
	return u, s.store.useSignIn(ctx, hash(u.ID), r.Realm, now, u.ExpiresAt)
}

// strongEnough reports whether the provider says that credentials were of one of the kinds that are asked for: acr names a level,
// amr the methods (OpenID Connect Core 1.0, section 2; RFC 8176).
func strongEnough(c Claims, asked []string) bool {
	if len(asked) == 0 {
		return true
	}
	return slices.ContainsFunc(append(c.Texts("amr"), c.Text("acr")), func(is string) bool { return slices.Contains(asked, is) })
}
