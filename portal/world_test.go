package portal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/outline"
	"offramp/export/storage"
	"offramp/internal/audit"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/figures"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/risk"
	"offramp/migration/governance/rollup"
	"offramp/migration/notice/click"
	"offramp/migration/notice/reach"
	"offramp/migration/notice/reader"
	"offramp/migration/notice/truth"
	"offramp/migration/refund/inspect"
	"offramp/migration/replacement"
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

// day is the morning on which most tests live, in Beijing.
var day = time.Date(2026, time.November, 21, 2, 24, 0, 0, time.UTC)

// fixed is a programme that does not change by itself.
type fixed struct{ p *migration.Programme }

func (f *fixed) Active(context.Context) (*migration.Programme, error) {
	if f.p == nil {
		return nil, migration.ErrNoProgramme
	}
	return f.p, nil
}

func both(en, zh string) migration.Text { return migration.Text{"en": en, "zh-CN": zh} }

func programme(t testing.TB) *migration.Programme {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return &migration.Programme{
		Version: 1, Key: "hezhou", Locales: []string{"zh-CN", "en"}, ZoneName: "Asia/Shanghai", Zone: zone,
		Product: migration.Product{Name: both("Hezhou Teamwork", "禾舟协作"), Company: both("Hezhou Technology", "禾舟科技")},
		Thanks:  both("Thank you for six years.", "感谢您六年来的信任。"),
		Reason:  both("We put all our work into its successor.", "我们将全部精力投入新一代产品。"),
		Milestones: []migration.Milestone{
			{Key: migration.Announcement, Day: migration.NewDay(2026, 8, 31)},
			{Key: migration.SignUpStop, Day: migration.NewDay(2026, 9, 30)},
			{Key: migration.SalesStop, Day: migration.NewDay(2026, 10, 31)},
			{Key: migration.ServiceEnd, Day: migration.NewDay(2027, 1, 31), Effect: both("Projects become read-only.", "项目转为只读。")},
			{Key: migration.ExportDeadline, Day: migration.NewDay(2027, 3, 2)},
			{Key: migration.Erasure, Day: migration.NewDay(2027, 4, 1)},
		},
		Export: migration.ExportRules{KeepDays: 7},
		Datasets: []migration.Dataset{
			{Key: "projects", Name: both("Projects", "项目"), Query: migration.Query{Source: "product", SQL: "SELECT 1"}},
			{Key: "tasks", Name: both("Tasks", "任务"), Query: migration.Query{Source: "product", SQL: "SELECT 1"}},
		},
		Help: migration.Help{
			Email: "moving@hezhou.example", Phone: "400 000 0000", Hours: both("Mon to Fri, 09:00 to 18:00", "周一至周五09:00–18:00"),
			FAQ: []migration.FAQ{
				{Question: both("Can I keep my files?", "文件能保留吗？"), Answer: both("Yes, export them.", "可以，请导出。")},
				{Question: both("What does it cost?", "需要付费吗？"), Answer: both("Nothing.", "不需要。")},
			},
		},
		Brand: migration.Brand{Colour: "#0b7a75"},
	}
}

// T is a test or a fuzz target.
type T = testing.TB

// world is a whole server with the people who use it.
type world struct {
	T
	db        *db.DB // may what the server and a worker may, for what tests prepare and look up
	web       *db.DB // the server's
	clock     *clock.Manual
	programme *fixed
	server    *portal.Server
	url       string
	log       *journal
	logger    *slog.Logger
	customers *migration.Service
	exports   *export.Service
	bucket    *storage.Bucket
	sessions  portal.Sessions // nil: the real ones
	proxy     bool            // files are sent through the portal
	limits    portal.Limits
	proxies   []netip.Prefix
	hosts     []string
	transfers customer.Turns
	cookies   map[string]string // principal -> session secret
	ids       map[string]string // principal -> contact id; "a", "b" -> customer id
	super     localtest.TestDatabase
	tables    *pgxpool.Pool   // the superuser's: who may what is nothing to what a test prepares
	scanner   inspect.Scanner // of documents, which looks when a test says so; nil: there is none
	keys      secret.Keys     // of bank details; nil: none but the installation's own
}

func newWorld(t T) *world {
	t.Helper()
	w := &world{
		T: t, clock: clock.NewManual(day), programme: &fixed{programme(t)}, log: &journal{},
		cookies: map[string]string{"anonymous": ""}, ids: map[string]string{}, super: localtest.Database(t),
	}
	w.tables = w.super.Super(t)
	w.db, w.web = w.super.Open(t, db.Options{Clock: w.clock, MaxConns: 4}), w.super.Web(t, db.Options{Clock: w.clock, MaxConns: 4})
	w.logger = slog.New(slog.NewJSONHandler(w.log, nil))
	w.customers = migration.NewService(w.web)
	w.exports = w.openExports()
	w.people()
	w.serve("http://portal.example")
	return w
}

