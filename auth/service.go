package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/internal/secret"
)

const (
	signInFor     = 10 * time.Minute    // to come back from the provider
	farewellFor   = 10 * time.Minute    // to go on to the provider's sign-out
	invitationFor = 7 * 24 * time.Hour  // to accept an invitation
	keepEnded     = 30 * 24 * time.Hour // an ended session's row, for questions
	touchEvery    = time.Minute
)

// Config bounds sessions and says how claims are read.
type Config struct {
	Idle     time.Duration // default 30 m
	Lifetime time.Duration // default 12 h

	Customers RealmConfig
	Staff     RealmConfig

	// LinkVerifiedEmail says whether the programme lets an address that the provider has verified find the contact.
	// nil: it does not.
	LinkVerifiedEmail func(context.Context) (bool, error)

	// Secret is the installation's and Before what it was earlier: they seal sign-ins under way into their browsers' cookies, so that
	// a start at one replica ends at any. Without one only this process's own starts end.
	Secret []byte
	Before [][]byte
	// Enqueue has a mail written when the transaction commits. nil: addresses cannot be confirmed.
	Enqueue func(context.Context, *db.Tx, mail.Args) error
}

// RealmConfig is one provider with the names of its claims.
type RealmConfig struct {
	Provider     Provider
	SignedOutURL string // where the provider sends the browser after signing out

	CustomerClaim string          // customers: claim with the customer's number; empty: by invitation only
	RoleClaim     string          // customers: claim with owner or member, for contacts that were not imported
	GroupsClaim   string          // staff: claim with the groups
	Roles         map[Role]string // staff: the group that gives each role
	ACR           []string        // what acr or amr has to be one of; empty: anything
}

// Service is what the portal may ask about identities and sessions. Safe for concurrent use.
type Service struct {
	db     *db.DB
	config Config
	store  store
	box    *secret.Box
}

// NewService works on d.
func NewService(d *db.DB, c Config) *Service {
	if c.Idle == 0 {
		c.Idle = 30 * time.Minute
	}
	if c.Lifetime == 0 {
		c.Lifetime = 12 * time.Hour
	}
	if len(c.Secret) == 0 {
		c.Secret = []byte(newSecret())
	}
	box, err := secret.New("sign-in", c.Secret, c.Before...)
	if err != nil {
		panic(err) // only for an empty secret
	}
	return &Service{db: d, config: c, store: store{db: d}, box: box}
}

// Idle is how long a session lives without a request.
func (s *Service) Idle() time.Duration { return s.config.Idle }

func (s *Service) realm(r Realm) RealmConfig {
	if r == Staff {
		return s.config.Staff
	}
	return s.config.Customers
}

// Start is a wish to sign in.
type Start struct {
	Realm      Realm
	ReturnTo   string // checked by LocalPath; anything else is dropped
	Invitation string // the token of an invitation; empty: none
	Fresh      bool   // ask for credentials even where the provider knows the browser
}

// Begin starts a sign-in and returns the provider's address for the browser, and a secret that the browser must bring back. All that
// is known of it is sealed in the secret: who only starts, and be it a thousand times a second, leaves nothing here.
// ErrProviderDown when the provider does not answer.
func (s *Service) Begin(ctx context.Context, start Start) (redirect, token string, err error) {
	row := underWay{ID: rand.Text(), State: rand.Text(), Nonce: rand.Text(), Verifier: newSecret(), ExpiresAt: s.db.Clock.Now().Add(signInFor)}
	if path, ok := LocalPath(start.ReturnTo); ok {
		row.ReturnTo = path
	}
	if start.Invitation != "" {
		row.Invitation = hash(start.Invitation)
	}
	row.Fresh = start.Fresh
	challenge := Challenge{State: row.State, Nonce: row.Nonce, Verifier: row.Verifier, Fresh: start.Fresh, ACR: s.realm(start.Realm).ACR}
	if redirect, err = s.realm(start.Realm).Provider.AuthURL(ctx, challenge); err != nil {
		return "", "", err
	}
	token, err = s.seal(start.Realm, row)
	return redirect, token, err
}

// Return is a browser that comes back from the provider.
type Return struct {
	Realm     Realm
	Secret    string     // as Begin gave it to this browser
	Query     url.Values // of the address that the provider sent it to
	UserAgent string
	OldCookie string // of a session that this browser still has; it ends with the new one
}

// Arrival is a finished sign-in.
type Arrival struct {
	Cookie   string // the new session's secret
	Session  Session
	ReturnTo string // empty: the realm's home
}

