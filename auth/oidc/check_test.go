package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"offramp/auth/oidc"
)

// TestCheckClientFindsEachWrongPart registers the client as it should be, then breaks one part at a time.
func TestCheckClientFindsEachWrongPart(t *testing.T) {
	server := startProvider(t)
	for name, c := range map[string]struct {
		change func(*oidc.Config)
		want   error
	}{
		"nothing":  {func(*oidc.Config) {}, nil},
		"secret":   {func(c *oidc.Config) { c.ClientSecret = "another" }, oidc.ErrSecret},
		"redirect": {func(c *oidc.Config) { c.RedirectURL = "http://127.0.0.1:1/elsewhere" }, oidc.ErrRedirect},
		"clock":    {func(c *oidc.Config) { c.Transport = late{} }, oidc.ErrClock},
		"silent": {func(c *oidc.Config) { // it says the same to every secret
			c.Transport = answering{[]string{"/oauth/token", "/revoke"}, http.StatusBadRequest, `{"error":"invalid_grant"}`}
		}, oidc.ErrUnproved},
		"at one of two places": {func(c *oidc.Config) {
			c.ClientSecret = "another"
			c.Transport = answering{[]string{"/oauth/token"}, http.StatusBadRequest, `{"error":"invalid_grant"}`}
		}, oidc.ErrSecret},
	} {
		config := config(server.Issuer)
		c.change(&config)
		if err := oidc.New(config).CheckClient(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("%s is wrong: %v, want %v", name, err, c.want)
		}
	}
	unknown := config(server.Issuer)
	unknown.ClientID = "stranger"
	if err := oidc.New(unknown).CheckClient(t.Context()); err == nil {
		t.Error("a client that nobody knows is let in")
	}
	gone := config("http://127.0.0.1:1")
	if err := oidc.New(gone).CheckClient(t.Context()); !isDown(err) {
		t.Errorf("no provider: %v", err)
	}
}

// late is a provider whose clock is an hour behind.
type late struct{}

func (late) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		response.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	}
	return response, err
}

// answering is a provider that says one thing at one of its addresses.
type answering struct {
	paths  []string
	status int
	body   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(a.paths, r.URL.Path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.WriteString(a.body)
	return w.Result(), nil
}
