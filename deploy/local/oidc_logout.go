package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// TerminateSession is superseded by TerminateSessionFromRequest.
func (s *providerState) TerminateSession(context.Context, string, string) error { return nil }

// TerminateSessionFromRequest ends the session that the ID token hint names, or else that of the visiting browser, and tells the
// relying parties. One that cannot be told does not keep the user signed in.
func (s *providerState) TerminateSessionFromRequest(ctx context.Context, r *op.EndSessionRequest) (string, error) {
	sid, _ := ctx.Value(sidKey{}).(string)
	if r.IDTokenHintClaims != nil {
		if hinted, _ := r.IDTokenHintClaims.Claims["sid"].(string); hinted != "" {
			sid = hinted
		}
	}
	if sid != "" {
		_ = s.end(ctx, func(b *browserSession) bool { return b.sid == sid })
	}
	return r.RedirectURI, nil
}

// end ends the sessions that match and posts a logout token to each relying party that took part.
func (s *providerState) end(ctx context.Context, match func(*browserSession) bool) error {
	type farewell struct {
		client       Client
		subject, sid string
	}
	var farewells []farewell
	s.mu.Lock()
	for cookie, b := range maps.Clone(s.sessions) {
		if !match(b) {
			continue
		}
		delete(s.sessions, cookie)
		for id := range b.clients {
			farewells = append(farewells, farewell{s.clients[id], b.subject, b.sid})
		}
		of := func(_ string, g grant) bool { return g.sid == b.sid }
		maps.DeleteFunc(s.access, of)
		maps.DeleteFunc(s.refresh, of)
	}
	s.mu.Unlock()
	var errs []error
	for _, f := range farewells {
		errs = append(errs, s.tell(ctx, f.client, f.subject, f.sid))
	}
	return errors.Join(errs...)
}

// tell posts a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.5).
func (s *providerState) tell(ctx context.Context, c Client, subject, sid string) error {
	if c.BackChannelURI == "" {
		return nil
	}
	now := time.Now()
	token, err := s.currentKey().sign("logout+jwt", map[string]any{
		"iss": s.issuer, "aud": c.ID, "sub": subject, "sid": sid, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	if err != nil {
		return err
	}
	form := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, c.BackChannelURI, form)
	if err != nil {
		return fmt.Errorf("tell %s: %w", c.ID, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("tell %s: %w", c.ID, err)
	}
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("tell %s: it answers %s", c.ID, res.Status)
	}
	return nil
}
