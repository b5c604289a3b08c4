package localtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
)

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			d := localtest.Database(t)
			if _, err := d.Owner(t).Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
				t.Fatal(err)
			}
			app := d.Open(t)
			if _, err := app.Pool.Exec(t.Context(), "DROP TABLE mine"); err == nil {
				t.Error("the application role dropped a table")
			}
		})
	}
}

func TestDBReachesNothingWithoutAScope(t *testing.T) {
	d := localtest.DB(t)
	var n int
	err := d.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), "SELECT count(*) FROM customer").Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestNothingIsLeft runs this test binary again, kills it while its server runs, and waits for its directory to go.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv("OFFRAMP_TEST_LEAVE") != "" {
		localtest.DB(t)
		_ = os.Stdout.Close() // tells that we are up
		select {}
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsLeft$")
	cmd.Env = append(os.Environ(), "OFFRAMP_TEST_LEAVE=1", "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 1))
	if entries, _ := os.ReadDir(dir); len(entries) == 0 {
		t.Fatal("the other process made no scratch directory")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		entries, _ := os.ReadDir(dir)
		if len(entries) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", entries)
		}
	}
}
