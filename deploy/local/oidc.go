package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

// User is somebody who can sign in at a provider.
type User struct {
	Subject       string
	Email         string
	Name          string
	Password      string
	EmailVerified bool
	Featured      bool           // gets a one-click button on the sign-in page
	Note          string         // under the button, such as the role
	Claims        map[string]any // beyond the standard ones, such as groups
}

// Client is a relying party of a provider.
type Client struct {
	ID, Secret     string
	RedirectURIs   []string
	PostLogoutURIs []string
	BackChannelURI string // told of ended sessions; may be empty
}

// OIDCOptions say how to run a provider.
type OIDCOptions struct {
	Address string // default: a free port of this machine. The issuer is made from it
	Name    string // heads the sign-in page
	KeyFile string // keeps the signing key between runs; may be empty
	Users   []User
	Clients []Client
}

// Traffic counts the requests that a provider has got.
type Traffic struct{ Discovery, Keys, Authorize, Token int64 }

// OIDC is a running OpenID provider: authorization code with PKCE, refresh tokens, RP-initiated and back-channel logout. All its
// state is its own, so several run side by side.
type OIDC struct {
	Issuer string

	state     *providerState
	stop      func() error
	down      atomic.Bool
	discovery atomic.Int64
	keys      atomic.Int64
	authorize atomic.Int64
	token     atomic.Int64
	tamper    atomic.Pointer[func(string) string]
}

// StartOIDC starts a provider. It runs until Close.
func StartOIDC(ctx context.Context, o OIDCOptions) (*OIDC, error) {
	signing, err := loadKey(o.KeyFile)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	issuer := "http://" + l.Addr().String()
	p := &OIDC{Issuer: issuer, state: newProviderState(issuer, cmp.Or(o.Name, "Sign-in"), signing)}
	for _, u := range o.Users {
		p.SetUser(u)
	}
	for _, c := range o.Clients {
		p.SetClient(c)
	}
	handler, err := p.handler()
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	p.stop = serve(l, handler)
	return p, nil
}

func (p *OIDC) handler() (http.Handler, error) {
	config := &op.Config{
		CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true, DefaultLogoutRedirectURI: "/signed-out",
		SupportedUILocales:         []language.Tag{language.English, language.SimplifiedChinese},
		SupportedScopes:            []string{"openid", "profile", "email", "offline_access"},
		SupportedClaims:            append([]string{"sid"}, op.DefaultSupportedClaims...),
		BackChannelLogoutSupported: true, BackChannelLogoutSessionSupported: true,
	}
	_, _ = rand.Read(config.CryptoKey[:])
	provider, err := op.NewProvider(config, p.state, op.StaticIssuer(p.Issuer), op.WithLogger(slog.New(slog.DiscardHandler)), op.WithAllowInsecure())
	if err != nil {
		return nil, fmt.Errorf("start OpenID provider: %w", err)
	}
	p.state.callback = op.AuthCallbackURL(provider)
	issuer := op.NewIssuerInterceptor(provider.IssuerFromRequest)
	mux := http.NewServeMux()
	mux.Handle("GET /login", issuer.Handler(http.HandlerFunc(p.state.showLogin)))
	mux.Handle("POST /login", issuer.Handler(http.HandlerFunc(p.state.takeLogin)))
	mux.HandleFunc("GET /signed-out", p.state.showSignedOut)
	mux.Handle("/end_session", p.state.withBrowserSession(provider))
	mux.Handle("/oauth/token", p.tampering(provider))
	mux.Handle("/", provider)
	return p.counted(mux), nil
}

// counted counts what is asked for, and refuses everything while the provider is down.
func (p *OIDC) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			p.discovery.Add(1)
		case "/keys":
			p.keys.Add(1)
		case "/authorize":
			p.authorize.Add(1)
		case "/oauth/token":
			p.token.Add(1)
		}
		if p.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if !serveAssets(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// Close stops answering. Sessions and tokens are forgotten.
func (p *OIDC) Close() error { return p.stop() }

// Down makes every request fail with 503, or ends that.
func (p *OIDC) Down(down bool) { p.down.Store(down) }

// Traffic counts what has been asked for since the start, refused requests included.
func (p *OIDC) Traffic() Traffic {
	return Traffic{Discovery: p.discovery.Load(), Keys: p.keys.Load(), Authorize: p.authorize.Load(), Token: p.token.Load()}
}

// SetUser adds a user or replaces the one of the same subject; tokens issued from now on carry the new claims.
func (p *OIDC) SetUser(u User) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	if _, known := p.state.users[u.Subject]; !known {
		p.state.order = append(p.state.order, u.Subject)
	}
	p.state.users[u.Subject] = u
}

// RemoveUser forgets a user, who can no longer sign in or refresh.
func (p *OIDC) RemoveUser(subject string) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	delete(p.state.users, subject)
}

// SetClient adds a relying party or replaces the one of the same id.
func (p *OIDC) SetClient(c Client) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	p.state.clients[c.ID] = c
}

// RotateKey signs with a new key from now on. The old ones stay published, so that tokens signed with them remain valid.
func (p *OIDC) RotateKey() error {
	k, err := newKey()
	if err != nil {
		return err
	}
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	p.state.keys = append([]*signingKey{k}, p.state.keys...)
	return nil
}

// EndSessions ends every session of a user, as an administrator would, and tells the relying parties of each. It returns what
// went wrong in telling them.
func (p *OIDC) EndSessions(ctx context.Context, subject string) error {
	return p.state.end(ctx, func(s *browserSession) bool { return s.subject == subject })
}

// providerState is everything that a provider remembers. It implements op.Storage.
type providerState struct {
	issuer   string
	name     string
	http     *http.Client
	callback func(context.Context, string) string

	mu       sync.Mutex
	users    map[string]User // by subject
	order    []string        // subjects as they were added
	clients  map[string]Client
	keys     []*signingKey // newest first
	requests map[string]*authRequest
	codes    map[string]string // to request ids
	access   map[string]grant
	refresh  map[string]grant
	sessions map[string]*browserSession // by cookie
}

func newProviderState(issuer, name string, signing *signingKey) *providerState {
	return &providerState{
		issuer: issuer, name: name, http: &http.Client{Timeout: 5 * time.Second}, keys: []*signingKey{signing},
		users: map[string]User{}, clients: map[string]Client{}, requests: map[string]*authRequest{}, codes: map[string]string{},
		access: map[string]grant{}, refresh: map[string]grant{}, sessions: map[string]*browserSession{},
	}
}

// byEmail finds a user; the caller holds mu.
func (s *providerState) byEmail(email string) (User, bool) {
	for _, subject := range s.order {
		if u, ok := s.users[subject]; ok && strings.EqualFold(u.Email, strings.TrimSpace(email)) {
			return u, true
		}
	}
	return User{}, false
}
