package oidc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"offramp/auth"
)

// What CheckClient finds. ErrUnproved is for providers that do not tell a wrong secret from a wrong code.
var (
	ErrSecret   = errors.New("the provider does not let our client in: its id or its secret is wrong")
	ErrRedirect = errors.New("the provider does not know our redirect address for this client")
	ErrClock    = errors.New("the provider's clock and ours are too far apart for its tokens")
	ErrUnproved = errors.New("the provider does not say whether our secret is right")
)

// refusals of a client at the token endpoint. Source: RFC 6749, section 5.2; the last is what Auth0 says.
var refusals = []string{"invalid_client", "unauthorized_client", "access_denied"}

// CheckClient finds out whether the provider knows our client, its secret and where it sends people back to, as a sign-in would, with
// nobody signing in. ErrSecret, ErrRedirect, ErrClock, ErrUnproved; auth.ErrProviderDown. For doctor.
func (p *Provider) CheckClient(ctx context.Context) error {
	m, err := p.get(ctx)
	if err != nil {
		return err
	}
	if err := p.checkClock(ctx, m); err != nil {
		return err
	}
	if err := p.checkRedirect(ctx); err != nil {
		return err
	}
	return p.checkSecret(ctx, m)
}

// checkSecret has the provider refuse a code that nobody gave, and forget a token that it never made: once with our secret and once with
// one that is wrong for certain. Only where the two are told apart is ours proved. Source: RFC 6749, section 5.2; RFC 7009.
func (p *Provider) checkSecret(ctx context.Context, m *metadata) error {
	grant := url.Values{
		"grant_type": {"authorization_code"}, "code": {"doctor-" + rand.Text()}, "redirect_uri": {p.config.RedirectURL},
		"code_verifier": {oauth2.GenerateVerifier()},
	}
	asks := []struct {
		address string
		form    url.Values
	}{{m.endpoint.TokenURL, grant}, {m.revocation, url.Values{"token": {"doctor-" + rand.Text()}}}}
	for _, ask := range asks {
		if ask.address == "" {
			continue
		}
		ours, said, err := p.letsIn(ctx, m, ask.address, ask.form, p.config.ClientSecret)
		if err != nil {
			return auth.ErrProviderDown.Wrap(err)
		}
		if !ours {
			return fmt.Errorf("%w (it says %s)", ErrSecret, said)
		}
		other, _, err := p.letsIn(ctx, m, ask.address, ask.form, rand.Text())
		if err != nil {
			return auth.ErrProviderDown.Wrap(err)
		}
		if !other {
			return nil
		}
	}
	return ErrUnproved
}

// letsIn sends a form as our client with a secret, and reports whether the provider let the client in, and what it said.
func (p *Provider) letsIn(ctx context.Context, m *metadata, address string, form url.Values, secret string) (in bool, said string, err error) {
	form = maps.Clone(form)
	if m.endpoint.AuthStyle == oauth2.AuthStyleInParams {
		form.Set("client_id", p.config.ClientID)
		form.Set("client_secret", secret)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return false, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if m.endpoint.AuthStyle != oauth2.AuthStyleInParams {
		request.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(secret))
	}
	response, err := p.client.Do(request)
	if err != nil {
		return false, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return false, "", err
	}
	var answer struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	if response.StatusCode >= http.StatusInternalServerError {
		return false, "", fmt.Errorf("it answers %s", response.Status)
	}
	refused := slices.Contains(refusals, answer.Error) || response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
	return !refused, fmt.Sprintf("status %d, error %q", response.StatusCode, answer.Error), nil
}

// checkClock compares the clock in the head of an answer with ours, to the second.
func (p *Provider) checkClock(ctx context.Context, m *metadata) error {
	response, err := p.look(ctx, m.keysURL) //nolint:bodyclose // look has read and closed it
	if err != nil {
		return auth.ErrProviderDown.Wrap(err)
	}
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return nil //nolint:nilerr // a provider need not tell the time
	}
	if apart := time.Since(theirs); apart.Abs() > leeway {
		return fmt.Errorf("%w: %s", ErrClock, apart.Abs().Round(time.Second))
	}
	return nil
}

// checkRedirect asks for a sign-in without a page. A provider that knows the address sends the browser there, or on to a page of its
// own; one that does not must send it nowhere. Source: RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6.
func (p *Provider) checkRedirect(ctx context.Context) error {
	address, err := p.AuthURL(ctx, auth.Challenge{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()})
	if err != nil {
		return err
	}
	response, err := p.look(ctx, address+"&prompt=none") //nolint:bodyclose // look has read and closed it
	if err != nil {
		return auth.ErrProviderDown.Wrap(err)
	}
	to := response.Header.Get("Location")
	back := strings.HasPrefix(to, p.config.RedirectURL+"?") || strings.HasPrefix(to, p.config.RedirectURL+"#")
	switch status := response.StatusCode; {
	case status >= 500:
		return auth.ErrProviderDown.Wrap(fmt.Errorf("its authorization endpoint answers %s", response.Status))
	case status >= 400:
		return fmt.Errorf("%w: %s (it answers %s)", ErrRedirect, p.config.RedirectURL, response.Status)
	case back && strings.Contains(to, "error=unauthorized_client"), back && strings.Contains(to, "error=invalid_client"):
		return fmt.Errorf("%w (at its authorization endpoint)", ErrSecret)
	}
	return nil
}

// look gets an address and follows no redirect.
func (p *Provider) look(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: p.client.Transport, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response, err
}
