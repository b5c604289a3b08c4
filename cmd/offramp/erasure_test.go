package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/export/receipt"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/erasure"
)

// erased lets a worker erase a customer by their own wish and two programme managers' word, and returns the certificate.
func (w *world) erased(ref string) string {
	w.Helper()
	super := w.database.Super(w.T)
	d := w.database.Open(w.T)
	ctx := w.Context()
	for _, id := range []string{"mia", "max"} {
		if _, err := super.Exec(ctx, `INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at)
			VALUES ($1, 'staff', 'i', $1, $1, '{programme_manager}', now(), now()) ON CONFLICT DO NOTHING`, id); err != nil {
			w.Fatal(err)
		}
	}
	var customer, contact string
	if err := super.QueryRow(ctx, `SELECT c.id, k.id FROM customer c JOIN contact k ON k.customer_id = c.id WHERE c.ref = $1 LIMIT 1`, ref).Scan(&customer, &contact); err != nil {
		w.Fatal(err)
	}
	service := erasure.NewService(d, migration.NewProgrammes(d))
	queue, err := jobs.NewInserter(d)
	if err != nil {
		w.Fatal(err)
	}
	if err := service.Wish(ctx, customer, contact); err != nil {
		w.Fatal(err)
	}
	run, err := service.Ask(ctx, erasure.By{ID: "mia"}, ref)
	if err != nil {
		w.Fatal(err)
	}
	if err := service.Agree(ctx, erasure.By{ID: "max"}, run, erasure.PlanEnqueuer(queue)); err != nil {
		w.Fatal(err)
	}
	working, stop := context.WithCancel(ctx)
	done := make(chan result, 1)
	go func() { done <- runWith(working, w.T, w.env, "", "work") }()
	certificate := ""
	for deadline := time.Now().Add(time.Minute); certificate == "" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err := super.QueryRow(ctx, `SELECT coalesce(max(certificate), '') FROM erasure_order WHERE customer_id = $1`, customer).Scan(&certificate); err != nil {
			w.Fatal(err)
		}
	}
	stop()
	<-done
	if certificate == "" {
		w.Fatal("the worker does not complete the erasure")
	}
	return certificate
}

