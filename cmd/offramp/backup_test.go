package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/db"
)

// clientPrograms is the folder of pg_dump and pg_restore of the server's own version or a newer one.
func clientPrograms(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	if bin := os.Getenv("OFFRAMP_POSTGRES_BIN"); bin != "" {
		found = append(found, filepath.Join(bin, "pg_dump"))
	}
	if len(found) == 0 {
		t.Skip("there is no pg_dump; apt install postgresql-client")
	}
	return filepath.Dir(found[len(found)-1])
}

// script runs a script of deploy/backup.
func (w *world) script(bin, name, file string, env ...string) (string, error) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), filepath.Join("..", "..", "deploy", "backup", name), file)
	cmd.Env = append(os.Environ(), append(env, "PG_BIN="+bin)...)
	out, err := cmd.CombinedOutput()
	w.Logf("%s: %v\n%s", name, err, out)
	return string(out), err
}

// tableCounts counts the rows of every table, and what the ledger comes to.
func tableCounts(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT relname::text, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', relname), true, true, '')))[1]::text
		FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
		UNION ALL SELECT 'ledger by account', coalesce(string_agg(x, ', '), '') FROM (SELECT account || ' ' || currency || ' ' || sum(amount) AS x FROM ledger_posting GROUP BY account, currency ORDER BY 1) l
		UNION ALL SELECT 'audit', max(seq)::text || ' ' || encode((SELECT hash FROM audit_head), 'hex') FROM audit`)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]string{}
	var name, n string
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error { counts[name] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return counts
}

// TestP04_ABackupIsRestoredWhole dumps an installation with the shipped script, restores it with the other one, and
// holds the two against each other: rows of every table, the ledger, the chain of the audit log. The restored one then
// passes the doctor.
func TestP04_ABackupIsRestoredWhole(t *testing.T) {
	t.Parallel()
	bin, w := clientPrograms(t), newWorld(t)
	if _, err := w.boats.Exec(t.Context(), boatPayments); err != nil {
		t.Fatal(err)
	}
	w.inEffect()
	w.run("import").want(t, 0)
	super := w.database.Super(t)
	w.refunded("")
	role := "offramp_dump_" + strings.ToLower(filepath.Base(t.TempDir()))
	if _, err := super.Exec(t.Context(), `CREATE ROLE `+role+` LOGIN BYPASSRLS; GRANT pg_read_all_data TO `+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = super.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
	})
	file := filepath.Join(t.TempDir(), "offramp.dump")
	if out, err := w.script(bin, "dump", file, "OFFRAMP_BACKUP_URL="+w.database.OwnerURL); err == nil || !strings.Contains(out, "row-level security") {
		t.Errorf("a dump as the owner goes through, although row-level security is forced on it: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a dump that failed is left behind")
	}
	as := strings.Replace(w.database.OwnerURL, "//offramp_owner", "//"+role, 1)
	if _, err := w.script(bin, "dump", file, "OFFRAMP_BACKUP_URL="+as); err != nil {
		t.Fatal(err)
	}
	restored := localtest.EmptyDatabase(t)
	if _, err := w.script(bin, "restore", file, "OFFRAMP_DATABASE_OWNER_URL="+restored.OwnerURL); err != nil {
		t.Fatal(err)
	}
	before, after := tableCounts(t, super), tableCounts(t, restored.Super(t))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error("the restored database differs (-before +after):\n" + diff)
	}
	if before["customer"] != "2" || before["ledger by account"] != "liability EUR -5, prepaid EUR 5" || len(before) < 40 {
		t.Errorf("too little was compared: %v", before)
	}
	d := restored.Open(t, db.Options{})
	report, err := audit.Verify(t.Context(), d)
	if err != nil || report.Break != nil || report.Checked < 3 {
		t.Errorf("the audit log's chain: %+v, %v", report, err)
	}
	other := w.with("OFFRAMP_DATABASE_URL", restored.WorkURL, "OFFRAMP_DATABASE_OWNER_URL", restored.OwnerURL)
	other.run("schema", "up").want(t, 0, "0 new")
	other.run("doctor").want(t, 0, "Everything answers.")

	flipped, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped[len(flipped)/2] ^= 1
	if err := os.WriteFile(file, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := localtest.EmptyDatabase(t)
	if out, err := w.script(bin, "restore", file, "OFFRAMP_DATABASE_OWNER_URL="+empty.OwnerURL); err == nil {
		t.Errorf("a damaged dump is restored: %s", out)
	}
}
