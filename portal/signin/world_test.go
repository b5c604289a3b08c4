package signin_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/portal"
	"offramp/portal/banner"
	"offramp/portal/customer"
	"offramp/portal/customer/calendar"
	"offramp/portal/customer/inbox"
	"offramp/portal/customer/settle"
	"offramp/portal/page"
	"offramp/portal/signin"
	"offramp/portal/trail"
)

const password = "correct horse"

// programme never changes.
type programme struct{ *migration.Programme }

func (p programme) Active(context.Context) (*migration.Programme, error) { return p.Programme, nil }

func both(en, zh string) migration.Text { return migration.Text{"en": en, "zh-CN": zh} }

// world is the whole portal with real providers.
type world struct {
	*testing.T
	db               *db.DB
	tables           *pgxpool.Pool // the superuser's
	web              *db.DB        // the server\'s
	customers, staff *local.OIDC
	service          *auth.Service
	url              string
	log              *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, log: &bytes.Buffer{}}
	database, options := localtest.Database(t), db.Options{Clock: clock.NewManual(time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC))}
	w.tables = database.Super(t)
	w.db, w.web = database.Open(t, options), database.Web(t, options)
	unstarted := httptest.NewUnstartedServer(nil)
	w.url = "http://" + unstarted.Listener.Addr().String()
	w.customers = w.provider("/sign-in", []local.User{
		person("ada", map[string]any{"customer": "A-1"}), person("bob", map[string]any{"customer": "A-1"}),
		person("nobody", nil), person("stopped", map[string]any{"customer": "B-1"}),
	})
	w.staff = w.provider("/staff/sign-in", []local.User{person("sam", map[string]any{"groups": []string{"helpdesk"}}), person("eve", nil), person("mia", map[string]any{"groups": []string{"managers"}})})
	w.service = auth.NewService(w.web, auth.Config{
		Secret:            []byte("the secret of all replicas, long enough"),
		Customers:         auth.RealmConfig{Provider: w.party(w.customers, "/sign-in"), SignedOutURL: w.url + "/signed-out", CustomerClaim: "customer"},
		Staff:             auth.RealmConfig{Provider: w.party(w.staff, "/staff/sign-in"), SignedOutURL: w.url + "/signed-out", GroupsClaim: "groups", Roles: map[auth.Role]string{auth.Support: "helpdesk", auth.ProgrammeManager: "managers"}},
		LinkVerifiedEmail: func(context.Context) (bool, error) { return true, nil },
	})
	unstarted.Config.Handler = w.portal(w.url)
	unstarted.Start()
	t.Cleanup(unstarted.Close)
	w.people()
	return w
}

func person(name string, claims map[string]any) local.User {
	return local.User{Subject: name, Email: name + "@canary.example", Name: "Name of " + name, Password: password, EmailVerified: true, Claims: claims}
}

func (w *world) provider(root string, users []local.User) *local.OIDC {
	return localtest.OIDC(w.T, users, local.Client{
		ID: "portal", Secret: "secret", RedirectURIs: []string{w.url + root + "/callback"}, PostLogoutURIs: []string{w.url + "/signed-out"},
		BackChannelURI: w.url + root + "/back-channel-logout",
	})
}

func (w *world) party(p *local.OIDC, root string) *oidc.Provider {
	return oidc.New(oidc.Config{
		Issuer: p.Issuer, ClientID: "portal", ClientSecret: "secret", Scopes: []string{"openid", "profile", "email"}, RedirectURL: w.url + root + "/callback",
	})
}

// portal builds the server as browsers would reach it at an address.
func (w *world) portal(public string) *portal.Server {
	w.Helper()
	base, err := url.Parse(public)
	if err != nil {
		w.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		w.Fatal(err)
	}
	kit := &page.Kit{Clock: w.db.Clock, Public: base, Programmes: programme{&migration.Programme{
		Version: 1, Key: "x", Locales: []string{"en", "zh-CN"}, ZoneName: "Asia/Shanghai", Zone: zone,
		Product: migration.Product{Name: both("Hezhou", "禾舟"), Company: both("Hezhou Ltd", "禾舟科技")},
		Milestones: []migration.Milestone{
			{Key: migration.Announcement, Day: migration.NewDay(2026, 8, 31)},
			{Key: migration.SalesStop, Day: migration.NewDay(2026, 10, 31)},
			{Key: migration.ServiceEnd, Day: migration.NewDay(2027, 1, 31)},
			{Key: migration.ExportDeadline, Day: migration.NewDay(2027, 3, 2)},
		},
		Help: migration.Help{Email: "help@hezhou.example"},
	}}}
	s, err := portal.New(portal.Options{
		Kit: kit, Sessions: w.service, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Ping: w.web.Pool.Ping,
		Customer: &customer.Pages{Kit: kit, Customers: migration.NewService(w.web), Calendars: calendar.New(w.web)},
		Settle:   &settle.Pages{Kit: kit},
		Inbox:    &inbox.Pages{Kit: kit},
		Trail:    &trail.Pages{Kit: kit},
		Banner:   &banner.Pages{Kit: kit},
		SignIn:   &signin.Pages{Kit: kit, Auth: w.service},
		Consoles: w.consoles(kit),
	})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) consoles(kit *page.Kit) *portal.Consoles {
	w.Helper()
	queue, err := jobs.NewInserter(w.web)
	if err != nil {
		w.Fatal(err)
	}
	c, err := portal.NewConsoles(kit, portal.ConsoleParts{
		DB: w.web, Customers: migration.NewService(w.web), Programmes: migration.NewProgrammes(w.web), Queue: queue, Auth: w.service, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// people are customer A-1 with two contacts, and B-1, which is disabled.
func (w *world) people() {
	w.Helper()
	w.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, state, imported_at, updated_at) VALUES
		('a', 'A-1', 'Farshore', 'standard', 'en', 'Europe/Paris', 'active', now(), now()), ('b', 'B-1', 'Stopped', 'standard', 'en', 'UTC', 'disabled', now(), now())`)
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES
		('ada', 'a', 'ada@canary.example', 'Ada', 'owner', now(), now()), ('bob', 'a', 'bob@canary.example', 'Bob', 'member', now(), now()),
		('stopped', 'b', 'stopped@canary.example', 'S', 'owner', now(), now())`)
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := migration.NewService(w.web).Tell(w.Context(), tx, "a", migration.Event{Kind: migration.JourneyStarted, Actor: "system"})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(w.Context(), sql, args...)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) count(sql string) (n int) {
	w.Helper()
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(w.Context(), sql).Scan(&n)
	})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// visitor is a browser; signIn goes through the provider from start and returns the page it ends on.
func (w *world) visitor() *local.Visitor { return local.NewVisitor(w.url) }

func (w *world) signIn(v *local.Visitor, start, who string) local.Page {
	w.Helper()
	// A refusal is a page that the tests look at, and to the visitor an error.
	p, err := v.SignIn(w.Context(), start, who+"@canary.example", password)
	if p.URL == nil {
		w.Fatalf("%s: %v", start, err)
	}
	return p
}

func (w *world) get(v *local.Visitor, path string) local.Page {
	w.Helper()
	p, err := v.Get(w.Context(), path)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) post(v *local.Visitor, path string, form url.Values) local.Page {
	w.Helper()
	p, err := v.Post(w.Context(), path, form)
	if err != nil {
		w.Fatal(err)
	}
	return p
}
