package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local"
	"offramp/deploy/local/localkms"
	"offramp/deploy/local/localtest"
	"offramp/internal/secret"
	"offramp/migration/refund"
)

func TestDoctorFindsEverythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("doctor").want(
		t, 0, "ok    configuration", "ok    database role: offramp_worker, for work", "ok    database rights: as they are meant", "ok    schema: ", "ok    customers' rows: kept from each other", "ok    database: PostgreSQL 1", "ok    clock", "ok    storage: bucket "+w.env["OFFRAMP_S3_BUCKET"],
		"ok    customers' provider: "+w.env["OFFRAMP_CUSTOMER_ISSUER"], "ok    staff's provider: ", "ok    mail: ", "ok    programme: boats, version 1",
		"ok    sinks: 1", "ok    sources: 1 datasets answer", "-     Stripe: not configured", "-     bank account: not configured",
		"-     scanner of documents: not configured, so that documents of refunds are not scanned for malware", "Everything answers.",
	)
}

// TestDoctorTriesWhatPays gives refunds a provider and an account, then breaks each.
func TestDoctorTriesWhatPays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.boats.Exec(t.Context(), boatPayments); err != nil {
		t.Fatal(err)
	}
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "-f", w.settlingBoats(boatQuery), "--by", "one", "--approve-as", "two").want(t, 0, "It is in effect.")
	w.run("doctor").want(t, 1, "-     Stripe: not configured", "WRONG bank account: the programme lets customers choose a bank account", "mend: set OFFRAMP_BANK_NAME and", "1 to mend.")
	provider := localtest.Stripe(t, local.StripeOptions{})
	w = w.with(
		"OFFRAMP_STRIPE_KEY", provider.Key, "OFFRAMP_STRIPE_URL", provider.URL, "OFFRAMP_STRIPE_WEBHOOK_SECRETS", provider.Secrets[0],
		"OFFRAMP_BANK_NAME", "河舟软件有限公司", "OFFRAMP_BANK_ACCOUNT", "31050123456789012345", "OFFRAMP_BANK_CNAPS", "102290000017", "OFFRAMP_BANK_UNICODE", "yes",
	)
	w.run("doctor").want(t, 0, "ok    Stripe\n", "ok    bank account: 河舟软件有限公司, in ", "Everything answers.")
	for _, c := range []struct {
		settings []string
		says     []string
	}{
		{[]string{"OFFRAMP_STRIPE_KEY", "sk_test_stranger"}, []string{"WRONG Stripe: Stripe refuses our key", "mend: correct OFFRAMP_STRIPE_KEY"}},
		{[]string{"OFFRAMP_STRIPE_URL", "http://" + nowhere(t)}, []string{"WRONG Stripe: Stripe does not answer", "mend: clear the way", "connection refused"}},
		{[]string{"OFFRAMP_STRIPE_URL", w.env["OFFRAMP_CUSTOMER_ISSUER"]}, []string{"WRONG Stripe: what answers is not Stripe", "mend: correct OFFRAMP_STRIPE_URL"}},
		{[]string{"OFFRAMP_BANK_UNICODE", "no"}, []string{"WRONG bank account: no bank file can be written", "mend: correct OFFRAMP_BANK_*"}},
		{[]string{"OFFRAMP_BANK_CNAPS", ""}, []string{"WRONG bank account: the number of our account does not say which bank", "mend: set OFFRAMP_BANK_CNAPS"}},
	} {
		r := w.with(c.settings...).run("doctor")
		r.want(t, 1, append(c.says, "1 to mend.")...)
		r.hides(t, "sk_test_stranger", provider.Key, provider.Secrets[0])
	}
}

