package main

import (
	"bytes"
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/deploy/schema"
)

// world is an installation: a schema, a retired product's database, S3, two providers, SMTP, and what a command is told
// of them.
type world struct {
	*testing.T
	database localtest.TestDatabase
	boats    *pgxpool.Pool // the retired product, as its owner
	product  localtest.TestDatabase
	env      map[string]string
}

const boatsSQL = `
	CREATE TABLE owner (ref text, name text, email text);
	CREATE TABLE boat (id int, owner text, name text, log text);
	INSERT INTO owner VALUES ('B-1', 'Anna 安娜', 'anna@boats.example'), ('B-2', 'Bo', 'bo@boats.example');
	INSERT INTO boat VALUES (1, 'B-1', '小船', NULL), (2, 'B-2', 'Skiff', 'leaks');`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, database: localtest.Database(t), product: localtest.EmptyDatabase(t)}
	if err := schema.Demonstrate(t.Context(), w.database.Owner(t), true); err != nil { // one person plays several where a test asks for it
		t.Fatal(err)
	}
	w.boats = w.product.Owner(t)
	if _, err := w.boats.Exec(t.Context(), boatsSQL); err != nil {
		t.Fatal(err)
	}
	s3, smtp := localtest.S3(t), localtest.Mail(t)
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	client := func(id, secret, path string) *local.OIDC {
		return localtest.OIDC(t, nil, local.Client{ID: id, Secret: secret, RedirectURIs: []string{"http://127.0.0.1:8080" + path}})
	}
	host, port, _ := strings.Cut(smtp.SMTP, ":")
	w.env = map[string]string{
		"OFFRAMP_DATABASE_URL": w.database.WorkURL, "OFFRAMP_DATABASE_OWNER_URL": w.database.OwnerURL, "OFFRAMP_DATABASE_MAX_CONNS": "4",
		"OFFRAMP_WEB_URL": "http://127.0.0.1:8080", "OFFRAMP_WEB_LISTEN": "127.0.0.1:0", "OFFRAMP_WEB_METRICS": "off",
		"OFFRAMP_WEB_SECRET_KEY": strings.Repeat("k", 32),
		"OFFRAMP_S3_ENDPOINT":    s3.Endpoint, "OFFRAMP_S3_REGION": s3.Region, "OFFRAMP_S3_BUCKET": s3.Bucket(t),
		"OFFRAMP_S3_ACCESS_KEY": s3.AccessKey, "OFFRAMP_S3_SECRET_KEY": s3.SecretKey,
		"OFFRAMP_CUSTOMER_ISSUER": client("portal", "customers-secret", "/sign-in/callback").Issuer, "OFFRAMP_CUSTOMER_CLIENT_ID": "portal", "OFFRAMP_CUSTOMER_CLIENT_SECRET": "customers-secret",
		"OFFRAMP_STAFF_ISSUER": client("console", "staff-secret", "/staff/sign-in/callback").Issuer, "OFFRAMP_STAFF_CLIENT_ID": "console", "OFFRAMP_STAFF_CLIENT_SECRET": "staff-secret",
		"OFFRAMP_SMTP_HOST": host, "OFFRAMP_SMTP_PORT": port, "OFFRAMP_SMTP_TLS": "none", "OFFRAMP_SMTP_FROM": "moving@boats.example",
		"OFFRAMP_SOURCE_PRODUCT_URL": w.product.OwnerURL, "OFFRAMP_OUTBOUND_ALLOW": "127.0.0.0/8",
		"OFFRAMP_SINK_CRM_URL": sink.URL + "/hook", "OFFRAMP_SINK_CRM_SECRET": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0",
	}
	return w
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

// all is everything that it printed.
func (r result) all() string { return r.out + r.err }

// with returns the same installation with other settings. An empty value removes one.
func (w *world) with(pairs ...string) *world {
	other := *w
	other.env = maps.Clone(w.env)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(other.env, pairs[i])
		} else {
			other.env[pairs[i]] = pairs[i+1]
		}
	}
	return &other
}

// run executes a command line in this process.
func (w *world) run(args ...string) result {
	w.Helper()
	return runWith(w.Context(), w.T, w.env, "", args...)
}

