package oidc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"offramp/auth"
)

// leeway is how far the provider's clock may run ahead of ours.
const leeway = time.Minute

// Exchange implements auth.Provider.
func (p *Provider) Exchange(ctx context.Context, a auth.Answer) (auth.Claims, error) {
	m, err := p.get(ctx)
	if err != nil {
		return auth.Claims{}, err
	}
	if a.Issuer != p.config.Issuer && (a.Issuer != "" || m.sendsIss) {
		return auth.Claims{}, auth.ErrProviderRefused.Wrap(errors.New("the answer names another issuer"))
	}
	token, err := p.oauth(m).Exchange(p.context(ctx), a.Code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return auth.Claims{}, exchangeFault(err)
	}
	raw, _ := token.Extra("id_token").(string)
	claims, err := p.verify(ctx, m, raw, a.Nonce, token.AccessToken)
	if err != nil {
		return auth.Claims{}, err
	}
	if m.userInfo && p.lacks(claims) {
		if err := p.addUserInfo(ctx, m, token, &claims); err != nil {
			return auth.Claims{}, err
		}
	}
	return claims, nil
}

// exchangeFault tells a refused code from a provider that does not work. The library's own text may quote the answer's
// body, so only its code and status go on.
func exchangeFault(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return auth.ErrProviderDown.Wrap(fmt.Errorf("redeem code: %w", err))
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	cause := fmt.Errorf("redeem code: status %d, error %q", status, refused.ErrorCode)
	if status == http.StatusBadRequest && refused.ErrorCode == "invalid_grant" {
		return auth.ErrProviderRefused.Wrap(cause)
	}
	return auth.ErrProviderDown.Wrap(cause)
}

// tokenClaims are what go-oidc leaves to its caller.
type tokenClaims struct {
	IssuedAt        *float64 `json:"iat"`
	AuthorizedParty string   `json:"azp"`
	SessionID       string   `json:"sid"`
	AuthTime        *float64 `json:"auth_time"`
}

// verify checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (p *Provider) verify(ctx context.Context, m *metadata, raw, nonce, accessToken string) (auth.Claims, error) {
	ctx, outage := withOutage(ctx)
	token, err := m.verifier.Verify(ctx, raw)
	if outage.cause != nil {
		return auth.Claims{}, auth.ErrProviderDown.Wrap(outage.cause)
	}
	if err != nil {
		return auth.Claims{}, auth.ErrProviderRefused.Wrap(err)
	}
	var extra tokenClaims
	if err := token.Claims(&extra); err != nil {
		return auth.Claims{}, auth.ErrProviderRefused.Wrap(err)
	}
	if err := p.check(token, extra, raw, nonce, accessToken); err != nil {
		return auth.Claims{}, auth.ErrProviderRefused.Wrap(fmt.Errorf("check ID token: %w", err))
	}
	claims := auth.Claims{Issuer: token.Issuer, Subject: token.Subject, SessionID: extra.SessionID, IDToken: raw}
	if extra.AuthTime != nil {
		claims.AuthTime = time.Unix(int64(*extra.AuthTime), 0).UTC()
	}
	return claims, decode(token.Claims, &claims)
}

// check makes the checks that go-oidc leaves to its caller.
func (p *Provider) check(token *gooidc.IDToken, extra tokenClaims, raw, nonce, accessToken string) error {
	switch {
	case !typeIn(raw, "", "jwt"):
		return errors.New("the token is of another type")
	case nonce == "" || token.Nonce != nonce:
		return errors.New("the nonce is another")
	case token.Subject == "" || len(token.Subject) > 255:
		return errors.New("there is no usable subject")
	case extra.AuthorizedParty != "" && extra.AuthorizedParty != p.config.ClientID:
		return errors.New("another party is authorized")
	case len(token.Audience) > 1 && extra.AuthorizedParty == "":
		return errors.New("of several audiences none is named as the authorized party")
	}
	if token.AccessTokenHash != "" && accessToken != "" {
		if err := token.VerifyAccessToken(accessToken); err != nil {
			return err
		}
	}
	return issued(extra.IssuedAt)
}