// TestDoctorNamesEachBrokenPart breaks one part at a time. The doctor must find that part wrong, say what mends it, and
// find the others in order.
func TestDoctorNamesEachBrokenPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	gone := nowhere(t)
	_, port, err := net.SplitHostPort(gone)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		settings []string
		says     []string
	}{
		{"S3 secret", []string{"OFFRAMP_S3_SECRET_KEY", "not-the-secret-key"}, []string{"WRONG storage: bucket ", "refuses our key", "mend: correct the key in OFFRAMP_S3_*", "SignatureDoesNotMatch"}},
		{"S3 key", []string{"OFFRAMP_S3_ACCESS_KEY", "stranger"}, []string{"WRONG storage: bucket ", "refuses our key", "mend: correct the key in OFFRAMP_S3_*"}},
		{"bucket", []string{"OFFRAMP_S3_BUCKET", "no-such-bucket"}, []string{"WRONG storage: bucket no-such-bucket at ", "does not exist", "mend: create the bucket, or correct its name in OFFRAMP_S3_*"}},
		{"S3 server", []string{"OFFRAMP_S3_ENDPOINT", "http://" + gone}, []string{"WRONG storage: bucket ", "does not answer", "mend: start it, or correct the address in OFFRAMP_S3_*", "connection refused"}},
		{"customers' provider", []string{"OFFRAMP_CUSTOMER_ISSUER", "http://" + gone}, []string{"WRONG customers' provider: http://" + gone + ": it does not answer", "mend: correct OFFRAMP_CUSTOMER_ISSUER"}},
		{"issuer", []string{"OFFRAMP_STAFF_ISSUER", strings.Replace(w.env["OFFRAMP_STAFF_ISSUER"], "127.0.0.1", "localhost", 1)}, []string{"WRONG staff's provider: it calls itself " + w.env["OFFRAMP_STAFF_ISSUER"], "mend: correct OFFRAMP_STAFF_ISSUER"}},
		{"no provider", []string{"OFFRAMP_STAFF_ISSUER", w.env["OFFRAMP_S3_ENDPOINT"]}, []string{"WRONG staff's provider: ", "it answers 40", "/.well-known/openid-configuration"}},
		{"SMTP", []string{"OFFRAMP_SMTP_PORT", port}, []string{"WRONG mail: reach mail server 127.0.0.1: ", "mend: correct OFFRAMP_SMTP_HOST"}},
		{"role", []string{"OFFRAMP_DATABASE_URL", w.database.SuperURL}, []string{"WRONG database role: ", "superuser or has BYPASSRLS", "mend: sign in as a role that is a member of offramp_serve"}},
		{"both roles in one", []string{"OFFRAMP_DATABASE_URL", w.database.AppURL}, []string{"WRONG database role: offramp_both may what the web side and the workers may together", "mend: part them"}},
		{"neither role", []string{"OFFRAMP_DATABASE_URL", w.database.OwnerURL}, []string{"WRONG database role: offramp_owner is a member of neither"}},
		{"sink", []string{"OFFRAMP_SINK_CRM_URL", "", "OFFRAMP_SINK_CRM_SECRET", ""}, []string{`WRONG sinks: the programme's sink "crm" has no address`, "mend: set OFFRAMP_SINK_CRM_URL and OFFRAMP_SINK_CRM_SECRET"}},
		{"customers' client secret", []string{"OFFRAMP_CUSTOMER_CLIENT_SECRET", "last-years-secret"}, []string{"WRONG customers' provider: ", "does not let the client portal in", "mend: correct OFFRAMP_CUSTOMER_CLIENT_ID and OFFRAMP_CUSTOMER_CLIENT_SECRET"}},
		{"staff's client secret", []string{"OFFRAMP_STAFF_CLIENT_SECRET", "last-years-secret"}, []string{"WRONG staff's provider: ", "does not let the client console in"}},
		{"redirect address", []string{"OFFRAMP_STAFF_ISSUER", w.env["OFFRAMP_CUSTOMER_ISSUER"], "OFFRAMP_STAFF_CLIENT_ID", "portal", "OFFRAMP_STAFF_CLIENT_SECRET", "customers-secret"}, []string{"WRONG staff's provider: ", "not with this redirect address", "mend: register http://127.0.0.1:8080/staff/sign-in/callback there"}},
		{"list of uploads", []string{"OFFRAMP_S3_ENDPOINT", w.store(func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && r.URL.Query().Has("uploads") {
				rw.WriteHeader(http.StatusNotImplemented)
				return true
			}
			return false
		})}, []string{"WRONG storage: bucket ", "does not list unfinished uploads", "mend: grant s3:ListBucketMultipartUploads"}},
		{"forgetful list of uploads", []string{"OFFRAMP_S3_ENDPOINT", w.store(func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && r.URL.Query().Has("uploads") {
				_, _ = io.WriteString(rw, `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`)
				return true
			}
			return false
		})}, []string{"WRONG storage: bucket ", "does not list unfinished uploads"}},
		{"parts", []string{"OFFRAMP_S3_ENDPOINT", w.store(func(rw http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("partNumber") {
				rw.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		})}, []string{"WRONG storage: bucket ", "refuses our key"}},
		{"public bucket", []string{"OFFRAMP_S3_ENDPOINT", w.store(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && r.URL.RawQuery == "" && r.Header.Get("Authorization") == "" {
				return true
			}
			return false
		})}, []string{"WRONG storage: bucket ", "gives files to anybody", "mend: make the bucket private"}},
		{"link", []string{"OFFRAMP_S3_PUBLIC_ENDPOINT", w.env["OFFRAMP_CUSTOMER_ISSUER"]}, []string{"WRONG storage: a link as customers get it does not give the file", "mend: correct OFFRAMP_S3_PUBLIC_ENDPOINT"}},
		{"sender", []string{"OFFRAMP_SMTP_PORT", stubborn(t)}, []string{"WRONG mail: mail server 127.0.0.1 does not take the sender of OFFRAMP_SMTP_FROM: 550 \"no such"}},
		{"sink's network", []string{"OFFRAMP_OUTBOUND_ALLOW", "10.20.0.0/16"}, []string{`WRONG sinks: the address of the sink "crm" is not public`, "mend: name its range in OFFRAMP_OUTBOUND_ALLOW"}},
		{"sink's server", []string{"OFFRAMP_SINK_CRM_URL", "http://" + gone + "/hook"}, []string{`WRONG sinks: the sink "crm" cannot be reached`, "mend: start it, or correct OFFRAMP_SINK_CRM_URL"}},
		{"sink's TLS", []string{"OFFRAMP_SINK_CRM_URL", "https://" + strings.TrimPrefix(w.env["OFFRAMP_SINK_CRM_URL"], "http://")}, []string{`WRONG sinks: the sink "crm" cannot be reached`}},
		{"sink's secret", []string{"OFFRAMP_SINK_CRM_SECRET", "whsec_?"}, []string{`WRONG sinks: the secret of the sink "crm" is not whsec_ and base64`}},
		{"source", []string{"OFFRAMP_SOURCE_PRODUCT_URL", "postgres://reader:hidden-word@" + gone + "/product"}, []string{`WRONG sources: source "product" at ` + gone, "does not answer", "mend: start it, or correct the address in OFFRAMP_SOURCE_PRODUCT_URL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := runWith(t.Context(), t, w.with(c.settings...).env, "", "doctor")
			r.want(t, 1, append(c.says, "1 to mend.")...)
			r.hides(t, "hidden-word", "not-the-secret-key", "last-years-secret")
		})
	}
}

