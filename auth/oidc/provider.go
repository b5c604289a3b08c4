package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"offramp/auth"
)

// Config is our registration at one provider.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Scopes       []string
	RedirectURL  string   // where the provider sends the browser back to
	Claims       []string // asked of the userinfo endpoint when the ID token lacks one

	Transport http.RoundTripper // nil: the default
}

const metadataFresh = time.Hour

// sessionAge is how old a session at the provider may be for an ordinary sign-in, in seconds: 30 days, which bothers nobody.
const sessionAge = "2592000"

// Provider implements auth.Provider. Safe for concurrent use.
type Provider struct {
	config   Config
	client   *http.Client
	metadata *remote[*metadata]
}

var _ auth.Provider = (*Provider)(nil)

// New returns a provider that is discovered when it is first needed.
func New(c Config) *Provider {
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	p := &Provider{config: c, client: newClient(c.Transport)}
	p.metadata = newRemote(metadataFresh, p.discover)
	return p
}

// metadata is what the provider says of itself, with what we derive from it. A renewed copy keeps its key set when the
// address of the keys is still the same.
type metadata struct {
	provider   *gooidc.Provider
	endpoint   oauth2.Endpoint
	verifier   *gooidc.IDTokenVerifier
	keys       *keySet
	keysURL    string
	userInfo   bool
	endSession string
	revocation string
	sendsIss   bool
}

// discover reads the provider's metadata (OpenID Connect Discovery 1.0).
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	provider, err := gooidc.NewProvider(p.context(ctx), p.config.Issuer)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		UserInfo      string   `json:"userinfo_endpoint"`
		Keys          string   `json:"jwks_uri"`
		EndSession    string   `json:"end_session_endpoint"`
		Revocation    string   `json:"revocation_endpoint"`
		Methods       []string `json:"token_endpoint_auth_methods_supported"`
		SendsIss      bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&doc); err != nil {
		return nil, fmt.Errorf("read discovery document: %w", err)
	}
	for _, address := range []string{doc.Authorization, doc.Token, doc.Keys} {
		if !p.trusts(address) {
			return nil, fmt.Errorf("discovery document names %q, which is no address as safe as the issuer's", address)
		}
	}
	m := &metadata{provider: provider, endpoint: provider.Endpoint(), keysURL: doc.Keys, userInfo: p.trusts(doc.UserInfo), sendsIss: doc.SendsIss}
	if p.trusts(doc.EndSession) {
		m.endSession = doc.EndSession
	}
	if p.trusts(doc.Revocation) {
		m.revocation = doc.Revocation
	}
	m.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if len(doc.Methods) > 0 && !slices.Contains(doc.Methods, "client_secret_basic") {
		m.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	m.keys = p.keySet(doc.Keys)
	m.verifier = gooidc.NewVerifier(p.config.Issuer, m.keys, &gooidc.Config{ClientID: p.config.ClientID, SupportedSigningAlgs: algorithmNames()})
	return m, nil
}

// trusts reports whether an address is absolute and no less protected than the issuer's.
func (p *Provider) trusts(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(p.config.Issuer, "http://"))
}

// keySet returns the set at url, with the keys that are already known when the provider kept the address.
func (p *Provider) keySet(url string) *keySet {
	p.metadata.mu.Lock()
	defer p.metadata.mu.Unlock()
	if old := p.metadata.value; old != nil && old.keysURL == url {
		return old.keys
	}
	return newKeySet(p.client, url)
}

// get returns the metadata; a failure is ErrProviderDown.
func (p *Provider) get(ctx context.Context) (*metadata, error) {
	m, _, err := p.metadata.get(ctx)
	if err != nil {
		return nil, auth.ErrProviderDown.Wrap(fmt.Errorf("discover %s: %w", p.config.Issuer, err))
	}
	return m, nil
}

// context carries our client to the libraries, which look for it there.
func (p *Provider) context(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, p.client)
}

func (p *Provider) oauth(m *metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: m.endpoint,
		RedirectURL: p.config.RedirectURL, Scopes: p.config.Scopes,
	}
}

// Check reports whether the provider answers with metadata and keys. For doctor.
func (p *Provider) Check(ctx context.Context) error {
	m, err := p.get(ctx)
	if err != nil {
		return err
	}
	keys, _, err := m.keys.keys.get(ctx)
	if err == nil && len(keys) == 0 {
		err = errors.New("it publishes no key that we can use")
	}
	if err != nil {
		return auth.ErrProviderDown.Wrap(errKeys(err))
	}
	return nil
}

// AuthURL implements auth.Provider.
func (p *Provider) AuthURL(ctx context.Context, c auth.Challenge) (string, error) {
	m, err := p.get(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{gooidc.Nonce(c.Nonce), oauth2.S256ChallengeOption(c.Verifier)}
	// OpenID Connect Core 1.0, section 3.1.2.1: max_age makes the provider say auth_time, by which acts that need fresh credentials
	// know those that were given a minute ago. Some providers say it only then.
	maxAge := "0"
	if c.Fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	} else {
		maxAge = sessionAge
	}
	options = append(options, oauth2.SetAuthURLParam("max_age", maxAge))
	if len(c.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(c.ACR, " ")))
	}
	return p.oauth(m).AuthCodeURL(c.State, options...), nil
}

// LogoutURL implements auth.Provider.
func (p *Provider) LogoutURL(ctx context.Context, idToken, returnTo string) (string, error) {
	m, err := p.get(ctx)
	if err != nil || m.endSession == "" {
		return "", err
	}
	u, err := url.Parse(m.endSession)
	if err != nil {
		return "", auth.ErrProviderDown.Wrap(err)
	}
	q := u.Query()
	q.Set("client_id", p.config.ClientID)
	q.Set("post_logout_redirect_uri", returnTo)
	if idToken != "" {
		q.Set("id_token_hint", idToken)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
