package oidc_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/deploy/local"
)

const (
	clientID = "portal"
	secret   = "portal-secret"
	callback = "http://127.0.0.1:1/sign-in/callback" // never visited: the redirect to it is read, not followed
	password = "correct horse"
)

func startProvider(t *testing.T) *local.OIDC {
	t.Helper()
	p, err := local.StartOIDC(t.Context(), local.OIDCOptions{
		Users:   []local.User{{Subject: "u1", Email: "ada@example.com", Name: "Ada", Password: password, EmailVerified: true, Claims: map[string]any{"customer": "C-1", "number": 20418}}},
		Clients: []local.Client{{ID: clientID, Secret: secret, RedirectURIs: []string{callback}, PostLogoutURIs: []string{"http://127.0.0.1:1/signed-out"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func config(issuer string) oidc.Config {
	return oidc.Config{Issuer: issuer, ClientID: clientID, ClientSecret: secret, Scopes: []string{"openid", "profile", "email"}, RedirectURL: callback}
}

// authorize signs ada in at the provider with a fresh browser and returns what the browser is sent back with.
func authorize(t *testing.T, address string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	form, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, form.Body)
	_ = form.Body.Close()
	back, err := browser.PostForm(form.Request.URL.String(), url.Values{"email": {"ada@example.com"}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	_ = back.Body.Close()
	to, err := back.Location()
	if err != nil {
		t.Fatalf("the provider does not send the browser back: %s", back.Status)
	}
	return to.Query()
}

// begin makes a challenge and returns it with the code that the provider answers it by.
func begin(t *testing.T, p *oidc.Provider) (auth.Challenge, auth.Answer) {
	t.Helper()
	c := auth.Challenge{State: "s-" + t.Name(), Nonce: "n-" + t.Name(), Verifier: oauth2.GenerateVerifier()}
	address, err := p.AuthURL(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	query := authorize(t, address)
	if query.Get("state") != c.State {
		t.Fatalf("state %q came back as %q", c.State, query.Get("state"))
	}
	return c, auth.Answer{Code: query.Get("code"), Issuer: query.Get("iss"), Nonce: c.Nonce, Verifier: c.Verifier}
}

func TestSignIn(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	_, answer := begin(t, p)
	claims, err := p.Exchange(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Issuer != server.Issuer || claims.Subject != "u1" || claims.Email != "ada@example.com" || !claims.EmailVerified ||
		claims.SessionID == "" || claims.Text("customer") != "C-1" || claims.Text("number") != "20418" {
		t.Errorf("claims are %+v", claims)
	}
	logout, err := p.LogoutURL(t.Context(), claims.IDToken, "http://127.0.0.1:1/signed-out")
	if err != nil || !strings.HasPrefix(logout, server.Issuer+"/end_session?") || !strings.Contains(logout, "client_id=portal") {
		t.Errorf("logout at %q: %v", logout, err)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestA02_WrongVerifierAndReplayedCodeAreRefused(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	_, answer := begin(t, p)
	wrong := answer
	wrong.Verifier = oauth2.GenerateVerifier()
	if _, err := p.Exchange(t.Context(), wrong); !isRefused(err) {
		t.Errorf("a wrong verifier gives %v", err)
	}
	_, answer = begin(t, p)
	if _, err := p.Exchange(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Exchange(t.Context(), answer); !isRefused(err) {
		t.Errorf("a replayed code gives %v", err)
	}
	// The address carries the challenge, never the verifier.
	c := auth.Challenge{State: "s", Nonce: "n", Verifier: oauth2.GenerateVerifier()}
	address, err := p.AuthURL(t.Context(), c)
	if err != nil || strings.Contains(address, c.Verifier) || !strings.Contains(address, "code_challenge_method=S256") {
		t.Errorf("sent to %s: %v", address, err)
	}
}

func TestAnswerOfAnotherIssuerIsRefused(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	_, answer := begin(t, p)
	answer.Issuer = "https://evil.example"
	if _, err := p.Exchange(t.Context(), answer); !isRefused(err) {
		t.Errorf("another issuer's answer gives %v", err)
	}
}

func TestWrongClientSecretIsOurFault(t *testing.T) {
	server := startProvider(t)
	c := config(server.Issuer)
	c.ClientSecret = "old secret"
	p := oidc.New(c)
	_, answer := begin(t, p)
	_, err := p.Exchange(t.Context(), answer)
	if !isDown(err) {
		t.Errorf("a wrong secret gives %v", err)
	}
	if err != nil && (strings.Contains(err.Error(), answer.Code) || strings.Contains(err.Error(), "old secret")) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestRedirectsAndLargeAnswersAreNotFollowed(t *testing.T) {
	var elsewhere bool
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere = true })
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) },
		"large": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"issuer":"` + strings.Repeat("x", 2<<20) + `"}`))
		},
	} {
		p := oidc.New(config(serve(t, answer)))
		if _, err := p.AuthURL(context.Background(), auth.Challenge{}); !isDown(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if elsewhere {
		t.Error("a redirect was followed")
	}
}