// clamd speaks a scanner's protocol: it finds whatever holds one of the words.
func clamd(t *testing.T, words ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	scan := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		if _, err := r.ReadString(0); err != nil {
			return
		}
		var body strings.Builder
		for size := uint32(1); size > 0; {
			if binary.Read(r, binary.BigEndian, &size) != nil {
				return
			}
			_, _ = io.CopyN(&body, r, int64(size))
		}
		for _, word := range words {
			if strings.Contains(body.String(), word) {
				_, _ = io.WriteString(conn, "stream: Its-Signature FOUND\x00")
				return
			}
		}
		_, _ = io.WriteString(conn, "stream: OK\x00")
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go scan(conn)
		}
	}()
	return "tcp://" + l.Addr().String()
}

// TestDoctorHasTheScannerRefuseSomething gives documents a scanner, then breaks it in each way.
func TestDoctorHasTheScannerRefuseSomething(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	good := clamd(t, "EICAR")
	w.with("OFFRAMP_SCAN_CLAMD", good).run("doctor").want(t, 0, "ok    scanner of documents: "+good+" calls the test file Its-Signature", "Everything answers.")
	for _, c := range []struct {
		settings []string
		says     []string
	}{
		{[]string{"OFFRAMP_SCAN_CLAMD", clamd(t)}, []string{"answers, but its word is worth nothing", "it lets the test file pass", "mend: update its signatures"}},
		{[]string{"OFFRAMP_SCAN_CLAMD", clamd(t, "EICAR", "PDF")}, []string{"answers, but its word is worth nothing", "where nothing is"}},
		{[]string{"OFFRAMP_SCAN_CLAMD", "tcp://" + nowhere(t)}, []string{"does not do its part", "connection refused", "mend: start it"}},
		{[]string{"OFFRAMP_SCAN_ICAP", "icap://" + nowhere(t) + "/avscan"}, []string{"does not do its part", "connection refused"}},
		{[]string{"OFFRAMP_SCAN_ICAP", strings.Replace(w.env["OFFRAMP_CUSTOMER_ISSUER"], "http:", "icap:", 1) + "/avscan"}, []string{"does not do its part", "no ICAP server"}},
	} {
		w.with(c.settings...).run("doctor").want(t, 1, append(c.says, "WRONG scanner of documents: ", "1 to mend.")...)
	}
	const waits = `INSERT INTO refund_document (id, refund_id, customer_id, object_key, name, kind, uploader, uploader_kind, shown, begun_at, attached_at, size, sha256, scan)
		VALUES ('d', 'r', 'c', 'documents/' || repeat('0', 64), 'x.pdf', 'pdf', 'k', 'customer', true, now(), now() - interval '1 hour', 1, repeat('0', 64), 'pending')`
	if _, err := w.database.Super(t).Exec(t.Context(), `ALTER TABLE refund_document DROP CONSTRAINT refund_document_customer_id_refund_id_fkey; `+waits); err != nil {
		t.Fatal(err)
	}
	w.with("OFFRAMP_SCAN_CLAMD", good).run("doctor").want(t, 1, "WRONG scanner of documents: the scanner answers here, and documents wait for it: 1 since", "mend: look whether offramp work runs")
	w.run("doctor").want(t, 1, "WRONG scanner of documents: documents wait for a scanner, and none is configured: 1 since", "mend: set OFFRAMP_SCAN_CLAMD or OFFRAMP_SCAN_ICAP")
}