// standsIn lists the tables in which a text stands.
func standsIn(t *testing.T, pool *pgxpool.Pool, text string) (list []string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s t WHERE t::text ILIKE '%%' || $1 || '%%'`, table), text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			list = append(list, table)
		}
	}
	return list
}

// TestX05_ARestoredBackupDoesNotStartBeforeErasuresAreReplayed backs up with the shipped script, erases, restores with the other one, and
// looks for the customer's address in every table and in every version of the bucket.
func TestX05_ARestoredBackupDoesNotStartBeforeErasuresAreReplayed(t *testing.T) {
	t.Parallel()
	bin, w := clientPrograms(t), newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	super := w.database.Super(t)
	const canary, spared = "anna@boats.example", "bo@boats.example"
	if len(standsIn(t, super, canary)) == 0 {
		t.Fatal("the customer was not imported")
	}
	role := "offramp_erasure_" + strings.ToLower(filepath.Base(t.TempDir()))
	if _, err := super.Exec(t.Context(), `CREATE ROLE `+role+` LOGIN BYPASSRLS; GRANT pg_read_all_data TO `+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = super.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
	})
	file := filepath.Join(t.TempDir(), "offramp.dump")
	as := strings.Replace(w.database.OwnerURL, "//offramp_owner", "//"+role, 1)
	if _, err := w.script(bin, "dump", file, "OFFRAMP_BACKUP_URL="+as); err != nil {
		t.Fatal(err)
	}
	w.erased("B-1")
	if left := standsIn(t, super, canary); len(left) > 0 {
		t.Fatalf("after the erasure the address stands in %v", left)
	}

	restored := localtest.EmptyDatabase(t)
	if _, err := w.script(bin, "restore", file, "OFFRAMP_DATABASE_OWNER_URL="+restored.OwnerURL); err != nil {
		t.Fatal(err)
	}
	other := w.with("OFFRAMP_DATABASE_URL", restored.WorkURL, "OFFRAMP_DATABASE_OWNER_URL", restored.OwnerURL)
	other.run("schema", "up").want(t, 0)
	behind := restored.Super(t)
	if len(standsIn(t, behind, canary)) == 0 {
		t.Fatal("the backup does not have the customer")
	}
	other.run("work").want(t, 1, "restored from before 1 erasures", "offramp schema replay-erasures")
	other.with("OFFRAMP_DATABASE_URL", restored.WebURL).run("serve").want(t, 1, "restored from before 1 erasures")
	other.run("schema", "replay-erasures").want(t, 0, "has 1 erasures that are not in it", "erased again: number 1", "1 customers were erased again")
	if left := standsIn(t, behind, canary); len(left) > 0 {
		t.Errorf("after the replay the address stands in %v", left)
	}
	if len(standsIn(t, behind, spared)) == 0 {
		t.Error("the other customer is gone, too")
	}
	other.run("schema", "replay-erasures").want(t, 0, "has 0 erasures", "0 customers were erased again")
	other.run("import").want(t, 1, "B-1", "was erased")
	if left := standsIn(t, behind, canary); len(left) > 0 {
		t.Errorf("after an import the address stands in %v", left)
	}
}

// TestX09_ACertificateIsCheckedWithoutUs alters certificates, mixes chains, and checks one by hand, with nothing but Ed25519.
func TestX09_ACertificateIsCheckedWithoutUs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	first, second := w.erased("B-1"), w.erased("B-2")
	key, err := receipt.NewKey([]byte(w.env["OFFRAMP_WEB_SECRET_KEY"]))
	if err != nil {
		t.Fatal(err)
	}
	set, err := receipt.PublicKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys, one, two := write("keys.json", string(set)), write("1.jws", first), write("2.jws", second+"\n")
	w.run("verify", one, two, "--keys", keys).want(t, 0, "genuine: erasure 1", "genuine: erasure 2")
	w.run("verify", one).want(t, 1, "needs --keys")
	if strings.Contains(string(payloadOf(t, first)), "nna") {
		t.Error("the certificate names the customer")
	}
	head, rest, _ := strings.Cut(first, ".")
	body, signature, _ := strings.Cut(rest, ".")
	changed := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payloadOf(t, first)), `"passes":1`, `"passes":2`, 1)))
	w.run("verify", write("changed.jws", head+"."+changed+"."+signature), "--keys", keys).want(t, 1, "BAD")
	another, err := receipt.NewKey([]byte(strings.Repeat("z", 32)))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := receipt.SignAs(erasure.CertificateType, payloadOf(t, first), another)
	if err != nil {
		t.Fatal(err)
	}
	w.run("verify", write("forged.jws", string(forged)), "--keys", keys).want(t, 1, "BAD")
	cut, err := receipt.SignAs(erasure.CertificateType, []byte(replaced(t, second)), key)
	if err != nil {
		t.Fatal(err)
	}
	w.run("verify", one, write("cut.jws", string(cut)), "--keys", keys).want(t, 1, "certificate 2 does not follow certificate 1")
	// After the installation's secret was changed the old key is still in the set.
	both, err := receipt.PublicKeys(another, key)
	if err != nil {
		t.Fatal(err)
	}
	w.run("verify", one, "--keys", write("both.json", string(both))).want(t, 0, "genuine")

	var jwks struct{ Keys []struct{ X, Kid string } }
	if err := json.Unmarshal(set, &jwks); err != nil {
		t.Fatal(err)
	}
	public, err := base64.RawURLEncoding.DecodeString(jwks.Keys[0].X)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(public, []byte(head+"."+body), raw) {
		t.Errorf("by hand the signature does not hold: %v", err)
	}
}

func payloadOf(t *testing.T, jws string) []byte {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jws, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// replaced is a certificate's payload with another one before it.
func replaced(t *testing.T, jws string) string {
	t.Helper()
	c, err := erasure.Read(payloadOf(t, jws))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(payloadOf(t, jws)), c.Previous, strings.Repeat("ab", 32), 1)
}
