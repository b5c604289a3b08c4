package local

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	tokenLifetime   = 5 * time.Minute
	requestLifetime = 30 * time.Minute // how long a sign-in page may stay open
)

// authRequest is one visit to the authorization endpoint, from there to its code's exchange.
type authRequest struct {
	*oidc.AuthRequest
	id      string
	began   time.Time
	subject string
	sid     string
	at      time.Time // of the sign-in
	done    bool
}

func (a *authRequest) GetID() string          { return a.id }
func (a *authRequest) GetACR() string         { return "" }
func (a *authRequest) GetAMR() []string       { return []string{"pwd"} }
func (a *authRequest) GetAudience() []string  { return []string{a.ClientID} }
func (a *authRequest) GetAuthTime() time.Time { return a.at }
func (a *authRequest) GetClientID() string    { return a.ClientID }
func (a *authRequest) GetNonce() string       { return a.Nonce }
func (a *authRequest) GetScopes() []string    { return a.Scopes }
func (a *authRequest) GetSubject() string     { return a.subject }
func (a *authRequest) Done() bool             { return a.done }

func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if a.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod}
}

// grant is what an access or refresh token stands for.
type grant struct {
	client, subject, sid string
	scopes               []string
	signedIn, expires    time.Time
}

// refreshing is a grant on its way to new tokens.
type refreshing struct{ grant }

func (r *refreshing) GetAMR() []string            { return []string{"pwd"} }
func (r *refreshing) GetAudience() []string       { return []string{r.client} }
func (r *refreshing) GetAuthTime() time.Time      { return r.signedIn }
func (r *refreshing) GetClientID() string         { return r.client }
func (r *refreshing) GetScopes() []string         { return r.scopes }
func (r *refreshing) GetSubject() string          { return r.subject }
func (r *refreshing) SetCurrentScopes(s []string) { r.scopes = s }

// CreateAuthRequest begins a sign-in. Without a page there is none, so prompt=none is refused.
func (s *providerState) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if slices.Contains(r.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	a := &authRequest{AuthRequest: r, id: rand.Text(), began: time.Now()}
	s.requests[a.id] = a
	return a, nil
}

// sweep forgets abandoned requests and expired tokens once there are many; the caller holds mu.
func (s *providerState) sweep() {
	const many = 5000
	now := time.Now()
	if len(s.requests) > many {
		for id, a := range s.requests {
			if now.Sub(a.began) > requestLifetime {
				delete(s.requests, id)
			}
		}
	}
	if len(s.access) > many {
		for id, g := range s.access {
			if now.After(g.expires) {
				delete(s.access, id)
			}
		}
	}
}

// AuthRequestByID returns a copy, as the sign-in page may be changing the original.
func (s *providerState) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.requests[id]
	if !ok {
		return nil, errors.New("unknown sign-in request")
	}
	copied := *a
	return &copied, nil
}

// AuthRequestByCode redeems a code, which works once.
func (s *providerState) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	delete(s.codes, code)
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

// SaveAuthCode keeps a code for its request.
func (s *providerState) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

// DeleteAuthRequest ends a request whose code was exchanged.
func (s *providerState) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// CreateAccessToken issues an access token.
func (s *providerState) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, g := s.issue(r)
	return id, g.expires, nil
}

// issue stores an access token; the caller holds mu.
func (s *providerState) issue(r op.TokenRequest) (string, grant) {
	g := grant{subject: r.GetSubject(), scopes: r.GetScopes(), expires: time.Now().Add(tokenLifetime)}
	switch v := r.(type) {
	case *authRequest:
		g.client, g.sid, g.signedIn = v.ClientID, v.sid, v.at
	case *refreshing:
		g.client, g.sid, g.signedIn = v.client, v.sid, v.signedIn
	}
	id := rand.Text()
	s.access[id] = g
	return id, g
}

// CreateAccessAndRefreshTokens issues both. A refresh token works once.
func (s *providerState) CreateAccessAndRefreshTokens(_ context.Context, r op.TokenRequest, used string) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used != "" {
		if _, ok := s.refresh[used]; !ok {
			return "", "", time.Time{}, op.ErrInvalidRefreshToken
		}
		delete(s.refresh, used)
	}
	id, g := s.issue(r)
	fresh := rand.Text()
	s.refresh[fresh] = g
	return id, fresh, g.expires, nil
}

// TokenRequestByRefreshToken reads a refresh token.
func (s *providerState) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh[token]
	if _, known := s.users[g.subject]; !ok || !known {
		return nil, op.ErrInvalidRefreshToken
	}
	return &refreshing{g}, nil
}

// GetRefreshTokenInfo says whose a refresh token is.
func (s *providerState) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.refresh[token]; ok {
		return g.subject, token, nil
	}
	return "", "", op.ErrInvalidRefreshToken
}

// RevokeToken forgets a token of either kind.
func (s *providerState) RevokeToken(_ context.Context, token, _, _ string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.access, token)
	delete(s.refresh, token)
	return nil
}

// GetClientByClientID finds a relying party.
func (s *providerState) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[id]; ok {
		return registered{c}, nil
	}
	return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
}

// AuthorizeClientIDSecret checks a relying party's secret.
func (s *providerState) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[id]; ok && c.Secret == secret {
		return nil
	}
	return oidc.ErrInvalidClient().WithDescription("wrong secret")
}

// SetUserinfoFromScopes is superseded by SetUserinfoFromRequest.
func (s *providerState) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the ID token.
func (s *providerState) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	switch v := r.(type) {
	case *authRequest:
		info.AppendClaims("sid", v.sid)
	case *refreshing:
		info.AppendClaims("sid", v.sid)
	}
	return s.describe(info, r.GetSubject())
}

// SetUserinfoFromToken answers the userinfo endpoint.
func (s *providerState) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, _, _ string) error {
	s.mu.Lock()
	g, ok := s.access[id]
	s.mu.Unlock()
	if !ok || time.Now().After(g.expires) {
		return errors.New("the token is unknown or has expired")
	}
	return s.describe(info, g.subject)
}

// describe states the user's claims as they are now.
func (s *providerState) describe(info *oidc.UserInfo, subject string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[subject]
	if !ok {
		return errors.New("unknown user")
	}
	info.Subject, info.Name, info.Email, info.EmailVerified = u.Subject, u.Name, u.Email, oidc.Bool(u.EmailVerified)
	for name, value := range u.Claims {
		info.AppendClaims(name, value)
	}
	return nil
}

// SetIntrospectionFromToken answers the introspection endpoint.
func (s *providerState) SetIntrospectionFromToken(_ context.Context, i *oidc.IntrospectionResponse, id, subject, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, i.Active = s.access[id]
	i.Subject = subject
	return nil
}

// GetPrivateClaimsFromScopes has nothing to add: access tokens are opaque.
func (s *providerState) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// GetKeyByIDAndClientID refuses: clients sign nothing here.
func (s *providerState) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.New("unsupported")
}

// ValidateJWTProfileScopes refuses: clients sign nothing here.
func (s *providerState) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errors.New("unsupported")
}

// Health is always good; a provider that is down does not get here.
func (s *providerState) Health(context.Context) error { return nil }
