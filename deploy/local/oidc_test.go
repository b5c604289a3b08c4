package local

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var xiaowen = User{
	Subject: "u1", Email: "xiaowen@farshore.example", Name: "林晓雯", Password: "demo", EmailVerified: true, Featured: true, Note: "Owner",
	Claims: map[string]any{"customer": "HZ-20418", "groups": []string{"a", "b"}},
}

// relyingParty is a browser and an application that signs in with a provider.
type relyingParty struct {
	t        *testing.T
	provider *OIDC
	found    *gooidc.Provider
	config   oauth2.Config
	verifier *gooidc.IDTokenVerifier
	browser  *http.Client
	logouts  chan *gooidc.LogoutToken
	address  string
}

func newRelyingParty(t *testing.T, users ...User) *relyingParty {
	t.Helper()
	rp := &relyingParty{t: t, logouts: make(chan *gooidc.LogoutToken, 10)}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/logout" {
			token, err := rp.verifier.VerifyLogout(r.Context(), r.PostFormValue("logout_token"))
			if err != nil {
				t.Errorf("logout token: %v", err)
			}
			rp.logouts <- token
		}
	}))
	t.Cleanup(app.Close)
	rp.address = app.URL
	client := Client{ID: "portal", Secret: "s3cret", RedirectURIs: []string{app.URL + "/callback"}, PostLogoutURIs: []string{app.URL + "/bye"}, BackChannelURI: app.URL + "/logout"}
	provider, err := StartOIDC(t.Context(), OIDCOptions{Name: "禾舟", Users: users, Clients: []Client{client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	rp.provider = provider
	if rp.found, err = gooidc.NewProvider(context.Background(), provider.Issuer); err != nil {
		t.Fatal(err)
	}
	rp.verifier = rp.found.Verifier(&gooidc.Config{ClientID: client.ID})
	rp.config = oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, Endpoint: rp.found.Endpoint(), RedirectURL: client.RedirectURIs[0],
		Scopes: []string{"openid", "profile", "email", "offline_access"},
	}
	jar, _ := cookiejar.New(nil)
	rp.browser = &http.Client{Jar: jar}
	return rp
}

func (rp *relyingParty) get(address string) *http.Response {
	rp.t.Helper()
	return rp.answer(rp.browser.Get(address)) // a browser in a test
}

func (rp *relyingParty) answer(res *http.Response, err error) *http.Response {
	rp.t.Helper()
	if err != nil {
		rp.t.Fatal(err)
	}
	rp.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// visit opens the authorization endpoint and fills in the form if there is one.
func (rp *relyingParty) visit(form url.Values) (code, verifier, nonce string, page *http.Response) {
	rp.t.Helper()
	verifier, nonce = oauth2.GenerateVerifier(), "n-"+oauth2.GenerateVerifier()
	page = rp.get(rp.config.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), gooidc.Nonce(nonce)))
	if page.Request.URL.Path == "/login" && form != nil {
		page = rp.answer(rp.browser.PostForm(page.Request.URL.String(), form)) // a browser in a test
	}
	return page.Request.URL.Query().Get("code"), verifier, nonce, page
}

func TestOIDCSignIn(t *testing.T) {
	rp := newRelyingParty(t, xiaowen)
	_, _, _, page := rp.visit(url.Values{"email": {xiaowen.Email}, "password": {"wrong"}})
	if page.StatusCode != http.StatusUnauthorized {
		t.Errorf("wrong password: %s", page.Status)
	}
	code, verifier, nonce, _ := rp.visit(url.Values{"email": {" Xiaowen@farshore.example"}, "password": {"demo"}})
	token, err := rp.config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code worked twice")
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := rp.verifier.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Nonce, Sid, Name, Email, Customer string
		EmailVerified                     bool `json:"email_verified"`
		Groups                            []string
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.Nonce != nonce || claims.Sid == "" || claims.Name != "林晓雯" || claims.Email != xiaowen.Email || !claims.EmailVerified ||
		claims.Customer != "HZ-20418" || len(claims.Groups) != 2 || id.Subject != "u1" {
		t.Errorf("claims: %+v", claims)
	}
	// The browser is signed in: the next visit needs no form, and a wrong verifier is refused.
	code, verifier, _, _ = rp.visit(nil)
	if _, err := rp.config.Exchange(t.Context(), code, oauth2.VerifierOption("x"+verifier)); err == nil {
		t.Error("a wrong PKCE verifier was accepted")
	}
}