func TestDoctorComparesTheRightsWithThoseThatAreMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	owner := w.database.Owner(t)
	for _, sql := range []string{`GRANT INSERT ON payment TO offramp_serve`, `GRANT UPDATE (roles) ON identity TO PUBLIC`, `REVOKE DELETE ON session FROM offramp_work`} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	w.run("doctor").want(t, 1, "WRONG database rights: PUBLIC has update of identity.roles, which is not meant", "WRONG database rights: offramp_serve has insert of payment, which is not meant",
		"WRONG database rights: offramp_work lacks delete of session", "mend: run: offramp schema up", "ok    database role")
	w.run("schema", "up").want(t, 0, "up to date")
	w.with("OFFRAMP_DATABASE_URL", w.database.WebURL).run("doctor").want(t, 0, "ok    database role: offramp_web, for serve", "ok    database rights: as they are meant", "Everything answers.")
}

func TestDoctorOfADatabaseThatIsNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("doctor").want(t, 1, "WRONG programme: none is in effect", "mend: offramp apply -f programme.yaml", "-     sinks: not tried", "-     sources: not tried", "1 to mend.")
	w.with("OFFRAMP_DATABASE_URL", localtest.EmptyDatabase(t).AppURL).run("doctor").
		want(t, 1, "WRONG schema: the database has no schema yet", "mend: run: offramp schema up", "ok    storage: ")
	w.with("OFFRAMP_DATABASE_URL", "postgres://offramp_web:hidden-word@"+nowhere(t)+"/offramp").run("doctor").
		want(t, 1, "WRONG database: the database offramp at 127.0.0.1:", "(OFFRAMP_DATABASE_URL) does not answer", "mend: start it",
			"-     schema: not tried, it needs the database", "ok    storage: ", "ok    mail: ", "1 to mend.")
	w.with("OFFRAMP_S3_BUCKET", "", "OFFRAMP_SMTP_FROM", "").run("doctor").
		want(t, 1, "WRONG configuration: the configuration has 2 problem(s)", "OFFRAMP_S3_BUCKET: is not set", "OFFRAMP_SMTP_FROM: is not set")
}

func TestDoctorOfASourceThatHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	if _, err := w.boats.Exec(t.Context(), `ALTER TABLE boat DROP COLUMN log`); err != nil {
		t.Fatal(err)
	}
	w.run("doctor").want(t, 1, `WRONG sources: datasets[boats]: source "product" at `, `column "log" does not exist`, "mend: correct the query in the programme file, or the source")
}

// TestDoctorTriesTheKeysOfBankDetails wraps and unwraps by a key management service, then breaks the way to it.
func TestDoctorTriesTheKeysOfBankDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("doctor").want(t, 0, "ok    keys of bank details: by OFFRAMP_WEB_SECRET_KEY\n")
	service, err := localkms.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Close() })
	key, err := service.CreateKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w = w.with(
		"OFFRAMP_KMS_KEY", key, "OFFRAMP_KMS_ENDPOINT", service.URL, "OFFRAMP_KMS_REGION", localkms.Region,
		"OFFRAMP_KMS_ACCESS_KEY", "id", "OFFRAMP_KMS_SECRET_KEY", "CANARY-secret",
	)
	w.run("doctor").want(t, 0, "ok    keys of bank details: "+key+"\n")
	w.with("OFFRAMP_KMS_KEY", "", "OFFRAMP_KMS_OLD_KEYS", key).run("doctor").want(t, 0, "ok    keys of bank details: by OFFRAMP_WEB_SECRET_KEY; 1 earlier")
	for _, c := range []struct{ name, value, says string }{
		{"OFFRAMP_KMS_KEY", "alias/nobody", "NotFoundException"},
		{"OFFRAMP_KMS_ENDPOINT", "http://" + nowhere(t), "connection refused"},
	} {
		r := w.with(c.name, c.value).run("doctor")
		r.want(t, 1, "WRONG keys of bank details: the key management service does not wrap and unwrap keys for us", "mend: correct OFFRAMP_KMS_KEY", c.says, "1 to mend.")
		r.hides(t, "CANARY-secret")
	}
	w.with("OFFRAMP_KMS_SECRET_KEY", "").run("doctor").want(t, 1, "OFFRAMP_KMS_ACCESS_KEY: set both")
	w.with("OFFRAMP_KMS_ENDPOINT", "http://kms.example.com").run("doctor").want(t, 1, "OFFRAMP_KMS_ENDPOINT: must be https")
}