// issued checks the instant of issue: there must be one, and not in the future.
func issued(iat *float64) error {
	if iat == nil {
		return errors.New("it does not say when it was issued")
	}
	if time.Unix(int64(*iat), 0).After(time.Now().Add(leeway)) {
		return errors.New("it was issued in the future")
	}
	return nil
}

// typeIn reports whether the token's header has one of the types; "" stands for none.
func typeIn(raw string, types ...string) bool {
	head, _, _ := strings.Cut(raw, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Type string `json:"typ"`
	}
	if err != nil || json.Unmarshal(decoded, &header) != nil {
		return false
	}
	typ := strings.TrimPrefix(strings.ToLower(header.Type), "application/")
	for _, t := range types {
		if typ == t {
			return true
		}
	}
	return false
}

// decode fills what people see, and keeps the rest by name. Numbers stay as they were written.
func decode(read func(any) error, c *auth.Claims) error {
	var raw json.RawMessage
	if err := read(&raw); err != nil {
		return auth.ErrProviderRefused.Wrap(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		return auth.ErrProviderRefused.Wrap(err)
	}
	if c.Values == nil {
		c.Values = map[string]any{}
	}
	if _, has := c.Values["email"]; has {
		delete(values, "email_verified") // what is verified here may be another address
	}
	for name, value := range values {
		if _, has := c.Values[name]; !has {
			c.Values[name] = value
		}
	}
	c.Name, c.Email = c.Text("name"), c.Text("email")
	verified := c.Values["email_verified"]
	c.EmailVerified = c.Email != "" && (verified == true || verified == "true") // some providers write the word
	return nil
}

func (p *Provider) lacks(c auth.Claims) bool {
	for _, name := range p.config.Claims {
		if _, has := c.Values[name]; name != "" && !has {
			return true
		}
	}
	return false
}

// addUserInfo adds claims that the provider gives at its userinfo endpoint only. What the ID token says stays.
func (p *Provider) addUserInfo(ctx context.Context, m *metadata, token *oauth2.Token, c *auth.Claims) error {
	info, err := m.provider.UserInfo(p.context(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return auth.ErrProviderDown.Wrap(errors.New("userinfo does not answer"))
	}
	if info.Subject != c.Subject {
		return auth.ErrProviderRefused.Wrap(errors.New("userinfo is another subject's"))
	}
	return decode(info.Claims, c)
}

// VerifyLogout implements auth.Provider (OpenID Connect Back-Channel Logout 1.0, section 2.6).
func (p *Provider) VerifyLogout(ctx context.Context, raw string) (auth.Logout, error) {
	m, err := p.get(ctx)
	if err != nil {
		return auth.Logout{}, err
	}
	ctx, outage := withOutage(ctx)
	token, err := m.verifier.VerifyLogout(ctx, raw)
	if outage.cause != nil {
		return auth.Logout{}, auth.ErrProviderDown.Wrap(outage.cause)
	}
	if err != nil {
		return auth.Logout{}, auth.ErrLogoutToken.Wrap(err)
	}
	var extra struct {
		tokenClaims
		Events map[string]map[string]any `json:"events"` // the event's value is an object, or this does not read
	}
	if err := token.Claims(&extra); err != nil {
		return auth.Logout{}, auth.ErrLogoutToken.Wrap(err)
	}
	// The type is recommended, not required, to be logout+jwt; one that says something else is for something else.
	if !typeIn(raw, "", "jwt", "logout+jwt") {
		return auth.Logout{}, auth.ErrLogoutToken.Wrap(errors.New("the token is of another type"))
	}
	if err := issued(extra.IssuedAt); err != nil {
		return auth.Logout{}, auth.ErrLogoutToken.Wrap(err)
	}
	return auth.Logout{
		Issuer: token.Issuer, Subject: token.Subject, SessionID: token.SessionID, TokenID: token.TokenID, ExpiresAt: token.Expiry,
	}, nil
}