// Finish checks what the provider sent the browser back with, ties the person to a contact or to roles, and begins a
// session. The faults are those of errors.go; each refusal of a person whom the provider has named is in the audit log.
func (s *Service) Finish(ctx context.Context, r Return) (Arrival, error) {
	begun, err := s.take(ctx, r)
	if err != nil {
		return Arrival{}, err
	}
	if err := answerFault(r.Query.Get("error")); err != nil {
		return Arrival{}, err
	}
	claims, err := s.realm(r.Realm).Provider.Exchange(ctx, Answer{
		Code: r.Query.Get("code"), Issuer: r.Query.Get("iss"), Nonce: begun.Nonce, Verifier: begun.Verifier,
	})
	if err != nil {
		return Arrival{}, err
	}
	authenticated, err := authenticatedAt(claims, begun.Fresh, s.db.Clock.Now())
	if err != nil {
		return Arrival{}, err
	}
	weak := !strongEnough(claims, s.realm(r.Realm).ACR)
	link, err := s.linkVerifiedEmail(ctx, r.Realm, claims)
	if err != nil {
		return Arrival{}, err
	}
	cookie, refusal := newSecret(), error(nil)
	err = s.db.InTx(ctx, db.SystemScope("sign-in"), func(tx *db.Tx) error {
		if weak {
			refusal = ErrTooWeak
			return audit.Record(ctx, tx, refusedEntry(admitted{}, r.Realm, claims, ErrTooWeak))
		}
		who, err := s.admit(ctx, tx, r.Realm, claims, begun.Invitation, link)
		if refused(err) {
			refusal = err
			return audit.Record(ctx, tx, refusedEntry(who, r.Realm, claims, err)) // committed: the refusal is the act
		}
		if err != nil {
			return err
		}
		return s.begin(ctx, tx, who, claims, cookie, r, authenticated)
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Arrival{}, err
	}
	session, err := s.Resolve(ctx, cookie, false)
	return Arrival{Cookie: cookie, Session: session, ReturnTo: begun.ReturnTo}, err
}

// begin writes the session and ends the one that the browser had before.
func (s *Service) begin(ctx context.Context, tx *db.Tx, who admitted, claims Claims, cookie string, r Return, authenticated *time.Time) error {
	row := sessionRow{
		ID: rand.Text(), TokenHash: hash(cookie), Proof: hash(proof(cookie)), IdentityID: who.IdentityID, CustomerID: who.CustomerID,
		ProviderSID: clean(claims.SessionID, 255), IDToken: claims.IDToken, UserAgent: clean(r.UserAgent, 300),
		CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(s.config.Lifetime), AuthenticatedAt: authenticated,
	}
	if err := s.store.addSession(ctx, tx, row); err != nil {
		return err
	}
	if r.OldCookie != "" {
		if err := s.store.endByToken(ctx, tx, hash(r.OldCookie)); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: who.actor(), ActorKind: who.kind(), Act: "session.begin", Object: "session " + row.ID, CustomerID: who.CustomerID,
		Detail: map[string]any{"identity": who.IdentityID, "how": who.How},
	})
}

func (s *Service) linkVerifiedEmail(ctx context.Context, realm Realm, c Claims) (bool, error) {
	if realm != Customers || !c.EmailVerified || s.config.LinkVerifiedEmail == nil {
		return false, nil
	}
	return s.config.LinkVerifiedEmail(ctx)
}

// freshFor is how old credentials may be that were asked for by this sign-in, and how far the provider's clock may be off.
const freshFor = signInFor + time.Minute

// authenticatedAt is when credentials were given, by our clock. auth_time is by the world's, as tokens are. A provider that was
// asked for credentials has to say that it has asked for them just now (OpenID Connect Core 1.0, sections 2 and 3.1.2.1).
func authenticatedAt(c Claims, fresh bool, now time.Time) (*time.Time, error) {
	if c.AuthTime.IsZero() {
		if fresh {
			return nil, ErrProviderRefused.Wrap(errors.New("credentials were asked for, and the token does not say when they were given"))
		}
		return nil, nil
	}
	age := max(time.Since(c.AuthTime), 0)
	if fresh && age > freshFor {
		return nil, ErrProviderRefused.Wrap(errors.New("credentials were asked for, and the token names older ones"))
	}
	at := now.Add(-age).Truncate(time.Microsecond)
	return &at, nil
}

// answerFault reads the provider's error parameter (RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6).
func answerFault(code string) error {
	switch code {
	case "":
		return nil
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required":
		return ErrDenied
	case "server_error", "temporarily_unavailable":
		return ErrProviderDown
	}
	return ErrProviderRefused
}

// newSecret returns 260 random bits as text.
func newSecret() string { return rand.Text() + rand.Text() }

// Prove has each transaction under ctx prove that it is the act of the session behind a cookie. What it shows the database is no
// secret that opens the session: it stands in no log as one.
func Prove(ctx context.Context, cookie string) context.Context {
	return db.WithProof(ctx, proof(cookie))
}

// proof is what a cookie proves with.
func proof(cookie string) string { return hash("offramp act\n" + cookie) }

// hash is the form in which secrets are kept. They are random and long, so that one round is enough.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