// store is the S3 server behind a proxy that may answer in its stead.
func (w *world) store(answer func(http.ResponseWriter, *http.Request) bool) string {
	w.Helper()
	target, err := url.Parse(w.env["OFFRAMP_S3_ENDPOINT"])
	if err != nil {
		w.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !answer(rw, r) {
			proxy.ServeHTTP(rw, r)
		}
	}))
	w.Cleanup(server.Close)
	return server.URL
}

// stubborn is a mail server that lets everybody in and takes no sender. It returns its port.
func stubborn(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = fmt.Fprint(conn, "220 stubborn\r\n")
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					reply := "250 yes\r\n"
					switch {
					case strings.HasPrefix(lines.Text(), "MAIL FROM:<"):
						reply = "550 no such sender here\r\n"
					case strings.HasPrefix(lines.Text(), "MAIL"): // RFC 5321 has it in angle brackets, and servers hold to that.
						reply = "501 bad syntax\r\n"
					}
					_, _ = fmt.Fprint(conn, reply)
				}
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestDoctorSaysWhatItCouldNotTry reaches the store, but not by the address that customers get.
func TestDoctorSaysWhatItCouldNotTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.with("OFFRAMP_S3_PUBLIC_ENDPOINT", "http://"+nowhere(t)).run("doctor").
		want(t, 0, "-     storage: bucket ", "a link as customers get it was not tried", "Everything answers.")
}

