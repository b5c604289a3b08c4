package local

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/postgres"
)

// TestNothingOutlivesItsParent starts servers from a process that is then killed.
func TestNothingOutlivesItsParent(t *testing.T) {
	const parent = "OFFRAMP_TEST_PARENT"
	if dir := os.Getenv(parent); dir != "" {
		if _, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Throwaway: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := StartS3(t.Context(), S3Options{Dir: filepath.Join(dir, "s3")}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("running", strings.Join(children(t), " "))
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs the parent-death signal of Linux")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingOutlivesItsParent$", "-test.v") // this test itself
	dir, err := os.MkdirTemp("", "offramp-local-")                                                             // t.TempDir() of root is closed to PostgreSQL's own user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), parent+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []string
	for lines := bufio.NewScanner(out); len(pids) == 0 && lines.Scan(); {
		if list, ok := strings.CutPrefix(lines.Text(), "running "); ok {
			pids = strings.Fields(list)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if len(pids) != 2 {
		t.Fatalf("the parent has the children %v; it starts PostgreSQL and an S3 server", pids)
	}
	deadline := time.Now().Add(15 * time.Second)
	for slices.ContainsFunc(pids, runs) {
		if time.Now().After(deadline) {
			t.Fatalf("of %v some run on without their parent", pids)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// children lists the child processes of this one.
func children(t *testing.T) (pids []string) {
	t.Helper()
	threads, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range threads {
		list, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, strings.Fields(string(list))...)
	}
	return pids
}

// runs reports whether the process runs. One that has ended may stay in the table for as long as nobody asks for its status,
// as in a container without an init.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, ok := bytes.Cut(stat, []byte(") "))
	return err == nil && ok && state[0] != 'Z'
}