func (w *world) consoles(kit *page.Kit) *portal.Consoles {
	w.Helper()
	queue, err := jobs.NewInserter(w.web)
	if err != nil {
		w.Fatal(err)
	}
	c, err := portal.NewConsoles(kit, portal.ConsoleParts{
		DB: w.web, Heads: w.heads(), Customers: w.customers, Programmes: migration.NewProgrammes(w.web), Exports: w.exports, Help: assistance.NewService(w.web, queue), Refunds: w.refunds(), Queue: queue, Log: w.logger, Choices: w.choices(), Notices: w.notices(kit), Reach: reach.NewService(w.web, kit.Programmes), Truth: truth.New(w.web, reportSeals), Auth: w.signIn(),
		Plans:     governance.NewService(w.web, w.programme, w.notices(kit), w.logger),
		Approvals: approval.New(w.web, w.programme, w.logger),
		Risks:     risk.New(w.web, w.programme),
		Rollups:   rollup.New(w.web, w.programme, w.logger),
		Figures:   figures.New(w.web, w.programme, w.logger),
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// heads keeps signed heads of the audit log in the bucket.
func (w *world) heads() *audit.Keeper {
	w.Helper()
	signer, err := audit.NewSigner([]byte("a secret of thirty-two characters"))
	if err != nil {
		w.Fatal(err)
	}
	return &audit.Keeper{DB: w.web, Signer: signer, Shelf: storage.NewArchive(w.bucket, "audit/heads/")}
}

func (w *world) serve(public string) {
	base, err := url.Parse(public)
	if err != nil {
		w.Fatal(err)
	}
	sessions := w.sessions
	if sessions == nil {
		sessions = auth.NewService(w.web, auth.Config{})
	}
	kit := &page.Kit{Programmes: w.programme, Clock: w.clock, Public: base, Secret: []byte("a secret of thirty-two characters")}
	w.server, err = portal.New(portal.Options{
		Kit: kit, Sessions: sessions, Log: w.logger,
		Customer: &customer.Pages{Kit: kit, Customers: w.customers, Calendars: calendar.New(w.web), Exports: w.exports, Outlines: outline.New(w.web, w.inserter()), Help: assistance.NewService(w.web, w.inserter()), Choices: w.choices(), Deliveries: w.deliveries(), Receipts: w.receipts(), Proxy: w.proxy, Transfers: w.transfers},
		Settle:   &settle.Pages{Kit: kit, Refunds: w.refunds(), Customers: w.customers},
		Trail:    &trail.Pages{Kit: kit, DB: w.web},
		Inbox:    &inbox.Pages{Kit: kit, Notices: w.notices(kit), Customers: w.customers, Seals: reportSeals, Readers: reader.New(w.web), Texts: true, Clicks: click.New(w.web), Log: w.logger},
		Banner:   &banner.Pages{Kit: kit, Notices: w.notices(kit)},
		SignIn:   &signin.Pages{Kit: kit, Auth: w.signIn()},
		Consoles: w.consoles(kit),
		API:      w.programs(),
		Metrics:  prometheus.NewRegistry(), Ping: w.web.Pool.Ping,
		Limits: w.limits, Proxies: w.proxies, Hosts: w.hosts,
	})
	if err != nil {
		w.Fatal(err)
	}
	s := httptest.NewServer(w.server)
	w.Cleanup(s.Close)
	w.url = s.URL
}

// openExports is the service over the real bucket and queue; no worker takes the jobs.
func (w *world) openExports() *export.Service {
	s3 := localtest.S3(w.T)
	u := url.URL{Scheme: "s3+http", User: url.UserPassword(s3.AccessKey, s3.SecretKey), Host: strings.TrimPrefix(s3.Endpoint, "http://"), Path: "/" + s3.Bucket(w.T)}
	c, err := storage.ParseURL(u.String())
	if err != nil {
		w.Fatal(err)
	}
	bucket, err := storage.Open(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	w.bucket = bucket
	queue, err := jobs.NewInserter(w.web)
	if err != nil {
		w.Fatal(err)
	}
	box, err := secret.New(export.PasswordPurpose, []byte(master))
	if err != nil {
		w.Fatal(err)
	}
	vault := secret.NewVault(secret.VaultOptions{Purpose: export.PasswordPurpose, Ring: box})
	return export.NewService(w.web, w.customers, queue, bucket, export.Options{Passwords: vault})
}

// choices is the service of step 3; the replacement next signs with nextSecret.
func (w *world) choices() *replacement.Service { return w.choicesOf(w.web) }

// choicesOf is the service of a process that signs in to the database otherwise, such as an operator's command.
func (w *world) choicesOf(d *db.DB) *replacement.Service {
	w.Helper()
	s, err := replacement.NewService(d, replacement.Options{
		Queue: w.inserter(), Journeys: w.customers, Secret: []byte("a secret of thirty-two characters"), Secrets: map[string]string{"next": nextSecret},
	})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

const nextSecret = "whsec_bmV4dCBzaWducyB3aXRoIHRoaXMgb25lIHNlY3JldA=="

// inserter enqueues jobs that no worker takes.
func (w *world) inserter() *jobs.Client {
	w.Helper()
	queue, err := jobs.NewInserter(w.web)
	if err != nil {
		w.Fatal(err)
	}
	return queue
}

// signIn is a service whose providers do not answer.
func (w *world) signIn() *auth.Service {
	nobody := auth.RealmConfig{Provider: oidc.New(oidc.Config{Issuer: "http://127.0.0.1:1", ClientID: "portal"})}
	return auth.NewService(w.web, auth.Config{Customers: nobody, Staff: nobody, Enqueue: func(ctx context.Context, tx *db.Tx, m mail.Args) error {
		_, err := w.inserter().InsertTx(ctx, tx, m, nil)
		return err
	}})
}

// people are two customers with their contacts, and one member of staff for each role.
func (w *world) people() {
	w.customer("a", "HZ-20418", "Farshore Design Studio", "Asia/Shanghai")
	w.customer("b", "HZ-7", "Canary Works", "Europe/London")
	w.contact("owner", "a", migration.Owner)
	w.contact("member", "a", migration.Member)
	w.contact("other", "b", migration.Owner)
	w.contact("disabled", "a", migration.Owner)
	w.exec(`UPDATE contact SET state = 'disabled' WHERE id = $1`, w.ids["disabled"])
	for _, role := range auth.Roles {
		w.staff(string(role))
	}
}

func (w *world) tx(fn func(tx *db.Tx) error) {
	w.Helper()
	if err := w.db.InTx(w.Context(), db.SystemScope("test"), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.tables.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

func (w *world) customer(id, ref, name, zone string) {
	w.ids[id] = "customer-" + id
	w.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, $2, $3, 'standard', 'en', $4, $5, $5)`,
		w.ids[id], ref, name, zone, day)
	w.tell(id, migration.Event{Kind: migration.JourneyStarted, Actor: "system"})
}

func (w *world) tell(customer string, e migration.Event) {
	w.Helper()
	w.tx(func(tx *db.Tx) error {
		_, err := w.customers.Tell(w.Context(), tx, w.ids[customer], e)
		return err
	})
}

func (w *world) contact(who, customer, role string) {
	w.ids[who] = "contact-" + who
	w.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		w.ids[who], w.ids[customer], who+"@canary.example", "Lin "+who, role, day)
	w.exec(`INSERT INTO identity (id, realm, issuer, subject, customer_id, contact_id, name, created_at, signed_in_at)
		VALUES ($1, 'customer', 'https://id.example', $1, $2, $3, $1, $4, $4)`, "identity-"+who, w.ids[customer], w.ids[who], day)
	w.session(who, w.ids[customer])
}

func (w *world) staff(role string) {
	w.exec(`INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
		VALUES ($1, 'staff', 'https://staff.example', $1, $1, $2, $3, $3)`, "identity-"+role, []string{role}, day)
	w.session(role, "")
	w.confirmed(role, day.AddDate(5, 0, 0)) // staff who gave their credentials just now, whatever the day
}

// confirmed sets when somebody gave their credentials last.
func (w *world) confirmed(who string, at time.Time) {
	w.exec(`DELETE FROM session WHERE id = $1`, "session-"+who)
	sum := sha256.Sum256([]byte(w.cookies[who]))
	w.exec(`INSERT INTO session (id, token_hash, identity_id, created_at, seen_at, expires_at, authenticated_at, proof, recorded) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, 0)`,
		"session-"+who, hex.EncodeToString(sum[:]), "identity-"+who, day, day.AddDate(5, 0, 0), at, proofOf(w.cookies[who]))
}

func (w *world) session(who, customerID string) {
	w.cookies[who] = "secret-of-" + who
	sum := sha256.Sum256([]byte(w.cookies[who]))
	w.exec(`INSERT INTO session (id, token_hash, identity_id, customer_id, created_at, seen_at, expires_at, proof, recorded)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $5, $6, $7, 0)`,
		"session-"+who, hex.EncodeToString(sum[:]), "identity-"+who, customerID, day, day.AddDate(5, 0, 0), proofOf(w.cookies[who]))
}

// proofOf is what the database keeps of a cookie's proof.
func proofOf(cookie string) string {
	proof := sha256.Sum256([]byte("offramp act\n" + cookie))
	kept := sha256.Sum256([]byte(hex.EncodeToString(proof[:])))
	return hex.EncodeToString(kept[:])
}

// at moves the clock and keeps everybody signed in.
func (w *world) at(now time.Time) {
	w.clock.Set(now)
	w.exec(`UPDATE session SET seen_at = $1`, now)
}

// journal is the server's log. The server writes while tests read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// answer is what came back.
type answer struct {
	status   int
	header   http.Header
	body     string
	location string
}

func (w *world) get(who, path string) answer { return w.do(who, "GET", path, "", nil) }

func (w *world) post(who, path string, form url.Values) answer {
	return w.do(who, "POST", path, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func (w *world) do(who, method, path, body string, header http.Header) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept-Language", "en")
	for name, values := range header {
		r.Header[name] = values
	}
	if secret := w.cookies[who]; secret != "" {
		r.AddCookie(&http.Cookie{Name: page.SessionCookie, Value: secret})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text), res.Header.Get("Location")}
}