// TestDoctorTriesTheDatabase breaks one thing of the database at a time, and mends it.
func TestDoctorTriesTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	super := w.database.Super(t)
	name, err := url.Parse(w.database.WorkURL)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(name.Path, "/")
	for _, c := range []struct {
		breaks, mends string
		says          []string
	}{
		{`ALTER TABLE audit DISABLE ROW LEVEL SECURITY`, `ALTER TABLE audit ENABLE ROW LEVEL SECURITY`, []string{"WRONG customers' rows: row-level security does not protect customers"}},
		{`ALTER TABLE audit NO FORCE ROW LEVEL SECURITY; ALTER TABLE audit RENAME TO audit_away`, `ALTER TABLE audit_away RENAME TO audit; ALTER TABLE audit FORCE ROW LEVEL SECURITY`, []string{"WRONG customers' rows: "}},
		{`REVOKE INSERT ON audit FROM offramp_work`, `GRANT INSERT ON audit TO offramp_work`, []string{"WRONG customers' rows: ", "refuses a right that we need", "WRONG database rights: "}},
		{`UPDATE river_migration SET version = version + 100`, `UPDATE river_migration SET version = version - 100`, []string{"WRONG schema: ", "queue"}},
		{`ALTER DATABASE "` + database + `" SET default_transaction_isolation = 'serializable'`, `ALTER DATABASE "` + database + `" RESET default_transaction_isolation`, []string{"WRONG database: transactions are serializable by default"}},
	} {
		if _, err := super.Exec(t.Context(), c.breaks); err != nil {
			t.Fatal(err)
		}
		w.run("doctor").want(t, 1, c.says...)
		if _, err := super.Exec(t.Context(), c.mends); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{
		`CREATE SCHEMA skewed`, `GRANT USAGE ON SCHEMA skewed TO public`,
		`CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 minute'''`,
		`ALTER DATABASE "` + database + `" SET search_path = public, skewed, pg_catalog`,
	} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	w.run("doctor").want(t, 1, "WRONG clock: this machine and the database are 1m0s apart", "mend: synchronise this machine's clock", "1 to mend.")
	if _, err := super.Exec(t.Context(), `ALTER DATABASE "`+database+`" RESET search_path`); err != nil {
		t.Fatal(err)
	}
	w.run("doctor").want(t, 0, "Everything answers.")
	for _, sql := range []string{`SELECT count(*) FROM audit WHERE actor = 'doctor'`} {
		if n := w.count(sql); n != 0 {
			t.Errorf("the doctor left %d rows", n)
		}
	}
	old := database + "_ascii"
	if _, err := super.Exec(t.Context(), `CREATE DATABASE "`+old+`" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = super.Exec(context.WithoutCancel(t.Context()), `DROP DATABASE IF EXISTS "`+old+`" WITH (FORCE)`)
	})
	name.Path = "/" + old
	w.with("OFFRAMP_DATABASE_URL", name.String()).run("doctor").want(t, 1, "WRONG database: the database counts", "its encoding is SQL_ASCII", "mend: create it with ENCODING 'UTF8'")
}

// TestDoctorTellsHowSinksFare reads what the workers found out.
func TestDoctorTellsHowSinksFare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	super := w.database.Super(t)
	for _, c := range []struct {
		sql  string
		says string
	}{
		{`INSERT INTO sink (name, tried_at, failing_since, answers) VALUES ('crm', now(), now(), '[{"at":"2026-11-21T00:00:00Z","event":"msg_1","status":401,"fault":"HTTP 401 Unauthorized","ms":3}]')`, `the sink "crm" has taken nothing since`},
		{`UPDATE sink SET disabled_at = now(), reason = 'HTTP 410 Gone'`, "mend: when its receiver is right again: offramp sinks enable crm"},
	} {
		if _, err := super.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		w.run("doctor").want(t, 1, "WRONG sinks: ", c.says, "1 to mend.")
	}
}

// TestDoctorOpensWhatCustomersSealed has an account that was sealed by the key that is set, and then another key.
func TestDoctorOpensWhatCustomersSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	box, err := secret.New(refund.Purpose, []byte(w.env["OFFRAMP_WEB_SECRET_KEY"]))
	if err != nil {
		t.Fatal(err)
	}
	w.refunded(box.Seal("DE89370400440532013000", w.firstCustomer()))
	w.run("doctor").want(t, 0, "ok    keys of bank details: by OFFRAMP_WEB_SECRET_KEY\n")
	other := w.with("OFFRAMP_WEB_SECRET_KEY", strings.Repeat("n", 32))
	other.run("doctor").want(t, 1, "WRONG keys of bank details: bank details that customers gave cannot be opened", "OFFRAMP_WEB_OLD_SECRET_KEYS", "1 to mend.")
	other.with("OFFRAMP_WEB_OLD_SECRET_KEYS", w.env["OFFRAMP_WEB_SECRET_KEY"]).run("doctor").want(t, 0, "Everything answers.")
}

// TestDoctorTriesTheDatabasesLetters has a database that folds A to Z only: it is wrong once somebody's name has
// another letter.
func TestDoctorTriesTheDatabasesLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	super := w.database.Super(t)
	name, err := url.Parse(w.database.WorkURL)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(name.Path, "/")
	do := func(sql string) {
		t.Helper()
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE SCHEMA letters`)
	do(`GRANT USAGE ON SCHEMA letters TO public`)
	do(`CREATE FUNCTION letters.lower(text) RETURNS text LANGUAGE sql AS 'SELECT translate($1, ''ABCDEFGHIJKLMNOPQRSTUVWXYZ'', ''abcdefghijklmnopqrstuvwxyz'')'`)
	do(`ALTER DATABASE "` + database + `" SET search_path = public, letters, pg_catalog`)
	w.run("doctor").want(t, 0, "-     database's letters: search tells É from é (LC_CTYPE C), and no name has such a letter yet")
	do(`UPDATE customer SET name = 'Éditions Šlapeto' WHERE ref = 'B-1'`)
	w.run("doctor").want(t, 1, "WRONG database's letters: search tells É from é, so that it does not find 1 names", "mend: dump the database", "1 to mend.")
	do(`CREATE OR REPLACE FUNCTION letters.lower(text) RETURNS text LANGUAGE sql AS 'SELECT pg_catalog.lower($1 COLLATE "und-x-icu")'`)
	w.run("doctor").want(t, 0, "ok    database's letters: É and é are one letter to search")
}