func TestOIDCOneClickIsForFeaturedUsers(t *testing.T) {
	hidden := User{Subject: "u2", Email: "b@example.com", Name: "B", Password: "demo"}
	rp := newRelyingParty(t, xiaowen, hidden)
	if _, _, _, page := rp.visit(url.Values{"as": {"u2"}}); page.StatusCode != http.StatusUnauthorized {
		t.Errorf("one click as a hidden user: %s", page.Status)
	}
	_, _, _, page := rp.visit(nil)
	html, _ := io.ReadAll(page.Body)
	if !strings.Contains(string(html), "林晓雯") || strings.Contains(string(html), "b@example.com") {
		t.Error("the page does not show just the featured users")
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+rp.address) {
		t.Errorf("the form may not lead back: %s", policy)
	}
	if code, _, _, _ := rp.visit(url.Values{"as": {"u1"}}); code == "" {
		t.Error("one click did not sign in")
	}
}

func TestOIDCLogout(t *testing.T) {
	rp := newRelyingParty(t, xiaowen)
	end := rp.provider.Issuer + "/end_session?" + url.Values{"client_id": {"portal"}, "post_logout_redirect_uri": {rp.address + "/bye"}, "state": {"z"}}.Encode()
	rp.visit(url.Values{"as": {"u1"}})
	page := rp.get(end)
	if got := page.Request.URL.String(); got != rp.address+"/bye?state=z" {
		t.Errorf("came back to %s", got)
	}
	select {
	case got := <-rp.logouts:
		if got.Subject != "u1" || got.SessionID == "" {
			t.Errorf("logout token: %+v", got)
		}
	default:
		t.Error("the relying party was not told")
	}
	if _, _, _, page := rp.visit(nil); page.Request.URL.Path != "/login" {
		t.Error("the session survived")
	}
	if page := rp.get(strings.Replace(end, "bye", "evil", 1)); page.StatusCode != http.StatusBadRequest {
		t.Errorf("redirect to an unregistered address: %s", page.Status)
	}
	rp.visit(url.Values{"as": {"u1"}})
	if err := rp.provider.EndSessions(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	<-rp.logouts
}

func TestOIDCFaults(t *testing.T) {
	rp := newRelyingParty(t, xiaowen)
	code, verifier, _, _ := rp.visit(url.Values{"as": {"u1"}})
	rp.provider.Tamper(func(string) string { return "not.a.token" })
	token, err := rp.config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil || token.Extra("id_token") != "not.a.token" {
		t.Errorf("tampered token: %v, %v", token, err)
	}
	rp.provider.Tamper(nil)
	before := rp.provider.Traffic().Keys
	if err := rp.provider.RotateKey(); err != nil {
		t.Fatal(err)
	}
	forged, err := rp.provider.Sign("JWT", map[string]any{"iss": rp.provider.Issuer, "aud": "portal", "sub": "u9", "exp": time.Now().Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.verifier.Verify(t.Context(), forged); err != nil {
		t.Errorf("signed with the new key: %v", err)
	}
	if got := rp.provider.Traffic().Keys - before; got != 1 {
		t.Errorf("keys fetched %d times", got)
	}
	rp.provider.Down(true)
	if page := rp.get(rp.provider.Issuer + "/keys"); page.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("down: %s", page.Status)
	}
	rp.provider.Down(false)
}

func TestOIDCClaimsChange(t *testing.T) {
	rp := newRelyingParty(t, xiaowen)
	code, verifier, _, _ := rp.visit(url.Values{"as": {"u1"}})
	token, err := rp.config.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	changed := xiaowen
	changed.Name, changed.EmailVerified = "Lin Xiaowen", false
	rp.provider.SetUser(changed)
	info, err := rp.found.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Name string }
	if err := info.Claims(&claims); err != nil || claims.Name != "Lin Xiaowen" || info.EmailVerified {
		t.Errorf("claims: %+v %+v %v", claims, info, err)
	}
	rp.provider.RemoveUser("u1")
	expired := &oauth2.Token{RefreshToken: token.RefreshToken, Expiry: time.Now().Add(-time.Hour)}
	if _, err := rp.config.TokenSource(t.Context(), expired).Token(); err == nil {
		t.Error("a removed user refreshed")
	}
}

func TestOIDCKeyIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.pem")
	first, err := loadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadKey(file)
	if err != nil || second.id != first.id || !second.private.Equal(first.private) {
		t.Errorf("another key after a restart: %v", err)
	}
}

func TestSteadyAddress(t *testing.T) {
	dir := t.TempDir()
	first, err := SteadyAddress(t.Context(), dir, "issuer")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := SteadyAddress(t.Context(), dir, "mail"); err != nil || other == first {
		t.Errorf("two parts share %s: %v", other, err)
	}
	if again, err := SteadyAddress(t.Context(), dir, "issuer"); err != nil || again != first {
		t.Errorf("moved from %s to %s: %v", first, again, err)
	}
}
