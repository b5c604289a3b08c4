package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// reachableDir is a directory that PostgreSQL's own user may enter, unlike t.TempDir() of root.
func reachableDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "offramp-local-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPostgres(t *testing.T, dir string) *Server {
	t.Helper()
	p, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func queryRow[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var got T
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresKeepsItsDataAndPort(t *testing.T) {
	dir := reachableDir(t)
	first := startPostgres(t, dir)
	if err := first.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	execute(t, first.URL("shop", OwnerRole), "CREATE TABLE t AS SELECT 7 AS n")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := startPostgres(t, dir)
	if second.Port != first.Port {
		t.Errorf("port moved from %d to %d", first.Port, second.Port)
	}
	if got := queryRow[int](t, second.URL("shop", OwnerRole), "SELECT n FROM t"); got != 7 {
		t.Errorf("got %d after the restart", got)
	}
}

func TestPostgresRoles(t *testing.T) {
	p := startPostgres(t, reachableDir(t))
	const sql = `SELECT string_agg(rolname || ':' || rolsuper || rolbypassrls || rolcanlogin || rolcreaterole, ' ' ORDER BY rolname)
		FROM pg_roles WHERE rolname LIKE 'offramp%'`
	want := "offramp_app:falsefalsefalsefalse offramp_both:falsefalsetruefalse offramp_owner:falsefalsetruetrue offramp_serve:falsefalsefalsefalse" +
		" offramp_web:falsefalsetruefalse offramp_work:falsefalsefalsefalse offramp_worker:falsefalsetruefalse"
	if got := queryRow[string](t, p.SuperURL(), sql); got != want {
		t.Errorf("roles:\n got %s\nwant %s", got, want)
	}
	for role, of := range map[string]string{WebRole: "offramp_serve", WorkRole: "offramp_work", AppRole: "offramp_app"} {
		got := queryRow[string](t, p.URL("postgres", role), `SELECT string_agg(rolname, ' ') FROM pg_roles WHERE NOT rolcanlogin AND rolname LIKE 'offramp%' AND pg_has_role(oid, 'member')`)
		if got != of {
			t.Errorf("%s is a member of %s, want %s", role, got, of)
		}
	}
}

func TestPostgresOfAnotherIsNotTouched(t *testing.T) {
	dir := reachableDir(t)
	startPostgres(t, dir)
	_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
	if err == nil || !strings.Contains(err.Error(), "already works in") {
		t.Fatalf("second server on one directory: %v", err)
	}
}

func TestPostgresStaleLock(t *testing.T) {
	dir := reachableDir(t)
	p := startPostgres(t, dir)
	if err := p.child.Stop(10*time.Second, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, "pgdata", "postmaster.pid")
	// The number now belongs to a process that is no PostgreSQL: this one.
	if err := os.WriteFile(lock, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), filepath.Join(dir, "pgdata")), 0o600); err != nil {
		t.Fatal(err)
	}
	startPostgres(t, dir)
}

func TestPostgresUnderAClosedFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has this trouble")
	}
	dir := reachableDir(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := Start(t.Context(), Options{Dir: filepath.Join(dir, "db"), Throwaway: true})
	if err != nil {
		if strings.Contains(err.Error(), "user namespaces") {
			t.Skipf("this machine has no user namespaces, and says so: %v", err)
		}
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func TestPostgresPortTaken(t *testing.T) {
	p := startPostgres(t, reachableDir(t))
	_, err := Start(t.Context(), Options{Dir: reachableDir(t), Port: p.Port, Throwaway: true})
	if err == nil || !strings.Contains(err.Error(), "taken by another program") {
		t.Fatalf("got %v", err)
	}
}

func TestPostgresNowhere(t *testing.T) {
	t.Setenv(binEnv, t.TempDir())
	_, err := findPostgres(t.Context(), t.TempDir(), func(string) {})
	if err == nil || !strings.Contains(err.Error(), binEnv) {
		t.Fatalf("got %v", err)
	}
}

func TestUnpackBundle(t *testing.T) {
	var pack bytes.Buffer
	zw := gzip.NewWriter(&pack)
	tw := tar.NewWriter(zw)
	for name, content := range map[string]string{
		"package/native/bin/postgres":     "program",
		"package/native/lib/libpq.so.5.1": "library",
		"package/native/pg-symlinks.json": `[{"source":"native/lib/libpq.so.5.1","target":"native/lib/libpq.so.5"}]`,
		"package/index.js":                "ignored",
	} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := unpackBundle(&pack, dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "native/lib/libpq.so.5")); err != nil || string(got) != "library" {
		t.Errorf("link: %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.js")); err == nil {
		t.Error("unpacked more than the programs")
	}
}
