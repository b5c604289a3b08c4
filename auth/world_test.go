package auth_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/mail"
)

const (
	origin   = "http://127.0.0.1:1" // never visited: redirects to it are read, not followed
	password = "correct horse"
)

// world is a portal's sign-in with real providers and a real database.
type world struct {
	t         *testing.T
	clock     *clock.Manual
	database  localtest.TestDatabase
	tables    *pgxpool.Pool // the superuser's
	db        *db.DB
	customers *local.OIDC
	staff     *local.OIDC
	link      bool // the programme lets verified addresses find contacts
	service   *auth.Service
	enqueue   func(context.Context, *db.Tx, mail.Args) error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)), database: localtest.Database(t)}
	w.tables = w.database.Super(t)
	w.customers = w.provider("/sign-in/callback", "/signed-out")
	w.staff = w.provider("/staff/sign-in/callback", "/staff/signed-out")
	w.db = w.database.Open(t, db.Options{Clock: w.clock})
	w.service = w.replica(w.db)
	return w
}

func (w *world) provider(callback, signedOut string) *local.OIDC {
	w.t.Helper()
	p, err := local.StartOIDC(w.t.Context(), local.OIDCOptions{
		Clients: []local.Client{{ID: "portal", Secret: "secret", RedirectURIs: []string{origin + callback}, PostLogoutURIs: []string{origin + signedOut}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close() })
	return p
}

// replica is one more process's service.
func (w *world) replica(d *db.DB) *auth.Service {
	party := func(p *local.OIDC, callback string) *oidc.Provider {
		return oidc.New(oidc.Config{
			Issuer: p.Issuer, ClientID: "portal", ClientSecret: "secret", Scopes: []string{"openid", "profile", "email"}, RedirectURL: origin + callback,
		})
	}
	return auth.NewService(d, auth.Config{
		Secret:  []byte("the secret of all replicas, long enough"),
		Enqueue: w.enqueue,
		Customers: auth.RealmConfig{
			Provider: party(w.customers, "/sign-in/callback"), SignedOutURL: origin + "/signed-out", CustomerClaim: "customer", RoleClaim: "customer_role",
		},
		Staff: auth.RealmConfig{
			Provider: party(w.staff, "/staff/sign-in/callback"), SignedOutURL: origin + "/staff/signed-out", GroupsClaim: "groups",
			Roles: map[auth.Role]string{auth.Support: "helpdesk", auth.Auditor: "audit"},
		},
		LinkVerifiedEmail: func(context.Context) (bool, error) { return w.link, nil },
	})
}

// person makes somebody who can sign in at a provider.
func person(subject, email string, verified bool, claims map[string]any) local.User {
	return local.User{Subject: subject, Email: email, Name: "Name of " + subject, Password: password, EmailVerified: verified, Claims: claims}
}

// customer adds a customer with one imported owner and returns the ids of both: c-REF and k-REF.
func (w *world) customer(ref, email string) (customerID, contactID string) {
	w.t.Helper()
	customerID, contactID = "c-"+ref, "k-"+ref
	w.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
		VALUES ($1, $2, 'Name of ' || $2, 'standard', 'en', 'Europe/Paris', now(), now())`, customerID, ref)
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ($1, $2, $3, 'Imported', 'owner', now(), now())`,
		contactID, customerID, email)
	return customerID, contactID
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.tables.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// count is what a query of one number gives.
func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	err := w.db.InTx(w.t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(w.t.Context(), sql, args...).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// browser is one person's, with cookies at the provider.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), origin) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// authorize goes to the provider, signs in with the form if there is one, and returns what comes back.
func (w *world) authorize(browser *http.Client, address, email string) url.Values {
	w.t.Helper()
	r, err := browser.Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	if r.StatusCode == http.StatusOK {
		if r, err = browser.PostForm(r.Request.URL.String(), url.Values{"email": {email}, "password": {password}}); err != nil {
			w.t.Fatal(err)
		}
		_ = r.Body.Close()
	}
	to, err := r.Location()
	if err != nil {
		w.t.Fatalf("%s does not come back from the provider: %s", email, r.Status)
	}
	return to.Query()
}

// visit is a sign-in that has come back from the provider and is not finished.
func (w *world) visit(start auth.Start, email string) auth.Return {
	w.t.Helper()
	address, secret, err := w.service.Begin(w.t.Context(), start)
	if err != nil {
		w.t.Fatal(err)
	}
	return auth.Return{Realm: start.Realm, Secret: secret, Query: w.authorize(w.browser(), address, email), UserAgent: "Test/1.0"}
}

func (w *world) signIn(realm auth.Realm, email string) (auth.Arrival, error) {
	w.t.Helper()
	return w.service.Finish(w.t.Context(), w.visit(auth.Start{Realm: realm}, email))
}

func (w *world) mustSignIn(realm auth.Realm, email string) auth.Arrival {
	w.t.Helper()
	a, err := w.signIn(realm, email)
	if err != nil {
		w.t.Fatalf("sign in %s: %v", email, err)
	}
	return a
}

func (w *world) resolve(cookie string) (auth.Session, error) {
	return w.service.Resolve(w.t.Context(), cookie, true)
}