func runWith(ctx context.Context, t *testing.T, env map[string]string, in string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := &console{out: &out, err: &errs, in: strings.NewReader(in)}
	for name, value := range env {
		c.environ = append(c.environ, name+"="+value)
	}
	r := result{code: run(ctx, args, c), out: out.String(), err: errs.String()}
	t.Logf("offramp %s: %d\n%s", strings.Join(args, " "), r.code, r.all())
	for name, value := range env {
		secret := value
		if u, err := url.Parse(value); err == nil && u.User != nil {
			secret, _ = u.User.Password()
		} else if !strings.Contains(name, "SECRET") {
			continue
		}
		if secret != "" && strings.Contains(r.all(), secret) {
			t.Errorf("the secret of %s is printed", name)
		}
	}
	return r
}

// want holds what a command did against what it should: its status and what it prints, in this order of words.
func (r result) want(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d", r.code, code)
	}
	for _, word := range words {
		if !strings.Contains(r.all(), word) {
			t.Errorf("it does not say %q:\n%s", word, r.all())
		}
	}
}

// file writes a file of the test's own.
func (w *world) file(name, content string) string {
	w.Helper()
	path := filepath.Join(w.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// boatsProgramme is a sound programme file for the product above, with pairs of texts replaced.
func (w *world) boatsProgramme(pairs ...string) string {
	w.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "boats.yaml"))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(content), pairs[i]) {
			w.Fatalf("the programme has no %q", pairs[i])
		}
	}
	return w.file("programme.yaml", strings.NewReplacer(pairs...).Replace(string(content)))
}

// inEffect applies the sound programme.
func (w *world) inEffect() {
	w.Helper()
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "-f", w.boatsProgramme(), "--by", "one", "--approve-as", "two").want(w.T, 0, "It is in effect.")
}

// count asks the portal's database as a superuser, whom no row-level security binds.
func (w *world) count(sql string) (n int) {
	w.Helper()
	if err := w.database.Super(w.T).QueryRow(w.Context(), sql).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// nowhere is an address on which nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// hides fails when a command printed a secret.
func (r result) hides(t *testing.T, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(r.all(), s) {
			t.Errorf("it prints the secret %q:\n%s", s, r.all())
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// refunded puts a refund of five cents and its entry of the ledger under the first customer, past the guards that hold
// people to the steps before. With a sealed account it goes to a bank.
func (w *world) refunded(sealed string) {
	w.Helper()
	method, kind := "original", ""
	if sealed != "" {
		method, kind = "bank", "iban"
	}
	conn, err := w.database.Super(w.T).Acquire(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Release()
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`SET session_replication_role = replica`, nil},
		{`INSERT INTO refund (id, ref, customer_id, tier, name_key, state, method, currency, amount, quote, quote_digest, policy_version, account,
				account_kind, requested_by, requested_at, updated_at)
			SELECT 'refund', 'RF-2026-000001', id, tier, lower(name), 'submitted', $1, 'EUR', 5, '{}', repeat('0', 64), '1', $2, $3, 'one', now(), now()
			  FROM customer ORDER BY ref LIMIT 1`, []any{method, sealed, kind}},
		{`INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) SELECT id, customer_id, tier, 'accrue', '1', now() FROM refund`, nil},
		{`INSERT INTO ledger_posting (entry_id, customer_id, account, currency, amount)
			SELECT e.id, e.customer_id, p.account, 'EUR', p.amount FROM ledger_entry e, (VALUES ('prepaid', 5), ('liability', -5)) p (account, amount)`, nil},
		{`RESET session_replication_role`, nil},
	} {
		if _, err := conn.Exec(w.Context(), s.sql, s.args...); err != nil {
			w.Fatal(err)
		}
	}
}

// firstCustomer is the id under which refunded puts a refund.
func (w *world) firstCustomer() (id string) {
	w.Helper()
	if err := w.database.Super(w.T).QueryRow(w.Context(), `SELECT id FROM customer ORDER BY ref LIMIT 1`).Scan(&id); err != nil {
		w.Fatal(err)
	}
	return id
}
